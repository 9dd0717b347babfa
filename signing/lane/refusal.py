"""The one way out of the fast lane: this document is for the ordinary path.

Owns ``NotForTheLane`` and turning a reader's surprises into it. It is internal: the service answers
it by signing on the ordinary path, so its reason is for logs and tests, never for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class NotForTheLane(Exception):
    """The document is not of the plain kind that the lane appends to; nothing was signed yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_SURPRISES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,  # RecursionError is one
    TypeError,
    ValueError,
)


@contextmanager
def doubting() -> Iterator[None]:
    """Whatever a hostile file makes plain Python raise is a reason to leave the lane.

    Raises:
        NotForTheLane.
    """
    try:
        yield
    except _SURPRISES as error:
        raise NotForTheLane(f"a surprise ({type(error).__name__})") from error
