"""Sentences about payments, Vietnamese first: flaws of a request, lines of a timeline.

Owns the words shared by API answers, pages and webhooks; the money line's sentences stand in the
pages' catalogue. A sentence says what happened and what to do, without codes.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.contract import Meaning
from gateway.foundation.money import format_amount
from gateway.payments.evidence import Evidence
from gateway.payments.statuses import (
    EXPIRED_TICK,
    CallOutcome,
    Channel,
    Decision,
    RefundStep,
    ReviewReason,
)

FLAWS: Mapping[str, tuple[str, str]] = {
    "reference_invalid": (
        "Mã hồ sơ gồm 1–64 ký tự: chữ không dấu, số, dấu chấm, gạch ngang, gạch chéo.",
        "A reference has 1–64 characters: letters, digits, dot, dash, slash.",
    ),
    "reference_date": (
        "Phần ngày (YYMMDD) trong mã hồ sơ không phải là một ngày có thật.",
        "The date part (YYMMDD) of the reference is not a real date.",
    ),
    "procedure_invalid": ("Mã thủ tục không hợp lệ.", "The procedure code is not valid."),
    "agency_invalid": (
        "Mã cơ quan gồm tối đa 35 ký tự A–Z, 0–9 và dấu chấm.",
        "An agency code has up to 35 characters A–Z, 0–9 and dots.",
    ),
    "items_required": (
        "Cần ít nhất một khoản thu: chưa có biểu phí cho thủ tục này.",
        "At least one item is needed: no tariff is known for this procedure.",
    ),
    "too_many_items": ("Quá 100 khoản thu.", "More than 100 items."),
    "code_invalid": (
        "Mã khoản thu gồm 1–50 ký tự không dấu.",
        "An item code has 1–50 plain characters.",
    ),
    "text_invalid": (
        "Nội dung trống, quá dài hoặc có ký tự điều khiển.",
        "The text is blank, too long or has control characters.",
    ),
    "choice_invalid": ("Giá trị không có trong danh sách.", "Not one of the allowed values."),
    "not_an_integer": ("Phải là số nguyên.", "A whole number is needed."),
    "too_small": ("Giá trị quá nhỏ.", "The value is too small."),
    "too_large": ("Giá trị quá lớn.", "The value is too large."),
    "total_too_large": ("Tổng số tiền vượt mức cho phép.", "The total is above the limit."),
    "phone_invalid": (
        "Nhập số điện thoại 10 chữ số, ví dụ 0912 345 678.",
        "Enter a 10-digit phone number, for example 0912 345 678.",
    ),
    "email_invalid": ("Địa chỉ thư điện tử không hợp lệ.", "The e-mail address is not valid."),
    "identity_invalid": (
        "Số giấy tờ gồm 5–20 chữ và số.",
        "An identity number has 5–20 letters and digits.",
    ),
    "too_many_entries": ("Quá 50 mục metadata.", "More than 50 metadata entries."),
    "metadata_invalid": (
        "Tên metadata gồm 1–50 ký tự không dấu, giá trị tối đa 500 ký tự.",
        "Metadata names have 1–50 plain characters, values up to 500.",
    ),
    "url_invalid": ("Địa chỉ quay về không hợp lệ.", "The return address is not valid."),
    "url_with_credentials": (
        "Địa chỉ quay về không được chứa tên đăng nhập hay mật khẩu.",
        "The return address may not carry credentials.",
    ),
    "url_not_https": ("Địa chỉ quay về phải là https.", "The return address must be https."),
}

_TOLD = {
    Meaning.SUCCEEDED: ("báo đã thu {amount}", "reports {amount} taken"),
    Meaning.PENDING: ("báo đang xử lý", "reports that it is still working on it"),
    Meaning.FAILED: ("báo không thực hiện được, không trừ tiền", "reports failure, none taken"),
    Meaning.CANCELLED: ("báo người nộp đã dừng, không trừ tiền", "reports a stop by the payer"),
    Meaning.EXPIRED: ("báo đã hết hạn, không trừ tiền", "reports that its time ran out"),
    Meaning.REVIEW: (
        "báo đã trừ {amount} nhưng nghi ngờ giao dịch",
        "reports {amount} taken and suspects the transaction",
    ),
    Meaning.REVERSED: ("báo đã trả lại {amount}", "reports {amount} given back"),
    Meaning.NOT_FOUND: ("báo không có giao dịch này", "does not know the transaction"),
    Meaning.UNKNOWN: ("trả về mã chưa rõ nghĩa", "answers with a code that nobody knows"),
}
_SOURCES = {
    Channel.CALLBACK: ("{account} tự", "{account}, by itself,"),
    Channel.ANSWER: ("{account}, khi được hỏi,", "{account}, when asked,"),
    Channel.RETURN: ("Trang quay về của {account}", "The return page of {account}"),
    Channel.BANK: ("Thông báo biến động tài khoản {account}", "The bank notice of {account}"),
    Channel.STATEMENT: ("Sao kê của {account}", "The statement of {account}"),
}
_CALLS = {
    CallOutcome.NOT_SENT: (
        "Chưa gửi được yêu cầu tới {account}",
        "The request to {account} could not be sent",
    ),
    CallOutcome.REFUSED: ("{account} không nhận yêu cầu", "{account} refused the request"),
    CallOutcome.ACCEPTED: ("Đã mở lần nộp qua {account}", "An attempt through {account} began"),
    CallOutcome.UNKNOWN: (
        "Chưa rõ {account} đã nhận yêu cầu hay chưa, đang hỏi lại",
        "It is unknown whether {account} took the request; it is being asked",
    ),
}
_DECISIONS = {
    Decision.CANCEL: ("Cơ quan hủy yêu cầu nộp", "The agency cancelled the request"),
    Decision.ACCEPT: ("Cán bộ chấp nhận: {reason}", "An official accepted: {reason}"),
    Decision.DISMISS: ("Cán bộ bác bỏ: {reason}", "An official dismissed: {reason}"),
    Decision.ATTACH: (
        "Cán bộ gắn khoản tiền {amount} vào hồ sơ",
        "An official attached {amount} to this payment",
    ),
}
_REFUNDS = {
    RefundStep.REQUESTED: ("Đề nghị hoàn {amount}", "A refund of {amount} was requested"),
    RefundStep.APPROVED: ("Đã duyệt hoàn {amount}", "A refund of {amount} was approved"),
    RefundStep.SUBMITTED: ("Đã gửi lệnh hoàn {amount}", "A refund of {amount} was sent"),
    RefundStep.NOT_SENT: (
        "Chưa gửi được lệnh hoàn {amount}",
        "The refund of {amount} could not be sent",
    ),
    RefundStep.PROCESSING: (
        "Ngân hàng đang xử lý lệnh hoàn {amount}",
        "The refund of {amount} is being processed",
    ),
    RefundStep.UNKNOWN: (
        "Chưa rõ kết quả lệnh hoàn {amount}, đang hỏi lại",
        "The outcome of the refund of {amount} is unknown and being asked for",
    ),
    RefundStep.SUCCEEDED: (
        "Ngân hàng xác nhận đã hoàn {amount}",
        "The refund of {amount} was confirmed",
    ),
    RefundStep.REJECTED: ("Lệnh hoàn {amount} bị từ chối", "The refund of {amount} was refused"),
}
_REASONS = {
    ReviewReason.OVERPAID: ("nộp thừa", "overpaid"),
    ReviewReason.DUPLICATE_PAYMENT: ("nộp trùng", "paid twice"),
    ReviewReason.AMOUNT_MISMATCH: ("lệch số tiền", "amounts disagree"),
    ReviewReason.LATE_PAYMENT: ("nộp muộn", "paid late"),
    ReviewReason.PROVIDER_SUSPECTS_FRAUD: (
        "nhà cung cấp nghi ngờ giao dịch",
        "the provider suspects the transaction",
    ),
    ReviewReason.PAID_AFTER_CANCEL: ("nộp sau khi hủy", "paid after cancelling"),
}
_TICKS = {
    True: ("Hết thời gian của lần nộp qua {account}", "The attempt through {account} ran out"),
    False: ("Hết hạn nộp", "The time to pay is over"),
}
_SHORT = {
    "declined": (
        "Ngân hàng hoặc ví đã từ chối giao dịch này.",
        "The bank or wallet declined this transaction.",
    ),
    "cancelled": ("cơ quan không nêu lý do", "the agency gave no reason"),
    "zero_basis": ("được miễn hoặc giảm theo quy định", "exempt or reduced by law"),
    "away": (
        "{provider} đang tạm dừng. Chọn cách khác hoặc thử lại sau ít phút",
        "{provider} is unavailable. Choose another way or try again in a few minutes",
    ),
    "known": ("Đã có kết quả.", "The result is there."),
    "waiting": ("Đang chờ kết quả.", "Waiting for the result."),
}
_COUNTER = ("Đã thu {amount} tiền mặt tại {account}", "{amount} was taken in cash at {account}")


def flaw_text(code: str, language: str) -> str:
    """What is wrong with a field."""
    return FLAWS[code][_column(language)]


def words_for(key: str, language: str) -> str:
    """A short sentence for pages."""
    return _SHORT[key][_column(language)]


def reason_text(reason: str, language: str) -> str:
    """An open question in words."""
    return _REASONS[ReviewReason(reason)][_column(language)]


def evidence_text(piece: Evidence, language: str, titles: Mapping[str, str]) -> str:
    """One line of the timeline; ``titles`` names accounts for people."""
    amount = format_amount(piece.amount, language) if piece.amount is not None else _some(language)
    text = _template(piece, language).format(
        account=titles.get(piece.account, piece.account),
        amount=amount,
        reason=reason_text(piece.reason, language) if piece.reason else "",
    )
    return f"{text[:1].upper()}{text[1:]}."


def _template(piece: Evidence, language: str) -> str:
    column = _column(language)
    if piece.channel in _SOURCES:
        return f"{_SOURCES[piece.channel][column]} {_TOLD[Meaning(piece.says)][column]}"
    if piece.channel is Channel.CALL:
        return _CALLS[CallOutcome(piece.says)][column]
    if piece.channel is Channel.DECISION:
        return _DECISIONS[Decision(piece.says)][column]
    if piece.channel is Channel.REFUND:
        return _REFUNDS[RefundStep(piece.says)][column]
    if piece.channel is Channel.CLOCK:
        return _TICKS[piece.says == EXPIRED_TICK and piece.attempt is not None][column]
    return _COUNTER[column]


def _some(language: str) -> str:
    return "an unnamed amount" if language == "en" else "một khoản chưa rõ"


def _column(language: str) -> int:
    return 1 if language == "en" else 0
