"""ASN.1 in DER, read and written element by element, for messages whose shape is known.

Owns tags and lengths (ITU-T X.690), nothing of what they mean. Indefinite lengths and other BER are
refused: what needs them is read with asn1crypto.
"""

from __future__ import annotations

import msgspec

SEQUENCE, SET, INTEGER, OCTETS, OID, NULL = 0x30, 0x31, 0x02, 0x04, 0x06, b"\x05\x00"
_LONGEST = 4  # bytes of a length


class NotDer(ValueError):
    """Not DER, or not of the shape that was expected."""


class Element(msgspec.Struct, gc=False):
    """One element inside ``data``: its tag, where it begins, its content and its end.

    A message has some sixty, and a ``Struct`` is made faster than a class of our own.
    """

    data: bytes
    tag: int
    begin: int
    start: int
    end: int

    @property
    def content(self) -> bytes:
        """The bytes inside."""
        return self.data[self.start : self.end]

    @property
    def whole(self) -> bytes:
        """Tag, length and content."""
        return self.data[self.begin : self.end]

    def children(self) -> list[Element]:
        """The elements inside a constructed one."""
        data, position, limit = self.data, self.start, self.end
        found = []
        while position < limit:
            child = read(data, position, limit)
            found.append(child)
            position = child.end
        return found

    def integer(self) -> int:
        """An INTEGER's value."""
        if self.tag != INTEGER or self.start == self.end:
            raise NotDer("an integer is missing")
        return int.from_bytes(self.content, "big", signed=True)

    def expect(self, tag: int) -> Element:
        """This element, if it has the tag."""
        if self.tag != tag:
            raise NotDer(f"tag {tag:#x} expected, {self.tag:#x} found")
        return self


def read(data: bytes, position: int = 0, limit: int | None = None) -> Element:
    """The element at a position; it must end within the limit."""
    limit = len(data) if limit is None else limit
    if position + 2 > limit:
        raise NotDer("cut off")
    tag, length, start = data[position], data[position + 1], position + 2
    if tag & 0x1F == 0x1F:
        raise NotDer("a long tag")
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= _LONGEST or start + size > limit:
            raise NotDer("an indefinite or absurd length")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > limit:
        raise NotDer("cut off")
    return Element(data, tag, position, start, start + length)


def write(tag: int, *parts: bytes) -> bytes:
    """An element around its parts."""
    body = b"".join(parts)
    return write_head(tag, len(body)) + body


def write_head(tag: int, length: int) -> bytes:
    """Tag and length of an element whose content is so long."""
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


def write_integer(value: int) -> bytes:
    """An INTEGER that is not negative."""
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def write_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | (arc & 0x7F))
        body += bytes(reversed(digits))
    return write(OID, bytes(body))
