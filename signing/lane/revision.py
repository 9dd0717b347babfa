"""One incremental update as bytes: objects, then cross-references of the file's own kind.

Owns object numbers, offsets, the table or the cross-reference stream, and the trailer (ISO 32000-2,
7.5.6). A file whose newest section is a table gets a table, also a hybrid one; a stream gets a
stream. Leaves what the objects say to others.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field

from signing.lane.file import LaneFile
from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import Dictionary, Reference

_LARGEST_OFFSET = 9_999_999_999  # ten digits: what a table's entry holds
_END_OF_OBJECT = b"\nendobj\n"
_KEPT = (b"/Root", b"/Info")
_FIRST_ID, _ids = int.from_bytes(os.urandom(16), "big"), itertools.count()  # one a revision


def stream_body(entries: bytes, data: bytes) -> bytes:
    """A stream object's body; ``entries`` are the dictionary's without ``/Length``."""
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


@dataclass(slots=True)
class Rendered:
    """A revision's bytes and where its parts lie in the whole file."""

    block: bytearray
    bodies: dict[int, int]  # object number → offset of its body
    start: int  # offset of the cross-references


@dataclass(slots=True)
class Revision:
    """Objects to be appended; see ``render``."""

    file: LaneFile
    objects: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number → generation, body

    def reserve(self) -> Reference:
        """A new object's number, before its body is known."""
        number = self.file.next_number
        self.file.next_number += 1
        return Reference(number, 0)

    def new(self, body: bytes) -> Reference:
        """Add a new object."""
        target = self.reserve()
        self.put(target, body)
        return target

    def put(self, target: Reference, body: bytes) -> None:
        """Write an object, new or in place of an older one."""
        self.objects[target.number] = (target.generation, body)
        self.file.write(target, body)

    def put_dictionary(self, target: Reference, found: Dictionary) -> None:
        """Write a dictionary; the next act on it reads what is known, not the bytes again."""
        body = bytes(found)
        self.objects[target.number] = (target.generation, body)
        self.file.write(target, body, found)

    def render(self, position: int) -> Rendered:
        """Write everything, to stand at ``position``; the next revision builds on this one.

        Raises:
            NotForTheLane: the file is too long for its own cross-references.
        """
        parts: list[bytes] = []
        bodies, offsets, start = {}, {}, position
        for number in sorted(self.objects):
            generation, body = self.objects[number]
            head = b"%d %d obj\n" % (number, generation)
            offsets[number] = start
            bodies[number] = start + len(head)
            start += len(head) + len(body) + len(_END_OF_OBJECT)
            parts += (head, body, _END_OF_OBJECT)
        if start + 64 * (len(offsets) + 8) > _LARGEST_OFFSET:
            raise NotForTheLane("the file is too long")
        if self.file.references.uses_streams:
            parts.append(self._as_stream(offsets, start))
        else:
            parts.append(self._as_table(offsets))
        parts.append(b"startxref\n%d\n%%%%EOF\n" % start)
        self.file.newest = start
        return Rendered(bytearray().join(parts), bodies, start)

    def trailer(self) -> Dictionary:
        """The update's trailer."""
        references = self.file.references
        entries = {b"/Size": b"%d" % self.file.next_number, b"/Prev": b"%d" % self.file.newest}
        for name in _KEPT:
            value = references.trailer.get(name)
            if value is not None:
                entries[name] = value
        first = self.file.identity
        if first is not None:  # the second half changes with every revision
            entries[b"/ID"] = b"[%s<%032x>]" % (first, (_FIRST_ID + next(_ids)) % 2**128)
        return Dictionary(entries)

    def _as_table(self, offsets: dict[int, int]) -> bytes:
        rows = [b"xref\n"]
        for first, numbers in runs(offsets):
            rows.append(b"%d %d\n" % (first, len(numbers)))
            rows += [b"%010d %05d n\r\n" % (offsets[n], self.objects[n][0]) for n in numbers]
        rows += (b"trailer\n", bytes(self.trailer()), b"\n")
        return b"".join(rows)

    def _as_stream(self, offsets: dict[int, int], start: int) -> bytes:
        own = self.reserve().number
        self.objects[own] = (0, b"")
        offsets = {**offsets, own: start}
        width = max(4, (start.bit_length() + 7) // 8)
        rows, index = bytearray(), []
        for first, numbers in runs(offsets):
            index.append(b"%d %d" % (first, len(numbers)))
            for n in numbers:
                rows += b"\1" + offsets[n].to_bytes(width, "big")
                rows += self.objects[n][0].to_bytes(2, "big")
        own_entries = {b"/Type": b"/XRef", b"/W": b"[1 %d 2]" % width}
        own_entries[b"/Index"] = b"[" + b" ".join(index) + b"]"
        trailer = self.trailer().having(own_entries)
        body = stream_body(bytes(trailer)[2:-2], bytes(rows))
        return b"%d 0 obj\n%s\nendobj\n" % (own, body)


def runs(numbers: dict[int, int]) -> list[tuple[int, list[int]]]:
    """Object numbers in ascending order, cut where they do not follow each other."""
    found: list[tuple[int, list[int]]] = []
    run: list[int] = []
    last = -2
    for number in sorted(numbers):
        if number != last + 1:
            run = []
            found.append((number, run))
        run.append(number)
        last = number
    return found
