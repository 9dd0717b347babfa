"""Whole unsigned files bent where a parser looks: tables, headers, streams, trees, boxes.

Deterministic by the ``random.Random`` that is handed in. Works on bytes, so that what comes out may
be anything from a harmless oddity to rubbish.
"""

from __future__ import annotations

import re
import zlib

NUMBER = re.compile(rb"(?<![\d.])-?\d+(?![\d.])")
NAME = re.compile(rb"/[A-Za-z0-9]+")
REFERENCE = re.compile(rb"\d+ \d+ R")
HEADER = re.compile(rb"\d+ \d+ obj")
ROW = re.compile(rb"\d{10} \d{5} [nf]")
BOX = re.compile(rb"/(?:MediaBox|CropBox|BBox|Rect)\s*\[[^\]]*\]")
DICTIONARY = re.compile(rb"<<")
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
ODD_NUMBERS = (b"0", b"-1", b"1", b"2", b"3", b"99", b"65535", b"65536", b"2147483647",
               b"2147483648", b"4294967296", b"9999999999", b"99999999999999999999", b"1.5", b"+7",
               b"1e9", b"--1", b"0x10", b"true", b"null", b"()", b"")  # fmt: skip
ODD_VALUES = (b"null", b"[]", b"<<>>", b"()", b"/X", b"0 0 R", b"1 0 R", b"3 0 R", b"99 0 R",
              b"<FEFF>", b"[[[[[[]]]]]]", b"(\\377\\))", b"-5", b"true",
              b"<</A<</B 1>>>>")  # fmt: skip
KEYS = (b"/Rotate", b"/UserUnit", b"/CropBox", b"/MediaBox", b"/Annots", b"/AcroForm", b"/Kids",
        b"/Count", b"/Parent", b"/Contents", b"/Resources", b"/Pages", b"/Type", b"/Version",
        b"/Extensions", b"/Perms", b"/OCProperties", b"/Names", b"/Length", b"/Filter", b"/Fields",
        b"/SigFlags", b"/NeedAppearances", b"/XFA", b"/DR", b"/Size", b"/Prev", b"/Root", b"/ID",
        b"/XRefStm", b"/Encrypt", b"/Index", b"/W", b"/First", b"/N", b"/DecodeParms",
        b"/Info", b"/Metadata", b"/DSS", b"/Tabs", b"/AA", b"/OpenAction")  # fmt: skip
GAPS = (b"\0", b"\t", b"\x0c", b"\r", b"\n", b" ", b"%x\n", b"%x\r", b"\r\n", b"% (\n", b"%>>\n")


def _one(pattern, pdf, rng):
    found = list(pattern.finditer(pdf))
    return rng.choice(found) if found else None


def _put(pdf, match, new):
    return pdf[: match.start()] + new + pdf[match.end() :]


def _substitute(pattern, choices):
    def change(pdf, rng):
        found = _one(pattern, pdf, rng)
        return pdf if found is None else _put(pdf, found, rng.choice(choices))

    return change


def _nudge(pattern):
    """A number a little larger or smaller, as long as it was where it can be."""

    def change(pdf, rng):
        found = _one(pattern, pdf, rng)
        if found is None:
            return pdf
        number = NUMBER.search(found[0])
        value = int(number[0]) + rng.choice([-20, -2, -1, 1, 2, 20, 1000])
        text = b"%d" % value if value < 0 else b"%0*d" % (len(number[0]), value)
        return _put(pdf, found, found[0].replace(number[0], text, 1))

    return change


def _free_row(pdf, rng):
    found = _one(ROW, pdf, rng)
    if found is None:
        return pdf
    other = b"f" if found[0].endswith(b"n") else b"n"
    return _put(pdf, found, found[0][:-1] + other)


def _copy_row(pdf, rng):
    one, two = _one(ROW, pdf, rng), _one(ROW, pdf, rng)
    return pdf if one is None else _put(pdf, one, two[0])


def _entry(pdf, rng):
    """One more entry in some dictionary, maybe one that is there already."""
    found = _one(DICTIONARY, pdf, rng)
    if found is None:
        return pdf
    text = b"<<" + rng.choice(KEYS) + b" " + rng.choice(ODD_VALUES + ODD_NUMBERS) + b" "
    return _put(pdf, found, text)


