"""The one way out of the fast lane: this document is for the ordinary path.

Owns ``NotForTheLane`` and turning a reader's surprises into it. It is internal: the service answers
it by signing on the ordinary path, so its reason is for logs and tests, never for people.
"""

from __future__ import annotations

from types import TracebackType


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


class doubting:  # noqa: N801 - a context manager reads as a verb
    """Whatever a hostile file makes plain Python raise is a reason to leave the lane.

    Raises:
        NotForTheLane.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin to doubt."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Turn a surprise into a refusal."""
        if isinstance(error, _SURPRISES):
            raise NotForTheLane(f"a surprise ({type(error).__name__})") from error
