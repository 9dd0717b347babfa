"""The time-stamps that an act or an extension has added to a file.

Owns reading them out of the bytes that were appended, where the proof of the file has not handed
them on. Leaves judging them to the proof and to validation.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from dataclasses import dataclass
from datetime import datetime

from signing.evidence.messages import read_message, without_padding

_GAP = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+\d+\s*\]")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Time-stamps (DER): one for each signature that was added, and the archive's."""

    of_signatures: tuple[bytes | None, ...]
    archives: tuple[bytes, ...]

    def all(self) -> tuple[bytes, ...]:
        """Every token, the archive's last."""
        return (*(t for t in self.of_signatures if t is not None), *self.archives)

    def proven_time(self) -> datetime | None:
        """When the last signature existed at the latest; None when one has no time-stamp."""
        moments = [_moment(t) for t in self.of_signatures if t is not None]
        return max(moments) if moments and len(moments) == len(self.of_signatures) else None


def read_tokens(appended: bytes, before: int) -> Tokens:
    """The tokens in what was appended after so many bytes; the file was proved."""
    of_signatures: list[bytes | None] = []
    archives: list[bytes] = []
    for match in _GAP.finditer(appended):
        first, second = (int(group) - before for group in match.groups())
        padded = unhexlify(appended[first + 1 : second - 1])
        message = read_message(padded)
        if message.is_timestamp:
            archives.append(without_padding(padded))
        else:
            of_signatures.append(message.token)
    return Tokens(tuple(of_signatures), tuple(archives))


def _moment(token: bytes) -> datetime:
    return read_message(token).time_stamp.time