def _rename(pdf, rng):
    found = _one(NAME, pdf, rng)
    if found is None:
        return pdf
    name = found[0]
    spelled = b"/" + b"".join(b"#%02x" % byte for byte in name[1:])
    return _put(pdf, found, rng.choice([spelled, rng.choice(KEYS), name + b"X", b"/"]))


def _gap(pdf, rng):
    found = _one(rng.choice([NAME, NUMBER, REFERENCE, DICTIONARY]), pdf, rng)
    if found is None:
        return pdf
    return pdf[: found.start()] + rng.choice(GAPS) + pdf[found.start() :]


def _box(pdf, rng):
    found = _one(BOX, pdf, rng)
    boxes = (b"[0 0 0 0]", b"[595 842 0 0]", b"[-100 -100 -1 -1]", b"[0 0 1e9 1e9]", b"[0 0]",
             b"[0 0 100000 100000]", b"[.5 .5 200.25 300.75]", b"[(a) 0 0 0]", b"null")  # fmt: skip
    if found is None:
        return pdf
    return _put(pdf, found, NAME.match(found[0])[0] + rng.choice(boxes))


def _stream(pdf, rng):
    found = _one(STREAM, pdf, rng)
    if found is None:
        return pdf
    body = bytearray(found[1])
    for _ in range(rng.choice([1, 4])):
        if body:
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    made = rng.choice([bytes(body), b"", zlib.compress(b"\0" * 3_000_000, 9), found[1][::-1]])
    return pdf[: found.start(1)] + made + pdf[found.end(1) :]


def _packed(pdf, rng):
    """What is packed inside a deflated stream, changed and packed again with the right length."""
    found = _one(STREAM, pdf, rng)
    try:
        plain = zlib.decompress(found[1]) if found else b""
    except zlib.error:
        plain = b""
    if not plain:
        return pdf
    made = zlib.compress(rng.choice([_entry, _gap, _swap, _noise, _rename])(plain, rng))
    head = pdf[: found.start(1)]
    at = max(head.rfind(b"/Length"), 0)
    head = head[:at] + re.sub(rb"/Length\s*\d+", b"/Length %d" % len(made), head[at:], count=1)
    return head + made + pdf[found.end(1) :]


def _swap(pdf, rng):
    one, two = _one(REFERENCE, pdf, rng), _one(REFERENCE, pdf, rng)
    return pdf if one is None else _put(pdf, one, two[0])


def _noise(pdf, rng):
    body = bytearray(pdf)
    for _ in range(rng.choice([1, 3, 20])):
        if body:
            body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def _cut(pdf, rng):
    begin = rng.randrange(len(pdf) + 1)
    return pdf[:begin] + pdf[begin + rng.choice([1, 2, 100, 10**9]) :]


def _repeat(pdf, rng):
    begin = rng.randrange(len(pdf) + 1)
    part = pdf[begin : begin + rng.choice([1, 40, 400])]
    return pdf[:begin] + part * rng.choice([2, 3, 50]) + pdf[begin + len(part) :]


def _around(pdf, rng):
    before = rng.choice([b"", b"\n", b"GIF89a", b"%PDF-1.4\n", b"\xef\xbb\xbf"])
    after = rng.choice([b"", b"\n", b"\0" * 900, b"x" * 3000, b"%%EOF", b"startxref\n0\n%%EOF\n"])
    return before + pdf + after


CHANGES = {
    "a number": _substitute(NUMBER, ODD_NUMBERS),
    "a reference": _substitute(REFERENCE, ODD_VALUES),
    "a name's value": _substitute(NAME, ODD_VALUES),
    "a nudged row": _nudge(ROW),
    "a nudged header": _nudge(HEADER),
    "a nudged start": _nudge(re.compile(rb"startxref\s+\d+")),
    "a nudged length": _nudge(re.compile(rb"/Length \d+")),
    "a nudged size": _nudge(re.compile(rb"/(?:Size|Prev|Count|N|First|XRefStm)[ ]?\d+")),
    "a freed row": _free_row,
    "a copied row": _copy_row,
    "an entry": _entry,
    "a renaming": _rename,
    "a gap": _gap,
    "a box": _box,
    "a stream": _stream,
    "something packed": _packed,
    "a swap": _swap,
    "noise": _noise,
    "a cut": _cut,
    "a repetition": _repeat,
    "around": _around,
}


def mutated(pdf, rng):
    """The file with one to three changes, and their names."""
    story = [rng.choice([*CHANGES]) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    for name in story:
        pdf = CHANGES[name](pdf, rng)
    return pdf, story
