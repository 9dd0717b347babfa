"""PDF files cut open by hand: appended revisions in every form that readers accept.

Deterministic by the ``random.Random`` that is handed in. What is written is kept apart from what
reads it: nothing here uses the product's or pyHanko's own reader or writer.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field

import pikepdf

HEADER = b"%PDF-1.7\n"


def opened(pdf):
    return pikepdf.open(io.BytesIO(pdf))


def written(item):
    """An object's own bytes, as they may stand in a revision."""
    if isinstance(item, pikepdf.Stream):
        data = item.read_raw_bytes()
        item.stream_dict.Length = len(data)
        return item.stream_dict.unparse() + b"\nstream\n" + data + b"\nendstream"
    return item.unparse(resolved=True)


class Impossible(Exception):
    """This form of an update cannot carry this change."""


@dataclass
class Update:
    """What a revision writes anew, and what it says in its trailer."""

    objects: dict[tuple[int, int], bytes] = field(default_factory=dict)
    freed: tuple[int, ...] = ()
    root: bytes = b""  # other than the last one
    trailer: bytes = b""  # more entries
    previous: int | None = None  # other than the last startxref

    def put(self, item):
        """Take an object as it is now, whatever it leads to left where it is."""
        if not item.is_indirect:
            raise ValueError("written inside another object")
        self.objects[item.objgen] = written(item)

    @property
    def is_empty(self):
        return not (self.objects or self.freed or self.root or self.trailer)


def last_start(pdf):
    return int(pdf[pdf.rindex(b"startxref") :].split()[1])


def size_and_root(pdf):
    with opened(pdf) as document:
        root = document.Root.objgen
        return int(document.trailer.Size), b"%d %d R" % root


def append(pdf, update, way, rng):
    """Append an update in one of ``WAYS``."""
    return WAYS[way](pdf, update, rng)


# ------------------------------------------------------------------ the forms of an update


def _bodies(out, update):
    places = {}
    for (number, generation), body in update.objects.items():
        places[number] = (len(out), generation)
        out += b"%d %d obj\n%s\nendobj\n" % (number, generation, body)
    return places


def _trailer(pdf, update, places, more=b""):
    size, root = size_and_root(pdf)
    size = max([size, *(number + 1 for number in places)])
    previous = last_start(pdf) if update.previous is None else update.previous
    text = b"/Size %d/Root %s/Prev %d" % (size, update.root or root, previous)
    return text + update.trailer + more


def _rows(places, freed):
    rows = b"".join(
        b"%d 1\n%010d %05d n \n" % (number, at, generation)
        for number, (at, generation) in sorted(places.items())
    )
    return rows + b"".join(b"%d 1\n0000000000 65535 f \n" % number for number in freed)


def by_table(pdf, update, rng, more=b"", head=b""):
    out = bytearray(pdf) + head
    places = _bodies(out, update)
    at = len(out)
    out += b"xref\n" + _rows(places, update.freed)
    out += b"trailer\n<<%s>>\n" % _trailer(pdf, update, places, more)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % at


def by_stream(pdf, update, rng, inside=()):
    """A cross-reference stream; what is ``inside`` lies in an object stream."""
    out = bytearray(pdf)
    kept = {k: b for k, b in update.objects.items() if k[0] not in inside}
    size, _ = size_and_root(pdf)
    own = max([size, *(number + 1 for number, _ in update.objects)])
    rows = {}
    if inside:
        kept[(own + 1, 0)] = _object_stream({n: update.objects[(n, 0)] for n in inside})
        rows = {n: b"\2" + (own + 1).to_bytes(4) + i.to_bytes(2) for i, n in enumerate(inside)}
    places = _bodies(out, Update(kept))
    places[own] = (len(out), 0)
    rows |= {n: b"\1" + at.to_bytes(4) + gen.to_bytes(2) for n, (at, gen) in places.items()}
    rows |= dict.fromkeys(update.freed, b"\x00" * 7)
    index = b" ".join(b"%d 1" % n for n in sorted(rows))
    data = zlib.compress(b"".join(rows[n] for n in sorted(rows)))
    entries = _trailer(pdf, update, {own + 1: None, **places})
    head = b"/Type/XRef/W[1 4 2]/Index[%s]/Filter/FlateDecode/Length %d" % (index, len(data))
    out += b"%d 0 obj\n<<%s%s>>\nstream\n" % (own, head, entries)
    out += data + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % places[own][0]
    return bytes(out)


def _object_stream(bodies):
    return _stream_of(bodies.items())


def _stream_of(pairs):
    pairs, head, data = list(pairs), [], b""
    for number, body in pairs:
        head.append(b"%d %d" % (number, len(data)))
        data += body + b"\n"
    index = b" ".join(head) + b"\n"
    return b"<</Type/ObjStm/N %d/First %d/Length %d>>\nstream\n%s\nendstream" % (
        len(pairs), len(index), len(index + data), index + data,
    )  # fmt: skip


