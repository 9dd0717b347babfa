"""How the commands write inspections and validations down: JSON as the API words it, or text.

Owns field names and the +07:00 in times. Leaves the content to ``signing.inspection`` and
``signing.validation``, and the API's own answers to the gateway.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from signing.clock import VIETNAM
from signing.contract import Inspection, Severity, SignatureVerdict, Validation

_INTEGRITY = {True: "nguyên vẹn", False: "không nguyên vẹn"}
_STATUS = {
    "good": "có hiệu lực",
    "revoked": "đã bị thu hồi",
    "expired": "đã hết hạn",
    "not_yet_valid": "chưa có hiệu lực",
    "unknown": "chưa rõ",
    "untrusted": "không thuộc gốc tin cậy",
}
_ALGORITHM = {
    "acceptable": "được chấp nhận",
    "weak": "không còn đủ mạnh",
    "unlisted": "ngoài danh mục",
}
_ANCHOR = {
    "government": "chuyên dùng Chính phủ",
    "public": "quốc gia, dịch vụ công cộng",
    "own": "do đơn vị vận hành cấu hình",
}
_TRUST = {"untrusted": "không có", "unknown": "chưa rõ"}
_TIME = {
    "proven": "được chứng minh bằng dấu thời gian",
    "unproven": "có dấu thời gian, chưa kiểm chứng được",
    "claimed": "người ký tự khai",
    "none": "không nêu",
}
_SEVERITY = {Severity.BLOCK: "chặn", Severity.WARN: "lưu ý", Severity.INFO: "thông tin"}
_VERDICT = {
    "valid": "hợp lệ",
    "invalid": "không hợp lệ",
    "indeterminate": "chưa đủ căn cứ kết luận",
}


def validation_as_json(validation: Validation) -> dict[str, Any]:
    """The answer of ``POST /v1/validations`` without its ``report_url``."""
    return {
        "verdict": validation.verdict.value,
        "summary": validation.summary,
        "sha256": validation.sha256,
        "size": validation.size,
        "signatures": [_signature_as_json(s) for s in validation.signatures],
        "messages": list(validation.messages),
        "reason": validation.reason,
        "checked_at": vietnam_time(validation.checked_at),
        "online": validation.online,
    }


def findings_as_json(inspection: Inspection) -> list[dict[str, str]]:
    """The findings alone, as in documents and in the commands' report."""
    return [
        {"code": f.code, "severity": f.severity.value, "where": f.where, "detail": f.detail}
        for f in inspection.findings
    ]


def validation_as_text(validation: Validation) -> str:
    """A few lines in Vietnamese for a terminal."""
    lines = [validation.summary, *(f"  {message}" for message in validation.messages)]
    for signature in validation.signatures:
        lines.append(
            f"  [{_VERDICT[signature.verdict.value]}] "
            f"{signature.signer or signature.field_name} · {signature.indication}"
            + (f"/{signature.sub_indication}" if signature.sub_indication else "")
        )
        lines.extend(f"      {line}" for line in _signature_lines(signature))
    return "\n".join(lines)


def inspection_as_text(inspection: Inspection) -> str:
    """A few lines in Vietnamese for a terminal."""
    state = "không được ký" if inspection.blocked else "có thể ký"
    lines = [f"PDF {inspection.pdf_version or '?'}, {inspection.pages} trang: {state}"]
    lines.extend(f"  [{_SEVERITY[f.severity]}] {f.where}: {f.detail}" for f in inspection.findings)
    return "\n".join(lines)


def vietnam_time(moment: datetime | None) -> str | None:
    """RFC 3339 with +07:00, None for no time."""
    if moment is None:
        return None
    return moment.astimezone(VIETNAM).isoformat(timespec="seconds")


def _signature_as_json(signature: SignatureVerdict) -> dict[str, Any]:
    return {
        "field_name": signature.field_name,
        "verdict": signature.verdict.value,
        "signer": signature.signer,
        "issuer": signature.issuer,
        "managing_unit": signature.managing_unit,
        "claimed_time": vietnam_time(signature.claimed_time),
        "proven_time": vietnam_time(signature.proven_time),
        "level": signature.level,
        "integrity": signature.integrity,
        "certificate_status": signature.certificate_status,
        "certificate_valid_from": vietnam_time(signature.certificate_valid_from),
        "certificate_valid_to": vietnam_time(signature.certificate_valid_to),
        "certificate_sha256": signature.certificate_sha256,
        "algorithm": signature.algorithm,
        "indication": signature.indication,
        "sub_indication": signature.sub_indication,
        "changes_after_signing": list(signature.changes_after_signing),
        "messages": list(signature.messages),
        "certificate_serial": signature.certificate_serial,
        "reason": signature.reason,
        "algorithm_status": signature.algorithm_status,
        "trust": signature.trust,
        "trust_anchor": signature.trust_anchor,
        "trust_anchor_kind": signature.trust_anchor_kind,
        "time_status": signature.time_status,
        "time_source": signature.time_source,
    }


def _signature_lines(signature: SignatureVerdict) -> list[str]:
    facts = [
        ("Đơn vị quản lý", signature.managing_unit),
        ("Nơi cấp chứng thư", signature.issuer),
        ("Số chứng thư", signature.certificate_serial),
        ("Hiệu lực chứng thư", _period(signature)),
        ("Tình trạng chứng thư", _STATUS[signature.certificate_status]),
        ("Thời điểm tự khai", vietnam_time(signature.claimed_time)),
        ("Thời điểm được chứng minh", vietnam_time(signature.proven_time)),
        ("Toàn vẹn", _INTEGRITY[signature.integrity]),
        ("Mức", signature.level),
        ("Thuật toán", _named(signature.algorithm, _ALGORITHM, signature.algorithm_status)),
        ("Gốc tin cậy", _anchor(signature)),
        ("Thời gian ký", _TIME.get(signature.time_status)),
    ]
    lines = [f"{name}: {value}" for name, value in facts if value]
    return [*lines, *signature.changes_after_signing, *signature.messages]


def _anchor(signature: SignatureVerdict) -> str | None:
    kind = signature.trust_anchor_kind
    return _named(signature.trust_anchor, _ANCHOR, kind) if kind else _TRUST.get(signature.trust)


def _named(name: str | None, words: dict[str, str], code: str) -> str | None:
    return f"{name} ({words[code]})" if name and code in words else name


def _period(signature: SignatureVerdict) -> str | None:
    start = vietnam_time(signature.certificate_valid_from)
    end = vietnam_time(signature.certificate_valid_to)
    return f"{start} – {end}" if start and end else None
