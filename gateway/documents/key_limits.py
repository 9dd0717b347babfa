"""What a key of some kind cannot use of what a portal says: refused, never silently left aside.

Pure. A desktop signer's protocol (``vgcaplugin.js``: file, number, date, our own metadata) carries
no place, so the official chooses it in the program's window. A PIN or a one-time code goes to keys
that are opened here; sent for any other it is a mistake, and a secret that travelled for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from gateway.documents.rules import Authority, KeyUse
from gateway.foundation.problems import FieldError, Problem, invalid

PLACE = "placement_not_supported"
UNUSED = "not_used"

_NO_PLACE = (
    "Bước này do người ký thực hiện trên máy của mình (VGCA): chương trình ký không nhận chỗ ký từ"
    " cổng, người ký tự chọn. Hãy bỏ placement."
)
_NO_PIN = (
    "Khóa ký này do chủ khóa xác nhận ở ứng dụng của mình, không dùng mã PIN gửi qua đây. Hãy bỏ"
    " pin."
)
_NO_OTP = "Khóa ký này không dùng mã OTP. Hãy bỏ otp."


class Placed(Protocol):
    """A step that is asked for."""

    @property
    def signer(self) -> str:
        """``official:…`` or ``agency:…``."""
        ...

    @property
    def placement(self) -> Any:
        """Where its visible signature is to go, or None."""
        ...


def errors_of_places(steps: Sequence[Placed], authority: Authority) -> list[FieldError]:
    """The steps that ask for a place which nobody can give them."""
    return [
        FieldError(f"/steps/{position}/placement", PLACE, _NO_PLACE)
        for position, step in enumerate(steps)
        if step.placement is not None and not authority.use_of(step.signer).takes_place
    ]


def refuse_place(step: Any, use: KeyUse) -> None:
    """The same at the act, for a key that was of another kind when the step was asked for.

    Raises:
        Problem: ``placement_not_supported``.
    """
    if step.placement is not None and not use.takes_place:
        raise Problem(PLACE, _NO_PLACE)


def refuse_secrets(use: KeyUse, *, pin: str | None = None, otp: str | None = None) -> None:
    """Refuse a PIN or code that the key's owner gives elsewhere, or not at all.

    Raises:
        Problem: ``validation_failed`` at ``/pin`` or ``/otp``.
    """
    errors = []
    if pin is not None and not use.takes_pin:
        errors.append(FieldError("/pin", UNUSED, _NO_PIN))
    if otp is not None and not (use.takes_pin and use.takes_otp):
        errors.append(FieldError("/otp", UNUSED, _NO_OTP))
    if errors:
        raise invalid(errors)