def by_object_stream(pdf, update, rng):
    inside = [n for (n, gen), body in update.objects.items() if not gen and b"stream\n" not in body]
    return by_stream(pdf, update, rng, inside)


def by_hybrid(pdf, update, rng):
    """The table says nothing; the stream that its trailer names says everything."""
    streamed = by_stream(pdf, update, rng)
    at = last_start(streamed)
    body = streamed[: streamed.rindex(b"startxref")]
    place = len(body)
    size, root = size_and_root(pdf)
    size += len(update.objects) + 2
    entries = (size, update.root or root, last_start(pdf), at)
    trailer = b"trailer\n<</Size %d/Root %s/Prev %d/XRefStm %d>>\n" % entries
    return body + b"xref\n0 0\n" + trailer + b"startxref\n%d\n%%%%EOF\n" % place


def by_silent_stream(pdf, update, rng):
    """A hybrid whose hidden stream points at something other than the table says."""
    hidden = by_stream(pdf, update, rng)
    at = last_start(hidden)
    body = hidden[: hidden.rindex(b"startxref")]
    with opened(pdf) as document:
        old = Update({key: written(document.get_object(*key)) for key in update.objects
                      if key[0] < int(document.trailer.Size)})  # fmt: skip
    return by_table(body + b"startxref\n%d\n%%%%EOF\n" % last_start(pdf), old, rng,
                    more=b"/XRefStm %d" % at)  # fmt: skip


def unlisted(pdf, update, rng):
    """Objects without any table; only readers that repair see them."""
    out = bytearray(pdf)
    _bodies(out, update)
    return bytes(out)


def unlisted_inside(pdf, update, rng):
    """Objects before an update that leaves them out of its table."""
    out = bytearray(pdf)
    _bodies(out, update)
    with opened(pdf) as document:
        note = document.make_indirect(pikepdf.Array([1]))
        harmless = Update({note.objgen: b"[1]"})
    start = last_start(pdf)
    return by_table(bytes(out), replace_previous(harmless, start), rng)


def replace_previous(update, previous):
    return Update(update.objects, update.freed, update.root, update.trailer, previous)


def freed_as(generation):
    def freeing(pdf, update, rng):
        """Rows that free objects with a generation that is none of theirs."""
        done = by_table(pdf, update, rng)
        at = last_start(done)
        rows = done[at:].replace(b" 65535 f", b" %05d f" % generation)
        return done[:at] + rows

    return freeing


def _with_old_rows(pdf, update, first):
    """Rows for the same numbers as they were, before or behind the new ones."""

    def join(rows):
        with opened(pdf) as document:
            limit = int(document.trailer.Size)
        places = {int(m[1]): m.start() for m in re.finditer(rb"(?m)^(\d+) 0 obj", pdf)}
        old = {n: (places[n], 0) for n, _ in update.objects if n < limit and n in places}
        if not old:
            raise Impossible
        return _rows(old, ()) + rows if first else rows + _rows(old, ())

    return join


def rows_twice(first):
    def doubling(pdf, update, rng):
        """Two rows of one table speak of the same number."""
        done = by_table(pdf, update, rng)
        at = last_start(done) + len(b"xref\n")
        end = done.index(b"trailer", at)
        return done[:at] + _with_old_rows(pdf, update, first)(done[at:end]) + done[end:]

    return doubling


def small_size(pdf, update, rng):
    """/Size says that some of the objects do not exist."""
    done = by_table(pdf, update, rng)
    at = done.rindex(b"/Size")
    size = b"/Size %d" % rng.choice([0, 1, 3, 4, 6])
    return done[:at] + re.sub(rb"/Size \d+", size, done[at:], count=1)


def two_trailers(pdf, update, rng):
    """The trailer names its entries twice."""
    if not update.root:
        raise Impossible
    done = by_table(pdf, update, rng)
    at = done.rindex(b"trailer")
    _, root = size_and_root(pdf)
    new, old = b"/Root " + update.root, b"/Root " + root
    both = rng.choice([new + old, old + new, b"/R#6fot " + update.root + old])
    return done[:at] + done[at:].replace(new, both)


