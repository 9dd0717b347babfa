"""EMVCo tag-length-value text: two digits, two digits, value.

Owns the strict walk over one level. Lengths count characters (EMVCo MPM §3.2), the check sum
counts UTF-8 bytes. Leaves the meaning of tags to ``messages.py``.
"""

from __future__ import annotations

from collections.abc import Iterable


class QrUnreadable(ValueError):
    """A payload that is not a VietQR; ``part`` is ``crc``, ``tlv`` or ``content``."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part


def _two_digits(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isdigit()


def split_tags(text: str) -> dict[str, str]:
    """Read one level of tags, in the order they come.

    Raises:
        QrUnreadable: a cut, a repeated tag, an empty value or anything left over.
    """
    tags: dict[str, str] = {}
    at = 0
    while at < len(text):
        tag, length = text[at : at + 2], text[at + 2 : at + 4]
        if not (_two_digits(tag) and _two_digits(length)):
            raise QrUnreadable("tlv", "a tag or a length is not two digits")
        value = text[at + 4 : at + 4 + int(length)]
        if not value or len(value) != int(length):
            raise QrUnreadable("tlv", f"tag {tag} is empty or cut")
        if tag in tags:
            raise QrUnreadable("tlv", f"tag {tag} appears twice")
        tags[tag] = value
        at += 4 + int(length)
    return tags


def join_tags(tags: Iterable[tuple[str, str]]) -> str:
    """Write one level of tags; empty values are left out.

    Raises:
        QrUnreadable: a value longer than 99 characters.
    """
    parts = []
    for tag, value in tags:
        if len(value) > 99:
            raise QrUnreadable("content", f"tag {tag} is longer than 99 characters")
        if value:
            parts.append(f"{tag}{len(value):02d}{value}")
    return "".join(parts)
