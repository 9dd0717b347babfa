"""How a signature request ends, whatever ended it: its row is closed and the portal is told.

Owns every final status: ``request_store`` lets nobody else write one, so that an ending without
its event cannot be built. Row and event are one unit of work; who comes second finds the request
closed and tells nothing. An event carries a code, a sentence and what the portal can do next.
What a page says (the words under a stamp, a name) stays with the request's ``failure``: a thin
event holds nothing personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection

from gateway.documents import request_store
from gateway.documents.news import emit_about
from gateway.documents.rules import RequestStatus
from gateway.foundation.clock import Clock
from signing.contract import DocumentRefused

ENDINGS: Final = MappingProxyType(
    {
        RequestStatus.SIGNED: "document.signed",
        RequestStatus.REJECTED: "document.rejected",
        RequestStatus.FAILED: "document.signing_failed",
        RequestStatus.EXPIRED: "document.signing_expired",
    }
)
"""What each final status is told as."""


class NextStep(StrEnum):
    """What a portal can do about a request that ended without all its signatures."""

    CORRECT_DOCUMENT = "correct_document"
    CORRECT_NUMBER = "correct_number"
    CHOOSE_PLACE = "choose_place"
    ASK_AGAIN = "ask_again"


_STEPS = {
    "text_under_stamp": NextStep.CHOOSE_PLACE,
    "page_without_text": NextStep.CHOOSE_PLACE,
    "bad_document_number": NextStep.CORRECT_NUMBER,
    "number_already_written": NextStep.CORRECT_NUMBER,
    "symbol_already_written": NextStep.CORRECT_NUMBER,
    "year_already_written": NextStep.CORRECT_NUMBER,
    "prepared_changed": NextStep.ASK_AGAIN,
    "inspection_timeout": NextStep.ASK_AGAIN,
    "inspection_crashed": NextStep.ASK_AGAIN,
}

_WHY = {
    NextStep.CORRECT_DOCUMENT: "Tệp văn bản không ký được.",
    NextStep.CORRECT_NUMBER: "Số hoặc ngày được cấp không khớp với văn bản.",
    NextStep.CHOOSE_PLACE: "Không đặt được hình chữ ký vào chỗ đã chọn.",
    NextStep.ASK_AGAIN: "Lượt ký này không dùng tiếp được.",
}

_WHAT_TO_DO = {
    NextStep.CORRECT_DOCUMENT: (
        "Xem lý do ở signature_request.failure của văn bản, sửa tệp, tải lên thành văn bản mới rồi"
        " mở yêu cầu ký cho văn bản đó."
    ),
    NextStep.CORRECT_NUMBER: (
        "Xem lý do ở signature_request.failure của văn bản, rồi mở yêu cầu ký mới với số và ngày"
        " đúng, hoặc chỉ đóng dấu (parts = [seal])."
    ),
    NextStep.CHOOSE_PLACE: (
        "Xem lý do ở signature_request.failure của văn bản, rồi mở yêu cầu ký mới với chỗ ký"
        " (placement) khác; các chữ ký đã có vẫn nằm trong văn bản."
    ),
    NextStep.ASK_AGAIN: (
        "Mở yêu cầu ký mới cho văn bản này; các chữ ký đã có vẫn nằm trong văn bản."
    ),
}
_SENT_BACK = (
    "Xem lý do ở signature_request.rejection của văn bản, sửa văn bản, tải lên rồi mở yêu cầu ký"
    " mới."
)


def next_step_of(code: str) -> NextStep:
    """What helps after a document was refused for this reason; another file, unless known."""
    return _STEPS.get(code, NextStep.CORRECT_DOCUMENT)


@dataclass(frozen=True, slots=True)
class Ending:
    """A final status, what is told of it, and what else the row keeps."""

    status: RequestStatus
    facts: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


def as_signed(**columns: Any) -> Ending:
    """The last step was published; the document's state tells the rest."""
    return Ending(RequestStatus.SIGNED, columns=columns)


def as_rejected(rejection: Mapping[str, Any]) -> Ending:
    """A signer sent the document back."""
    facts = {
        "code": "rejected",
        "detail": "Người ký đã trả lại văn bản.",
        "next_step": NextStep.CORRECT_DOCUMENT,
        "instruction": _SENT_BACK,
    }
    return Ending(RequestStatus.REJECTED, facts, {"rejection": rejection})


def as_failed(error: DocumentRefused) -> Ending:
    """The document cannot be signed as it is; trying again would not help."""
    step = next_step_of(error.code)
    facts = {
        "code": error.code,
        "detail": _WHY[step],
        "next_step": step,
        "instruction": _WHAT_TO_DO[step],
    }
    failure = {"code": error.code, "detail": error.message_vi, "next_step": step}
    return Ending(RequestStatus.FAILED, facts, {"failure": failure})


def as_expired() -> Ending:
    """The deadline passed before everybody had signed."""
    facts = {
        "code": "deadline_passed",
        "detail": "Đã quá hạn ký của yêu cầu mà chưa đủ chữ ký.",
        "next_step": NextStep.ASK_AGAIN,
        "instruction": _WHAT_TO_DO[NextStep.ASK_AGAIN],
    }
    return Ending(RequestStatus.EXPIRED, facts)


def end_request(
    connection: Connection, row: Any, ending: Ending, clock: Clock, *, fence: int | None = None
) -> bool:
    """Close a request and tell of it (part of a unit of work).

    Args:
        connection: of the transaction.
        row: the request's, as it was read.
        ending: how it ends.
        clock: the moment.
        fence: the lease under which the step was signed; None: the caller holds the row locked.

    Returns:
        Whether it was open, and held with that fence; else nothing was written.
    """
    now = clock.now()
    values = {"signer": None, "lease_until": None, "completed_at": now, **ending.columns}
    if not request_store.close_request(connection, row.id, ending.status, fence, **values):
        return False
    facts = {"signature_request": row.id, **ending.facts} if ending.facts else None
    emit_about(connection, ENDINGS[ending.status], row, now, clock, facts=facts)
    return True
