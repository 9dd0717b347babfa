"""PDF's written objects, taken apart only as far as a signature needs and kept as raw bytes.

Owns finding where a value ends, one level of a dictionary or array, and text in names and strings
(ISO 32000-2, 7.2 and 7.3). Nothing is built up and written again: what the lane does not
change keeps its bytes. Every doubt is a ``NotForTheLane``; scanning is linear, depth is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

from signing.lane.refusal import NotForTheLane

Buffer = bytes | mmap

_MAX_DEPTH = 64
_REGULAR = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
_SPACE = rb"(?:[\0\t\n\f\r ]++|%[^\r\n]*+)*+"
_TOKEN = re.compile(
    _SPACE + rb"(?:(?P<name>/" + _REGULAR + rb"*+)|(?P<open><<|\[)|(?P<close>>>|\])"
    rb"|(?P<hex><[0-9A-Fa-f\0\t\n\f\r ]*+>)|(?P<string>\()|(?P<word>" + _REGULAR + rb"++))"
)
_REFERENCE = re.compile(
    _SPACE + rb"(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]++R(?!" + _REGULAR + rb")"
)
# One entry of a dictionary whose value is plain or nested twice at most: nearly all there are.
_FLAT_ARRAY = rb"\[(?:[^\[\]()<>%]++|<[0-9A-Fa-f]*+>)*+\]"
_FLAT_DICTIONARY = rb"<<[^<>()\[\]%]*+>>"
_PLAIN_NAME = rb"/" + _REGULAR + rb"*+"
_PLAIN_VALUE = (
    rb"\d{1,10} \d{1,5} R(?!" + _REGULAR + rb")|/" + _REGULAR + rb"*+"
    rb"|[+-]?\d++(?=[\0\t\n\f\r ]*+[/>])|"
    + _FLAT_ARRAY
    + rb"|<<(?:[^<>()\[\]%]++|"
    + _FLAT_ARRAY
    + rb"|"
    + _FLAT_DICTIONARY
    + rb")*+>>|\([^()\\]*+\)|<[0-9A-Fa-f]*+>"
)
_ENTRY = re.compile(_SPACE + rb"(" + _PLAIN_NAME + rb")[\0\t\n\f\r ]*+(" + _PLAIN_VALUE + rb")")
# A dictionary of such entries only; it can be taken apart at once.
_PLAIN_DICTIONARY = re.compile(
    rb"(?P<open>[\0\t\n\f\r ]*+<<)(?P<entries>(?:" + _SPACE + _PLAIN_NAME + rb"[\0\t\n\f\r ]*+"
    rb"(?>" + _PLAIN_VALUE + rb"))*+)(?P<close>[\0\t\n\f\r ]*+"
    rb"(?P<comments>(?:%[^\r\n]*+[\0\t\n\f\r ]*+)*+)>>)"
)
_PLAIN_OBJECT = re.compile(
    rb"(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]++obj"
    + _PLAIN_DICTIONARY.pattern
    + rb"[\0\t\n\f\r ]*+(?:endobj|stream|%)"
)
# An array of nothing but references and numbers, such as pages or a box.
_PLAIN_ITEM = re.compile(
    rb"(?:\d{1,10} \d{1,5} R|[+-]?(?:\d++\.?\d*+|\.\d++))(?!" + _REGULAR + rb")"
)
_PLAIN_ARRAY = re.compile(
    rb"\[(?:[\0\t\n\f\r ]*+(?>" + _PLAIN_ITEM.pattern + rb"))*+[\0\t\n\f\r ]*+\]"
)
_STRING_RUN = re.compile(rb"(?:[^()\\]++|\\.)*+", re.DOTALL)
_WORD = re.compile(rb"[+-]?(?:\d++\.?\d*+|\.\d++)|true|false|null")
_INTEGER = re.compile(rb"\+?\d{1,12}|-\d{1,12}")
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_PLAIN_TEXT = re.compile(rb"[ !#-'*-.0-\[\]-~]*")  # no slash: nothing in it looks like a name


class Reference(NamedTuple):
    """An indirect reference."""

    number: int
    generation: int

    def __bytes__(self) -> bytes:
        return b"%d %d R" % (self.number, self.generation)


def _end_of_string(data: Buffer, position: int) -> int:
    """The position after a literal string whose opening bracket lies before ``position``."""
    depth = 1
    while depth:
        run = _STRING_RUN.match(data, position)
        assert run is not None
        position = run.end()
        bracket = data[position : position + 1]
        if bracket not in (b"(", b")"):
            raise NotForTheLane("a string does not end")
        depth += 1 if bracket == b"(" else -1
        position += 1
    return position


def value_span(data: Buffer, position: int) -> tuple[int, int]:
    """Where the value that begins at or after ``position`` starts and ends."""
    reference = _REFERENCE.match(data, position)
    if reference is not None:
        return reference.start(1), reference.end()
    token = _token(data, position)
    kind = token.lastgroup
    assert kind is not None
    start, end = token.span(kind)
    if kind == "string":
        return start, _end_of_string(data, end)
    if kind == "open":
        return start, _end_of_container(data, end, data[start:end])
    if kind == "close" or (kind == "word" and not _WORD.fullmatch(token[kind])):
        raise NotForTheLane("a value is missing or unknown")
    return start, end


def _token(data: Buffer, position: int) -> re.Match[bytes]:
    token = _TOKEN.match(data, position)
    if token is None:
        raise NotForTheLane("the file's syntax is broken")
    return token


def _end_of_container(data: Buffer, position: int, opened: bytes) -> int:
    waiting = [b">>" if opened == b"<<" else b"]"]
    while waiting:
        token = _token(data, position)
        position = token.end()
        kind = token.lastgroup
        if kind == "open":
            waiting.append(b">>" if token["open"] == b"<<" else b"]")
            if len(waiting) > _MAX_DEPTH:
                raise NotForTheLane("values are nested too deeply")
        elif kind == "close":
            if token["close"] != waiting.pop():
                raise NotForTheLane("brackets do not match")
        elif kind == "string":
            position = _end_of_string(data, position)
    return position


class Dictionary:
    """One level of a dictionary: names decoded, values raw, the order kept; never changed."""

    __slots__ = ("_entries", "_written")

    def __init__(
        self,
        entries: dict[bytes, bytes] | None = None,
        written: dict[bytes, bytes] | None = None,
    ) -> None:
        self._entries = entries or {}
        self._written = written or {}  # names that the file writes with "#xx"

    def __contains__(self, name: bytes) -> bool:
        return name in self._entries

    def get(self, name: bytes) -> bytes | None:
        """The raw value under a name such as ``b"/Root"``; None when missing or null."""
        value = self._entries.get(name)
        return None if value == b"null" else value

    def having(self, changes: dict[bytes, bytes]) -> Dictionary:
        """A copy with entries set or replaced."""
        return Dictionary({**self._entries, **changes}, self._written)

    def without(self, name: bytes) -> Dictionary:
        """A copy without an entry."""
        return Dictionary({n: self._entries[n] for n in self._entries if n != name}, self._written)

    def names(self) -> Iterator[bytes]:
        """Every name."""
        return iter(self._entries)

    def __bytes__(self) -> bytes:
        entries = self._entries
        if self._written:
            entries = {self._written.get(name, name): entries[name] for name in entries}
        return b"<<" + b"\n".join([b"%s %s" % entry for entry in entries.items()]) + b">>"


def read_dictionary(data: Buffer, position: int = 0) -> tuple[Dictionary, int]:
    """Take apart the dictionary at ``position``; gives the position after it."""
    plain = _PLAIN_DICTIONARY.match(data, position)
    if plain is not None:
        found = _take_apart(data, plain)
        if found is not None:
            return found, plain.end()
    return _read_dictionary(data, position)


def read_object(data: Buffer, position: int, target: Reference) -> Dictionary | None:
    """The dictionary of the object at a position, where it is plain and the right one."""
    plain = _PLAIN_OBJECT.match(data, position)
    if plain is None or (int(plain[1]), int(plain[2])) != target:
        return None
    return _take_apart(data, plain)


def _take_apart(data: Buffer, plain: re.Match[bytes]) -> Dictionary | None:
    """A plain dictionary; None when a name is written twice or with ``#xx``."""
    start, end = plain.span("entries")
    # an entry may want to see what follows it, and must not be looked for in a comment
    if plain.end("comments") == plain.start("comments"):
        end = plain.end("close")
    pairs = _ENTRY.findall(data, start, end)
    entries = dict(pairs)
    if len(entries) == len(pairs) and (
        data.find(b"#", start, end) < 0 or b"#" not in b"".join(entries)
    ):
        return Dictionary(entries)
    return None


