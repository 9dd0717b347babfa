"""A time-stamping authority as the lane needs it.

Owns how much room a token gets and that a token is checked before anybody relies on it. Leaves
asking and judging to whoever gives the lane an authority.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

_ROOM_FOR_TOKEN_FRAME = 256


class LaneToken(Protocol):
    """A time-stamp (DER) that has to be checked before the document leaves."""

    token: bytes

    def check(self) -> None:
        """Raises when it proves nothing; a second time it does nothing."""
        ...

    def drop(self) -> None:
        """It will not be used; after ``check`` it does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class LaneAuthority:
    """A time-stamping authority: a token for a SHA-256 digest, checked beside the next wait."""

    answer: Callable[[bytes], Coroutine[Any, Any, LaneToken]]
    token_size: int  # of the token seen last

    @property
    def room(self) -> int:
        """Bytes to leave for a token: those of one authority vary a little."""
        return self.token_size * 3 // 2 + _ROOM_FOR_TOKEN_FRAME
