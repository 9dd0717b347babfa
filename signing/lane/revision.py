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
_FIRST_ID, _ids = int.from_bytes(os.urandom(16), "big"), itertools.count()  # one a revision


def stream_body(entries: bytes, data: bytes) -> bytes:
    """A stream object's body; ``entries`` are the dictionary's without ``/Length``."""
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


@dataclass(slots=True)
class Revision:
    """Objects to be appended; see ``render``."""

    file: LaneFile
    objects: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number → generation, body

    def new(self, body: bytes) -> Reference:
        """Add a new object."""
        file = self.file
        number = file.next_number
        file.next_number = number + 1
        self.objects[number] = (0, body)
        file.written[number] = body  # nobody has read what was not there
        return Reference(number, 0)

    def put(self, target: Reference, body: bytes) -> None:
        """Write an object, new or in place of an older one."""
        self.objects[target.number] = (target.generation, body)
        self.file.write(target, body)

    def put_dictionary(self, target: Reference, found: Dictionary) -> None:
        """Write a dictionary; the next act on it reads what is known, not the bytes again."""
        body = bytes(found)
        self.objects[target.number] = (target.generation, body)
        self.file.write(target, body, found)

    def render(self, position: int) -> tuple[bytearray, dict[int, int]]:
        """Write everything, to stand at ``position``; the next revision builds on this one.

        Gives the revision's bytes, and where in the whole file each of its objects begins.

        Raises:
            NotForTheLane: the file is too long for its own cross-references.
        """
        parts: list[bytes] = []
        offsets, start = {}, position
        for number, (generation, body) in sorted(self.objects.items()):
            offsets[number] = start
            head = b"%d %d obj\n" % (number, generation)
            start += len(head) + len(body) + len(_END_OF_OBJECT)
            parts += (head, body, _END_OF_OBJECT)
        if start + 64 * (len(offsets) + 8) > _LARGEST_OFFSET:
            raise NotForTheLane("the file is too long")
        if self.file.references.uses_streams:
            parts.append(self._as_stream(offsets, start))
        else:
            parts += self._as_table(offsets)
        parts.append(b"startxref\n%d\n%%%%EOF\n" % start)
        self.file.newest = start
        return bytearray().join(parts), offsets

    def trailer(self) -> bytes:
        """The update's trailer: what stands between its brackets."""
        file = self.file
        entries = b"/Size %d\n/Prev %d%s" % (file.next_number, file.newest, file.kept_in_trailer)
        if file.identity is None:
            return entries
        # the second half changes with every revision
        own = (_FIRST_ID + next(_ids)) % 2**128
        return b"%s\n/ID [%s<%032x>]" % (entries, file.identity, own)

    def _as_table(self, offsets: dict[int, int]) -> list[bytes]:
        rows = [b"xref\n"]
        for first, numbers in runs(offsets):
            rows.append(b"%d %d\n" % (first, len(numbers)))
            rows += [b"%010d %05d n\r\n" % (offsets[n], self.objects[n][0]) for n in numbers]
        rows.append(b"trailer\n<<%s>>\n" % self.trailer())
        return rows

    def _as_stream(self, offsets: dict[int, int], start: int) -> bytes:
        own = self.new(b"").number
        offsets = {**offsets, own: start}
        width = max(4, (start.bit_length() + 7) // 8)
        rows, index = bytearray(), []
        for first, numbers in runs(offsets):
            index.append(b"%d %d" % (first, len(numbers)))
            for n in numbers:
                rows += b"\1" + offsets[n].to_bytes(width, "big")
                rows += self.objects[n][0].to_bytes(2, "big")
        entries = b"/Type /XRef\n/W [1 %d 2]\n/Index [%s]\n" % (width, b" ".join(index))
        body = stream_body(entries + self.trailer(), bytes(rows))
        return b"%d 0 obj\n%s\nendobj\n" % (own, body)


def runs(numbers: dict[int, int]) -> list[tuple[int, list[int]]]:
    """Object numbers in ascending order, cut where they do not follow each other."""
    found: list[tuple[int, list[int]]] = []
    run: list[int] = []
    following = -1
    for number in sorted(numbers):
        if number == following:
            run.append(number)
        else:
            run = [number]
            found.append((number, run))
        following = number + 1
    return found
