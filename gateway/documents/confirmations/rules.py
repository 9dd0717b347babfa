"""Pure decisions about confirmations elsewhere and about batches.

What one more report changes, when to ask again, what an official reads, and the hash that one
confirmation stands for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from signing.contract import OUTCOME_UNKNOWN, RemoteState

_KNOWLEDGE = {
    RemoteState.UNKNOWN: 0,
    RemoteState.REQUESTED: 1,
    RemoteState.WAITING_USER: 2,
    RemoteState.SIGNING: 3,
}
T = TypeVar("T")

SOONEST_S, _SLOWEST_S = 1.0, 300.0
_PATIENCE = 20  # an act that has waited 20 minutes is asked about once a minute

SENTENCES = {
    RemoteState.REQUESTED: "Đang gửi yêu cầu xác nhận tới nhà cung cấp dịch vụ ký số.",
    RemoteState.WAITING_USER: "Chờ người ký xác nhận trên ứng dụng ký số.",
    RemoteState.SIGNING: "Người ký đã xác nhận, đang ký.",
    RemoteState.UNKNOWN: "Chưa rõ nhà cung cấp đã nhận yêu cầu chưa; hệ thống đang hỏi lại.",
    RemoteState.DONE: "Đã ký.",
    RemoteState.REJECTED: "Người ký đã từ chối xác nhận.",
    RemoteState.EXPIRED: "Đã quá hạn xác nhận; văn bản chưa được ký.",
    RemoteState.QUOTA: "Đã hết số lượt ký của tài khoản ký số.",
    RemoteState.CERTIFICATE_INVALID: "Chứng thư số đã hết hạn hoặc bị thu hồi.",
    RemoteState.ERROR: "Nhà cung cấp báo lỗi; văn bản chưa được ký.",
}
UNDECIDED = (
    "Không rõ nhà cung cấp đã ký hay chưa và không hỏi lại được nữa; hệ thống không tự gửi lại."
    " Người ký hãy xem trên ứng dụng ký số rồi cho biết: không có yêu cầu này, hay đã ký mà chữ ký"
    " không về."
)
NEVER_DECIDED = "Không rõ đã ký hay chưa, và không ai xác định trong thời hạn; bước ký được mở lại."
NOT_COMPLETED = (
    "Người ký đã xác nhận nhưng chữ ký chưa hoàn thiện được trong thời hạn (dịch vụ dấu thời gian"
    " hoặc kiểm tra thu hồi không trả lời, hoặc yêu cầu đã hết hạn); văn bản chưa được ký."
)
WITHDRAWN = "Đã rút lại yêu cầu xác nhận."
CANCELLED = "cancelled"  # a state of ours beside the provider's


def fold(known: RemoteState, told: RemoteState) -> RemoteState:
    """What holds after one more report: an end stays, and knowledge never shrinks.

    Any order and any number of an honest provider's reports give the same state.
    """
    if known.is_final:
        return known
    if told.is_final:
        return told
    return max(known, told, key=_KNOWLEDGE.__getitem__)


def ask_again_s(ask_after_s: float, age: timedelta) -> float:
    """Seconds until the next question: never sooner than the provider wants, later with age."""
    patient = min(age.total_seconds() / _PATIENCE, _SLOWEST_S)
    return max(ask_after_s, patient, SOONEST_S)


def again_after_s(tries: int, most_s: float = _SLOWEST_S) -> float:
    """Seconds until something that could not be done is tried again."""
    return float(min(5 * 2 ** min(tries, 10), most_s))


def sentence(state: RemoteState, detail: str) -> str:
    """What the official reads: the provider's own words where there are any."""
    return detail or SENTENCES[state]


def code_of(state: str, *, confirmed: bool) -> str:
    """Why a confirmation ended without a signature in the document, for machines.

    Args:
        state: how it ended.
        confirmed: whether the official's raw signature is here all the same.
    """
    if state == RemoteState.EXPIRED and confirmed:
        return "not_completed"
    return {CANCELLED: "withdrawn", RemoteState.UNKNOWN: OUTCOME_UNKNOWN}.get(state, str(state))


def gives_up_at(now: datetime, wait: timedelta, deadline: datetime | None) -> datetime:
    """When the step is free again if nobody confirms."""
    patience = now + wait
    return min(patience, deadline) if deadline is not None else patience


@dataclass(frozen=True, slots=True)
class Covered:
    """One document under a confirmation: the request, and the hash of the bytes to be signed."""

    request_id: str
    sha256: str


def root_hash(covered: Iterable[Covered]) -> str:
    """SHA-256 (hex) over the ordered list, a line ``<request id> <sha256>`` and LF for each.

    Anybody who has the list can compute it; one more, one less or another order is another hash.
    """
    digest = hashlib.sha256()
    for document in covered:
        digest.update(f"{document.request_id} {document.sha256}\n".encode())
    return digest.hexdigest()


def chunked(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Consecutive pieces of at most ``most``."""
    step = max(1, most)
    return [items[start : start + step] for start in range(0, len(items), step)]
