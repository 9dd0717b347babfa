"""Why a request about a payment is refused, in both languages.

Owns the payments' own problem codes and the sentences; every refusal tells where the citizen's
money is (``money_position``) and whether trying again may help (``retryable``).
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.foundation.problems import FieldError, Kind, Problem, invalid, register
from gateway.payments.opening import Flaw
from gateway.payments.statuses import MoneyPosition
from gateway.payments.texts import flaw_text

register(
    {
        "payment_closed": Kind(409, "Khoản nộp này đã đóng", "This payment takes no more attempts"),
        "attempt_in_doubt": Kind(
            409,
            "Một lần nộp trước đó chưa rõ kết quả",
            "The outcome of an earlier attempt is not known yet",
        ),
        "too_many_attempts": Kind(409, "Quá nhiều lần thử", "Too many attempts"),
        "receipt_number_used": Kind(
            409, "Số biên lai đã dùng với số tiền khác", "Receipt number used with another amount"
        ),
        "not_refundable": Kind(
            409, "Số tiền hoàn vượt quá số đã thu", "More than what can be refunded"
        ),
        "second_person_needed": Kind(
            403,
            "Người đề nghị không được tự duyệt",
            "Whoever asked for a refund may not approve it",
        ),
    }
)


def money_extra(position: MoneyPosition, *, retryable: bool = False) -> dict[str, object]:
    """The members that every refusal about a payment carries."""
    return {"money_position": position.value, "retryable": retryable}


def flawed(flaws: Iterable[Flaw], language: str) -> Problem:
    """A request with everything that is wrong with it."""
    return invalid([FieldError(f.pointer, f.code, flaw_text(f.code, language)) for f in flaws])


def closed(status: str, position: MoneyPosition) -> Problem:
    """Nothing more can be paid here."""
    return Problem(
        "payment_closed",
        f"Khoản nộp ở trạng thái “{status}”, không mở lần nộp mới.",
        f"The payment is {status}; no attempt can be started.",
        extra=money_extra(position),
    )


def in_doubt(position: MoneyPosition) -> Problem:
    """Paying again now could be paying twice."""
    return Problem(
        "attempt_in_doubt",
        "Có thể ngân hàng đã trừ tiền ở lần nộp trước. Hệ thống đang hỏi lại, xin đừng nộp lại.",
        "The bank may have taken the money already. It is being asked; do not pay again.",
        extra=money_extra(position, retryable=True),
        headers={"Retry-After": "30"},
    )


def too_many(position: MoneyPosition) -> Problem:
    """A payment does not take attempts without end."""
    return Problem("too_many_attempts", extra=money_extra(position))


def provider_away(title: str, position: MoneyPosition) -> Problem:
    """Nothing was sent: another way to pay, or the same later."""
    return Problem(
        "provider_unavailable",
        f"{title} đang tạm dừng. Chọn cách khác hoặc thử lại sau.",
        f"{title} is unavailable. Choose another way or try again later.",
        extra=money_extra(position, retryable=True),
        headers={"Retry-After": "60"},
    )


def provider_refused(title: str, code: str, position: MoneyPosition) -> Problem:
    """The provider does not take this order."""
    return Problem(
        "provider_rejected",
        f"{title} không nhận yêu cầu này ({code}).",
        f"{title} refused the request ({code}).",
        extra=money_extra(position),
    )


def unknown_account(account: str) -> Problem:
    """There is no such way to pay."""
    detail = f"Không có tài khoản thu “{account}”."
    return invalid([FieldError("/account", "unknown_account", detail)])


def amount_not_carried(title: str) -> Problem:
    """A provider has limits of its own."""
    detail = f"{title} không nhận số tiền này."
    return invalid([FieldError("/account", "amount_out_of_range", detail)])
