"""How a proof of our own work fails: one error, whatever a reader objected to.

Owns turning readers' objections into ``ProofFailed``. Leaves what is checked to ``proof``.
"""

from __future__ import annotations

from types import TracebackType

from signing.contract import SigningError
from signing.evidence.unchecked import TokenRefused


class ProofFailed(SigningError):
    """What was written does not verify; it must not leave the signer."""


class failing:  # noqa: N801 - a context manager reads as a verb
    """Whatever a reader objects to is a failure of the proof."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin to look out."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, ValueError | TypeError | KeyError | IndexError | TokenRefused):
            raise failed(str(error)) from error


def failed(reason: str) -> ProofFailed:
    """The error that says so."""
    return ProofFailed(
        "self_check_failed",
        "Bản ký vừa tạo không vượt qua bước tự kiểm tra nên đã bị hủy.",
        f"the signed file failed its own check: {reason}",
    )