def _read_dictionary(data: Buffer, position: int) -> tuple[Dictionary, int]:
    """Entry by entry, with whatever may stand in one."""
    token = _token(data, position)
    if token["open"] != b"<<":
        raise NotForTheLane("a dictionary is missing")
    position = token.end()
    entries: dict[bytes, bytes] = {}
    spelled: dict[bytes, bytes] = {}
    while True:
        entry = _ENTRY.match(data, position)
        if entry is not None:
            written, value = entry.groups()
            position = entry.end()
        else:
            token = _token(data, position)
            if token["close"] == b">>":
                return Dictionary(entries, spelled), token.end()
            if token.lastgroup != "name":
                raise NotForTheLane("a dictionary's key is not a name")
            start, position = value_span(data, token.end())
            written, value = token["name"], data[start:position]
        name = decode_name(written)
        if name in entries:
            raise NotForTheLane("a dictionary names an entry twice")
        entries[name] = value
        if name != written:
            spelled[name] = written


def dictionary(raw: bytes) -> Dictionary:
    """A raw value that must be a dictionary and nothing more."""
    found, end = read_dictionary(raw)
    if raw[end:].strip(b"\0\t\n\f\r "):
        raise NotForTheLane("something follows a dictionary")
    return found


def is_dictionary(raw: bytes) -> bool:
    """Whether a raw value is written as a dictionary."""
    return raw.startswith(b"<<")