def packed_twice(pdf, update, rng):
    """The object stream holds each number twice; the cross-references name one of them."""
    inside = [n for (n, gen), body in update.objects.items() if not gen and b"stream\n" not in body]
    with opened(pdf) as document:
        limit = int(document.trailer.Size)
        old = {n: written(document.get_object(n, 0)) for n in inside if n < limit}
    if not old:
        raise Impossible
    done = by_stream(pdf, update, rng, inside)
    new = {n: update.objects[(n, 0)] for n in inside}
    parts = [*new.items(), *old.items()] if rng.random() < 0.5 else [*old.items(), *new.items()]
    size, _ = size_and_root(pdf)
    made = _stream_of(parts)
    number = max([size, *(n + 1 for n, _ in update.objects)]) + 1
    start = done.rindex(b"%d 0 obj\n" % number)
    end = done.index(b"endobj", start)
    place = last_start(done)
    shift = len(b"%d 0 obj\n%s\n" % (number, made)) - (end - start)
    head = done[:start] + b"%d 0 obj\n%s\n" % (number, made) + done[end : done.rindex(b"startxref")]
    return head + b"startxref\n%d\n%%%%EOF\n" % (place + shift if place > start else place)


def hybrid_with_another_root(pdf, update, rng):
    """Only the hidden stream names the other catalog."""
    if not update.root:
        raise Impossible
    done = by_hybrid(pdf, update, rng)
    at = done.rindex(b"trailer\n")
    _, root = size_and_root(pdf)
    return done[:at] + done[at:].replace(update.root, root)


def two_ends(pdf, update, rng):
    """A proper update, and behind it an end that names the table before it."""
    return by_table(pdf, update, rng) + b"startxref\n%d\n%%%%EOF\n" % last_start(pdf)


def far_end(pdf, update, rng):
    """The same, with so much behind it that some readers do not look that far."""
    filler = b"%" + b"x" * rng.choice([900, 1100, 2100, 4200]) + b"\n"
    return by_table(pdf, update, rng) + filler


def stolen_start(pdf, update, rng):
    """startxref points at the old table, whose bytes nobody may change; the new one is behind."""
    done = by_table(pdf, update, rng)
    head, _, _ = done.rpartition(b"startxref")
    return head + b"startxref\n%d\n%%%%EOF\n" % last_start(pdf)


def commented_end(pdf, update, rng):
    """The end marker's number is written twice, once in a comment."""
    done = by_table(pdf, update, rng)
    head, _, tail = done.rpartition(b"startxref\n")
    number = tail.split()[0]
    texts = [
        b"startxref\n%%startxref %d\n%s\n%%%%EOF\n" % (last_start(pdf), number),
        b"startxref %%%d\n%s\n%%%%EOF\n" % (last_start(pdf), number),
        b"startxref\n%s\n%%%%EOF %%%%EOF\n" % number,
        b"startxref\n+%s\n%%%%EOF\n" % number,
        b"startxref\n000%s\n%%%%EOF\n" % number,
    ]
    return head + rng.choice(texts)


def other_generation(pdf, update, rng):
    """The same numbers at the next generation: some readers look at the number only."""
    raised = {(n, gen + 1): body for (n, gen), body in update.objects.items()}
    return by_table(pdf, Update(raised, update.freed, update.root, update.trailer), rng)


def lying_rows(pdf, update, rng):
    """The table's rows lead to one object, the file's order to another."""
    done = by_table(pdf, update, rng)
    at = last_start(done)
    shift = rng.choice([-1, 1, 2, 5])
    rows = re.sub(
        rb"(\d{10}) (\d{5}) n", lambda m: b"%010d %s n" % (int(m[1]) + shift, m[2]), done[at:]
    )
    return done[:at] + rows


def skipped_revision(pdf, update, rng):
    """An update whose /Prev leads past the signed revision."""
    earlier = [int(m[1]) for m in re.finditer(rb"startxref\s+(\d+)", pdf)]
    return by_table(pdf, replace_previous(update, rng.choice([0, *earlier])), rng)


def looped(pdf, update, rng):
    """/Prev leads to the update itself or into a hole."""
    return by_table(pdf, replace_previous(update, rng.choice([len(pdf), 10**9, -1, 1])), rng)


def with_zero_offset(pdf, update, rng):
    """A second header before the update; some readers count from the last one."""
    return by_table(pdf, update, rng, head=rng.choice([HEADER, b"%PDF-2.0\n", b"\0" * 7]))


WAYS = {
    "table": by_table,
    "stream": by_stream,
    "object stream": by_object_stream,
    "hybrid": by_hybrid,
    "hybrid that disagrees": by_silent_stream,
    "no table": unlisted,
    "left out of the table": unlisted_inside,
    "freed as 0": freed_as(0),
    "freed as 1": freed_as(1),
    "freed as 7": freed_as(7),
    "old rows first": rows_twice(first=True),
    "old rows last": rows_twice(first=False),
    "a small size": small_size,
    "two catalogs in a trailer": two_trailers,
    "packed twice": packed_twice,
    "hybrid with another root": hybrid_with_another_root,
    "two ends": two_ends,
    "an end far away": far_end,
    "an old start": stolen_start,
    "an end in a comment": commented_end,
    "other generation": other_generation,
    "lying rows": lying_rows,
    "a revision skipped": skipped_revision,
    "a loop": looped,
    "another header": with_zero_offset,
}
