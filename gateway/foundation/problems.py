"""Errors → problems (RFC 9457): one family inside, one table at the edge.

Everything a caller did wrong is a ``Problem`` with a code from ``CATALOGUE``; anything else
becomes ``internal_error`` without detail. Vietnamese is the default language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One code's status and titles."""

    status: int
    vi: str
    en: str


CATALOGUE: dict[str, Kind] = {
    "invalid_request": Kind(400, "Yêu cầu không hợp lệ", "Invalid request"),
    "invalid_json": Kind(400, "Nội dung không phải JSON hợp lệ", "The body is not valid JSON"),
    "validation_failed": Kind(
        422, "Một số trường chưa đúng", "Some fields are missing or not valid"
    ),
    "unauthenticated": Kind(401, "Thiếu hoặc sai khóa truy cập", "Missing or wrong API key"),
    "key_expired": Kind(401, "Khóa truy cập đã hết hạn", "The API key has expired"),
    "key_revoked": Kind(401, "Khóa truy cập đã bị thu hồi", "The API key was revoked"),
    "wrong_mode": Kind(401, "Khóa thuộc chế độ khác", "The API key is of the other mode"),
    "missing_scope": Kind(403, "Khóa không có quyền này", "The API key lacks this scope"),
    "forbidden": Kind(403, "Không được phép", "Forbidden"),
    "not_found": Kind(404, "Không tìm thấy", "Not found"),
    "method_not_allowed": Kind(405, "Phương thức không dùng được", "Method not allowed"),
    "conflict": Kind(409, "Trạng thái hiện tại không cho phép", "The current state forbids it"),
    "idempotency_key_required": Kind(
        400, "Thiếu Idempotency-Key", "An Idempotency-Key header is required"
    ),
    "idempotency_key_invalid": Kind(
        400, "Idempotency-Key không hợp lệ", "The Idempotency-Key is not valid"
    ),
    "idempotency_key_reused": Kind(
        422, "Idempotency-Key đã dùng cho nội dung khác", "This key was used with other content"
    ),
    "idempotency_in_progress": Kind(
        409, "Yêu cầu cùng khóa đang được xử lý", "A request with this key is still running"
    ),
    "body_too_large": Kind(413, "Nội dung quá lớn", "The body is too large"),
    "address_too_long": Kind(414, "Địa chỉ quá dài", "The address is too long"),
    "headers_too_large": Kind(431, "Tiêu đề (header) quá lớn", "The headers are too large"),
    "expectation_failed": Kind(
        417, "Không đáp ứng được tiêu đề Expect", "The Expect header cannot be met"
    ),
    "unsupported_media_type": Kind(
        415, "Kiểu nội dung không được hỗ trợ", "Unsupported content type"
    ),
    "rate_limited": Kind(429, "Quá nhiều yêu cầu", "Too many requests"),
    "provider_unavailable": Kind(
        503, "Nhà cung cấp chưa sẵn sàng", "The provider is not available"
    ),
    "provider_rejected": Kind(
        422, "Nhà cung cấp không nhận yêu cầu", "The provider refused the request"
    ),
    "outcome_unknown": Kind(
        202, "Chưa rõ kết quả, hệ thống đang hỏi lại", "The outcome is unknown and being asked for"
    ),
    "service_unavailable": Kind(
        503, "Hệ thống tạm thời chưa phục vụ được", "Temporarily unavailable"
    ),
    "internal_error": Kind(500, "Lỗi hệ thống", "Internal error"),
}


def register(codes: Mapping[str, Kind]) -> None:
    """Let a capability name its own codes; a code means one thing everywhere."""
    for code, kind in codes.items():
        if CATALOGUE.setdefault(code, kind) != kind:
            raise ValueError(f"problem code {code} is already taken")


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field: JSON pointer (RFC 6901), code, sentence."""

    pointer: str
    code: str
    detail: str


@dataclass
class Problem(Exception):
    """A refusal the caller can act on."""

    code: str
    detail_vi: str = ""
    detail_en: str = ""
    errors: Sequence[FieldError] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # money_position, retryable …
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise ValueError(f"unknown problem code {self.code}")
        super().__init__(self.code)

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return CATALOGUE[self.code].status

    def document(self, language: str, trace_id: str) -> dict[str, Any]:
        """The RFC 9457 object in the asked language (``vi`` or ``en``)."""
        kind = CATALOGUE[self.code]
        english = language == "en"
        title = kind.en if english else kind.vi
        detail = (self.detail_en or self.detail_vi) if english else self.detail_vi
        document: dict[str, Any] = {
            "type": f"urn:motcua:problem:{self.code}",
            "title": title,
            "status": kind.status,
            "detail": detail or title,
            "code": self.code,
            "trace_id": trace_id,
        }
        if self.errors:
            document["errors"] = [msgspec.to_builtins(e) for e in self.errors]
        document.update(self.extra)
        return document


def not_found(what_vi: str = "đối tượng này") -> Problem:
    """The answer for ids that do not exist and for those of another tenant alike."""
    return Problem("not_found", f"Không tìm thấy {what_vi}.", "No such object.")


def invalid(errors: Sequence[FieldError]) -> Problem:
    """Every wrong field at once."""
    count = len(errors)
    return Problem(
        "validation_failed",
        f"Có {count} trường chưa đúng.",
        f"{count} field(s) are not valid.",
        errors=tuple(errors),
    )