def array_items(raw: bytes) -> list[bytes]:
    """The raw elements of a raw array."""
    if not raw.startswith(b"["):
        raise NotForTheLane("an array is missing")
    if _PLAIN_ARRAY.fullmatch(raw):
        return _PLAIN_ITEM.findall(raw)
    items: list[bytes] = []
    position = 1
    while True:
        token = _token(raw, position)
        if token.lastgroup == "close":
            if token["close"] != b"]" or token.end() != len(raw):
                raise NotForTheLane("an array is broken")
            return items
        start, position = value_span(raw, position)
        items.append(raw[start:position])


def reference(raw: bytes | None) -> Reference | None:
    """A raw value as a reference, None when it is something else."""
    match = _REFERENCE.fullmatch(raw) if raw and raw.endswith(b"R") else None
    return Reference(int(match[1]), int(match[2])) if match else None


def leading_reference(data: Buffer, position: int) -> Reference | None:
    """The reference that is written at a position, None when something else is."""
    match = _REFERENCE.match(data, position)
    return Reference(int(match[1]), int(match[2])) if match else None


def integer(raw: bytes | None) -> int:
    """A raw value that must be an integer."""
    if raw is None or not _INTEGER.fullmatch(raw):
        raise NotForTheLane("a number is missing")
    return int(raw)


def number(raw: bytes) -> float:
    """A raw value that must be a number."""
    if not _WORD.fullmatch(raw) or raw in (b"true", b"false", b"null"):
        raise NotForTheLane("a number is missing")
    return float(raw)


def decode_name(written: bytes) -> bytes:
    """A name with its ``#xx`` resolved, slash included."""
    if b"#" not in written:
        return written
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), written)


def text(raw: bytes) -> str:
    """A raw string as text (ISO 32000-2, 7.9.2.2), good enough to tell names apart."""
    if raw.startswith(b"("):
        data = _ESCAPED.sub(_unescape, raw[1:-1])
    elif raw.startswith(b"<"):
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", raw)
        data = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        raise NotForTheLane("a string is missing")
    if data.startswith(b"\xfe\xff"):
        return data[2:].decode("utf-16-be", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, line_end, other = match.groups()
    if octal:
        return bytes([int(octal, 8) & 255])
    return b"" if line_end else _ESCAPES.get(other, other)


@lru_cache(maxsize=512)
def write_text(value: str) -> bytes:
    """Text as a raw string: plain where it is plain ASCII, UTF-16 otherwise."""
    if value.isascii() and _PLAIN_TEXT.fullmatch(value.encode()):
        return b"(" + value.encode() + b")"
    return b"<FEFF" + value.encode("utf-16-be", "replace").hex().upper().encode() + b">"


def write_number(value: float) -> bytes:
    """A number with at most four decimals."""
    return b"%d" % value if value == int(value) else (b"%.4f" % value).rstrip(b"0")
