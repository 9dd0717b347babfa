"""Writes small PDFs object by object, with the cross-references a test wants."""

from __future__ import annotations

import zlib

CONTENT = b"BT /F 12 Tf 40 40 Td (Mot cua) Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def stream(entries, data):
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


def objects(**changes):
    """A one-page document's objects by number; changes are given as ``o1=…``."""
    made = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        4: stream(b"", CONTENT),
        5: FONT,
    }
    made |= {int(name[1:]): body for name, body in changes.items()}
    return {number: body for number, body in made.items() if body is not None}


def body(parts, start=b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"):
    """Objects one after the other, and where each begins."""
    out, offsets = bytearray(start), {}
    for number, written in sorted(parts.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, written)
    return out, offsets


def table(offsets, size, first_free=True):
    rows = [b"xref\n"]
    if first_free:
        rows.append(b"0 1\n0000000000 65535 f \n")
    rows += [b"%d 1\n%010d 00000 n \n" % (n, offset) for n, offset in sorted(offsets.items())]
    return b"".join(rows), size


def classic(parts=None, trailer=b""):
    """A classic cross-reference table."""
    out, offsets = body(parts or objects())
    size = max(offsets) + 1
    start = len(out)
    out += table(offsets, size)[0]
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def row(kind, second, third):
    return bytes([kind]) + second.to_bytes(4, "big") + third.to_bytes(2, "big")


def predicted(rows, columns):
    """Rows with the PNG predictor "up", as most writers of cross-reference streams use."""
    out, above = bytearray(), bytes(columns)
    for at in range(0, len(rows), columns):
        line = rows[at : at + columns]
        out += b"\2" + bytes((a - b) & 255 for a, b in zip(line, above, strict=True))
        above = line
    return bytes(out)


def packed(parts=None, inside=(1, 2, 3, 5), predictor=True, start=b"%PDF-1.7\n"):
    """A cross-reference stream, with some objects in an object stream."""
    parts = parts or objects()
    outside = {n: b for n, b in parts.items() if n not in inside}
    holder, own = max(parts) + 1, max(parts) + 2
    head, data = [], b""
    for number in inside:
        head.append(b"%d %d" % (number, len(data)))
        data += parts[number] + b"\n"
    index = b" ".join(head) + b"\n"
    entries = b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(inside), len(index))
    outside[holder] = stream(entries, zlib.compress(index + data))
    out, offsets = body(outside, start)
    offsets[own] = len(out)
    rows = row(0, 0, 65535)
    for number in range(1, own + 1):
        if number in inside:
            rows += row(2, holder, inside.index(number))
        elif number in offsets:
            rows += row(1, offsets[number], 0)
        else:
            rows += row(0, 0, 65535)
    keys = b"/Type/XRef/Size %d/Root 1 0 R/W[1 4 2]/Filter/FlateDecode" % (own + 1)
    if predictor:
        rows = predicted(rows, 7)
        keys += b"/DecodeParms<</Predictor 12/Columns 7>>"
    out += b"%d 0 obj\n%s\nendobj\n" % (own, stream(keys, zlib.compress(rows)))
    out += b"startxref\n%d\n%%%%EOF\n" % offsets[own]
    return bytes(out)


def hybrid(hidden=None):
    """As Word writes: a full table, then an empty one whose trailer names a stream."""
    parts = objects()
    holder, own = max(parts) + 2, max(parts) + 3
    hidden_number = holder - 1
    hidden = hidden or b"<</Type/StructTreeRoot>>"
    index = b"%d 0\n" % hidden_number
    entries = b"/Type/ObjStm/N 1/First %d" % len(index)
    parts[1] = b"<</Type/Catalog/Pages 2 0 R/StructTreeRoot %d 0 R>>" % hidden_number
    parts[holder] = stream(entries, index + hidden)
    out, offsets = body(parts)
    offsets[own] = len(out)
    rows = row(2, holder, 0) + row(1, offsets[holder], 0) + row(1, offsets[own], 0)
    keys = b"/Type/XRef/Size %d/Root 1 0 R/W[1 4 2]/Index[%d 3]" % (own + 1, hidden_number)
    out += b"%d 0 obj\n%s\nendobj\n" % (own, stream(keys, rows))
    first = len(out)
    out += table(offsets, own + 1)[0]
    out += b"trailer\r\n<</Size %d/Root 1 0 R>>\r\nstartxref\r\n%d\r\n%%%%EOF\r\n" % (
        own + 1,
        first,
    )
    second = len(out)
    out += b"xref\r\n0 0\r\ntrailer\r\n<</Size %d/Root 1 0 R/Prev %d/XRefStm %d>>\r\n" % (
        own + 1,
        first,
        offsets[own],
    )
    out += b"startxref\r\n%d\r\n%%%%EOF" % second
    return bytes(out)


def updated(pdf, number, written, previous=None):
    """One more revision with one object, by a classic table."""
    previous = int(pdf.rsplit(b"startxref", 1)[1].split()[0]) if previous is None else previous
    out = bytearray(pdf)
    offset = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (number, written)
    start = len(out)
    out += b"xref\n%d 1\n%010d 00000 n \n" % (number, offset)
    size = max(number + 1, 6)
    out += b"trailer\n<</Size %d/Root 1 0 R/Prev %d>>\n" % (size, previous)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
