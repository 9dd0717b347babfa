"""Which codes of a simple or composite font lead to a glyph of its embedded program.

Owns following a code through the font dictionary's encoding into the program, for TrueType, Type 1,
CFF and Type 3 (ISO 32000-2, 9.6 and 9.7). Where the way is not certain there is no answer. Reading
which codes a page shows is ``glyphs``'.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Container
from typing import Any, Final

import pikepdf
from fontTools.agl import AGL2UV, UV2AGL
from fontTools.cffLib import CFFFontSet
from fontTools.encodings.StandardEncoding import StandardEncoding
from fontTools.misc.eexec import decrypt
from fontTools.ttLib import TTFont, TTLibError

from signing.reading.opening import HOSTILE_INPUT_ERRORS

Missing = Callable[[bytes], bool]

_MAX_FONT = 16 * 1024 * 1024
_SYMBOLIC: Final = ((1, 0), (3, 0))
_BLANK: Final = frozenset({9, 10, 13, 32, 160, 173})  # spaces, and a hyphen that is not drawn
_BLANK_NAMES: Final = frozenset(
    {".notdef", "space", "nbspace", "nonbreakingspace", "uni00A0", "sfthyphen", "softhyphen"}
)
_EEXEC_KEY = 55665  # Adobe Type 1, 7.1
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]{4}")
_DIGITS: Final = re.compile(rb"[0-9A-Fa-f\r\n\t ]+")
_CHARSTRING: Final = re.compile(rb"/([^\s/{}\[\]()<>%]+) +\d+ +(?:RD|-\|) ")
_STANDARD: Final = re.compile(rb"/Encoding\s+StandardEncoding\s+def")
_ENCODED: Final = re.compile(rb"dup\s+(\d{1,3})\s*/([^\s/{}\[\]()<>%]+)\s+put")
_BASES: Final = {"/WinAnsiEncoding": "cp1252", "/MacRomanEncoding": "mac_roman"}


def judge(font: pikepdf.Object) -> Missing | None:
    """How to tell a missing letter in this font, or None where it cannot be told for certain."""
    look = {
        "/Type0": _judge_composite,
        "/TrueType": _judge_truetype,
        "/Type1": _judge_type1,
        "/MMType1": _judge_type1,
        "/Type3": _judge_type3,
    }.get(str(font.get("/Subtype")))
    try:
        return look(font) if look is not None else None
    except (TTLibError, RuntimeError, pikepdf.PdfError, *HOSTILE_INPUT_ERRORS):
        return None


# ------------------------------------------------------------------ composite fonts


def _judge_composite(font: Any) -> Missing | None:
    descendant = font["/DescendantFonts"][0]
    if str(font.get("/Encoding")) != "/Identity-H" or "/FontDescriptor" not in descendant:
        return None
    descriptor = descendant["/FontDescriptor"]
    if "/FontFile2" in descriptor:
        has = _truetype_cids(descendant, TTFont(_data(descriptor["/FontFile2"]), lazy=True))
    elif "/FontFile3" in descriptor:
        has = _cff_cids(descendant, descriptor["/FontFile3"])
    else:
        return None

    def missing(codes: bytes) -> bool:
        cids = (int.from_bytes(codes[at : at + 2]) for at in range(0, len(codes) - 1, 2))
        return not all(map(has, cids))

    return missing


def _truetype_cids(descendant: Any, program: TTFont) -> Callable[[int], bool]:
    count, glyph = int(program["maxp"].numGlyphs), _mapping(descendant)
    return lambda cid: 0 < glyph(cid) < count


def _mapping(descendant: Any) -> Callable[[int], int]:
    """CID → glyph number (9.7.4.2); beyond the end of a map there is nothing."""
    given = descendant.get("/CIDToGIDMap")
    if not isinstance(given, pikepdf.Stream):
        return lambda cid: cid
    table = given.read_bytes()
    return lambda cid: int.from_bytes(table[2 * cid : 2 * cid + 2])


def _cff_cids(descendant: Any, stream: Any) -> Callable[[int], bool]:
    program = _cff(stream)
    names = program.charset
    if not hasattr(program, "ROS"):  # keyed by names: the CID is the glyph's number
        count, glyph = len(names), _mapping(descendant)
        return lambda cid: 0 < glyph(cid) < count
    known = {int(name[3:]) for name in names if name.startswith("cid")}
    return lambda cid: cid != 0 and cid in known


# ------------------------------------------------------------------ simple fonts


def _judge_truetype(font: Any) -> Missing | None:
    stream = font.get("/FontDescriptor", {}).get("/FontFile2")
    if stream is None:
        return None
    program = TTFont(_data(stream), lazy=True)
    if "cmap" not in program:
        return None
    tables = {(t.platformID, t.platEncID): t.cmap for t in program["cmap"].tables}
    symbolic = [tables[key] for key in _SYMBOLIC if key in tables]
    named = _encoding(font) if "/Encoding" in font else {}
    if not symbolic and not (named and (3, 1) in tables):
        return None
    glyphs = frozenset(program.getGlyphOrder()[1:])
    unicode = tables.get((3, 1), {})

    def has(code: int) -> bool:
        name = named.get(code)
        found = [table.get(code) or table.get(0xF000 + code) for table in symbolic]
        if name is not None:
            found += [unicode.get(AGL2UV.get(name, -1)), name if name in glyphs else None]
        return any(one is not None and program.getGlyphID(one) != 0 for one in found)

    return lambda codes: not all(code in _BLANK or has(code) for code in codes)


def _judge_type1(font: Any) -> Missing | None:
    descriptor = font.get("/FontDescriptor", {})
    if "/FontFile3" in descriptor:
        program = _cff(descriptor["/FontFile3"])
        glyphs, own = frozenset(program.charset), _own_encoding(program.Encoding)
    elif "/FontFile" in descriptor:
        glyphs, own = _type1(descriptor["/FontFile"])
    else:
        return None
    return _by_names(glyphs, own | _encoding(font), every_code=False)


def _judge_type3(font: Any) -> Missing | None:
    """Its glyphs are drawings in the file; its encoding is all there is (9.6.4)."""
    glyphs = {str(name).lstrip("/") for name in font["/CharProcs"].keys()}  # noqa: SIM118 - pikepdf
    return _by_names(glyphs, _encoding(font), every_code=True)


def _by_names(glyphs: Container[str], named: dict[int, str], *, every_code: bool) -> Missing:
    """By glyph names; ``every_code``: a code without a name draws nothing for certain."""

    def has(code: int) -> bool:
        name = named.get(code)
        if name is None:
            return not every_code
        return name in _BLANK_NAMES or name in glyphs

    return lambda codes: not all(code in _BLANK or has(code) for code in codes)


def _encoding(font: Any) -> dict[int, str]:
    """What the font dictionary itself says: code → glyph name (9.6.5)."""
    given = font.get("/Encoding")
    if isinstance(given, pikepdf.Name):
        return _base(str(given))
    if not isinstance(given, pikepdf.Dictionary):
        return {}
    named, code = _base(str(given.get("/BaseEncoding"))), 0
    for item in given.get("/Differences", []):
        if isinstance(item, pikepdf.Name):
            named[code] = str(item).lstrip("/")
            code += 1
        else:
            code = int(item)
    return named


def _base(name: str) -> dict[int, str]:
    if name == "/StandardEncoding":
        return {code: glyph for code, glyph in enumerate(StandardEncoding) if glyph != ".notdef"}
    codec = _BASES.get(name)
    if codec is None:
        return {}
    letters = ((code, bytes([code]).decode(codec, "ignore")) for code in range(33, 256))
    return {code: UV2AGL[ord(c)] for code, c in letters if c and ord(c) in UV2AGL}


def _own_encoding(given: Any) -> dict[int, str]:
    if given == "StandardEncoding":
        return _base("/StandardEncoding")
    if not isinstance(given, list):
        return {}
    return {code: name for code, name in enumerate(given) if name and name != ".notdef"}


# ------------------------------------------------------------------ programs


def _data(stream: Any) -> io.BytesIO:
    """A font program's bytes.

    Raises:
        ValueError: larger than any real font.
    """
    if int(stream.get("/Length", 0)) > _MAX_FONT:
        raise ValueError("font program")
    data = stream.read_bytes()
    if len(data) > _MAX_FONT:
        raise ValueError("font program")
    return io.BytesIO(data)


def _cff(stream: Any) -> Any:
    """The first font of a CFF program, bare or inside an OpenType file."""
    data = _data(stream)
    if str(stream.get("/Subtype")) == "/OpenType":
        return TTFont(data, lazy=True)["CFF "].cff[0]
    fonts = CFFFontSet()
    fonts.decompile(data, None)
    return fonts[0]


def _type1(stream: Any) -> tuple[frozenset[str], dict[int, str]]:
    """Glyph names and the built-in encoding of a Type 1 program (Adobe Type 1, 2.2 and 7.2).

    Read by their fixed forms; the program, which is PostScript, is never run.
    """
    clear, mark, hidden = _data(stream).getvalue().partition(b"eexec")
    hidden = hidden.lstrip(b"\r\n\t ")
    if _HEXADECIMAL.match(hidden):
        digits = b"".join(_DIGITS.findall(hidden)[:1]).translate(None, b"\r\n\t ")
        hidden = bytes.fromhex(digits[: len(digits) & ~1].decode())
    private, _ = decrypt(hidden, _EEXEC_KEY)
    names = frozenset(name.decode("latin-1") for name in _CHARSTRING.findall(private))
    if not mark or ".notdef" not in names:
        raise ValueError("no Type 1 program")
    if _STANDARD.search(clear):
        return names, _base("/StandardEncoding")
    return names, {int(code): name.decode("latin-1") for code, name in _ENCODED.findall(clear)}
