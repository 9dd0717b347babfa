"""The records of the evidence log as the report tells them: acts, extensions, refusals.

Owns the words for each kind of record; what kind is unknown is told by its name. Leaves headings
around them to ``report``, looks to ``paper``. Identity numbers are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gateway.documents.evidence.certificates import masked
from gateway.documents.evidence.chain import files_of
from gateway.documents.evidence.paper import Paper
from gateway.foundation.clock import in_vietnam

_ROLES = {
    "initial": "Ký nháy",
    "person": "Người có thẩm quyền ký",
    "agency": "Văn thư đóng dấu cơ quan",
    "copy": "Ký bản sao",
    "annex": "Ký phụ lục",
    "certifier": "Người chứng thực ký",
}
_CHANNELS = {"api": "giao diện lập trình (API)", "console": "trang làm việc", "batch": "ký theo lô"}
_OUTCOMES = {"passed": "Đạt", "warned": "CẢNH BÁO", "failed": "KHÔNG ĐẠT"}

_SOURCES = {
    "signature_timestamp": ", dấu thời gian riêng của chữ ký",
    "document_timestamp": ", dấu thời gian chung của cả tệp",
}
_FINDINGS = {
    "not_there": "ứng dụng ký số không có yêu cầu này",
    "signed_but_lost": "đã ký trên ứng dụng, chữ ký không về",
}
_ASKED = {
    "queue": "hàng đợi của hệ thống",
    "request": "yêu cầu của phía gọi",
    "command": "lệnh của người vận hành",
}


def write_record(paper: Paper, position: int, content: Any) -> None:
    """One record: its heading, its facts, its checks."""
    paper.heading(f"3.{position}. {_heading(position, content)}")
    facts = {
        "extension": _extended,
        "refusal": _refused,
        "decision": _decided,
    }.get(content["kind"], _confirmed)
    paper.facts(facts(content))
    checks = content.get("checks", [])
    if checks:
        paper.table(
            ["Bước kiểm tra", "Kết quả", "Lúc"],
            [
                (masked(c["detail"]), _OUTCOMES.get(c["outcome"], c["outcome"]), stored(c["at"]))
                for c in checks
            ],
            [100, 20, 45],
        )


def _heading(position: int, content: Any) -> str:
    step = content.get("step", {})
    role = _ROLES.get(step.get("role", ""), content["kind"])
    if content["kind"] == "extension":
        return f"Bổ sung bằng chứng (bản ghi {position})"
    if content["kind"] == "refusal":
        return f"Lần ký bị từ chối (bản ghi {position})"
    if content["kind"] == "decision":
        return f"Người ký xác định kết quả gửi ký (bản ghi {position})"
    return f"Lần ký {position}: {role}"


def _extended(content: Any) -> Iterable[tuple[str, str | None]]:
    asked, step = content.get("asked", {}), content.get("extension", {})
    key = f", khóa truy cập {asked['principal']}" if asked.get("principal") else ""
    yield "Bổ sung theo", _ASKED.get(asked.get("by", ""), asked.get("by", "")) + key
    yield "Người yêu cầu", asked.get("official")
    yield "Lý do", asked.get("reason")
    yield "Phiên bản", f"{step.get('from_revision')} → {step.get('to_revision')}"
    yield "Mức chữ ký", f"{step.get('from_level') or '–'} → {step.get('level')}"
    yield "Mức được yêu cầu", step.get("wanted")
    yield "SHA-256 trước khi bổ sung", step.get("input_sha256")
    yield "SHA-256 sau khi bổ sung", step.get("result_sha256")
    yield "Lúc bổ sung", stored(step.get("extended_at"))
    yield "Chứng minh được đến", stored(step.get("provable_until"))
    yield "Còn thiếu", ", ".join(filter(None, (step.get("shortfall"), *step.get("missing", []))))
    yield "Trường dấu thời gian", ", ".join(step.get("fields", []))
    yield "Bằng chứng kèm theo", _enclosed(content)


def _refused(content: Any) -> Iterable[tuple[str, str | None]]:
    tried, refused = content.get("attempt", {}), content.get("refused", {})
    channel = tried.get("channel") or ""
    key = f", khóa truy cập {tried['principal']}" if tried.get("principal") else ""
    yield "Người định ký", tried.get("official") or "–"
    yield "Vai trò", _ROLES.get(tried.get("role") or "", tried.get("role"))
    yield "Cách xác nhận", _CHANNELS.get(channel, channel) + key
    yield "Khóa ký", tried.get("credential")
    yield "SHA-256 văn bản", tried.get("input_sha256")
    yield "SHA-256 đã được xem", tried.get("shown_sha256")
    yield "Lúc từ chối", stored(tried.get("tried_at"))
    yield "Lý do từ chối", masked(refused.get("detail") or "")
    yield "Mã lý do", refused.get("code")


def _decided(content: Any) -> Iterable[tuple[str, str | None]]:
    by, sending = content.get("decision", {}), content.get("sending", {})
    key = f", khóa truy cập {by['principal']}" if by.get("principal") else ""
    yield "Người xác định", (by.get("official") or "–") + key
    yield "Kết quả", _FINDINGS.get(by.get("finding", ""), by.get("finding"))
    yield "Ghi chú", masked(by.get("note") or "")
    yield "Lúc xác định", stored(by.get("decided_at"))
    yield "Nơi giữ khóa, khóa ký", f"{sending.get('provider')}, {sending.get('credential')}"
    yield "Mã lần gửi", sending.get("reference")
    yield "Lúc gửi", stored(sending.get("sent_at"))
    yield "SHA-256 văn bản", sending.get("input_sha256")


def _confirmed(content: Any) -> Iterable[tuple[str, str | None]]:
    step, by = content.get("step", {}), content.get("confirmation", {})
    signature = content.get("signature", {})
    channel = by.get("channel", "")
    yield "Người xác nhận", by.get("official") or "–"
    yield "Ký với tư cách", " ".join(filter(None, (step.get("capacity"), step.get("title"))))
    yield "Cơ quan", step.get("agency_code")
    yield "Căn cứ thẩm quyền", _authority(content.get("authority"))
    key = f", khóa truy cập {by['principal']}" if by.get("principal") else ""
    yield "Cách xác nhận", _CHANNELS.get(channel, channel) + key
    yield "Khóa ký", by.get("credential")
    yield "Lúc xác nhận", stored(by.get("confirmed_at"))
    yield "SHA-256 đã được xem", by.get("shown_sha256") or "phía gọi không nêu"
    yield "SHA-256 trước khi ký", by.get("input_sha256")
    yield "SHA-256 sau khi ký", signature.get("result_sha256")
    yield "Lúc ký", stored(signature.get("signed_at"))
    proven = stored(signature.get("proven_time")) or "không có dấu thời gian"
    yield "Được chứng minh có trước", proven + by_which(signature.get("time_source"))
    yield (
        "Mức, thuật toán",
        ", ".join(filter(None, (signature.get("level"), signature.get("algorithm")))),
    )
    yield "Trường chữ ký", ", ".join(signature.get("fields", []))
    yield "SHA-256 chứng thư", signature.get("certificate_sha256")
    yield "Bằng chứng kèm theo", _enclosed(content)


def _enclosed(content: Any) -> str:
    counts = Counter(what for what, _ in files_of(content))
    words = {"ocsp": "câu trả lời OCSP", "crl": "CRL", "timestamp": "dấu thời gian"}
    return ", ".join(f"{counts[what]} {word}" for what, word in words.items())


def _authority(mandate: Any) -> str:
    if mandate is None:
        return "theo cấu hình của hệ thống (sổ thẩm quyền không có dòng nào cho cơ quan này)"
    granted = f", do {mandate['granted_by']} ủy quyền" if mandate.get("granted_by") else ""
    return (
        f"{mandate['decision_number']} ngày {_day(mandate['decision_date'])}{granted}"
        f" (dòng {mandate['id']})"
    )


# ------------------------------------------------------------------ moments


def when(moment: datetime | None) -> str:
    """``02.11.2026 09:00:00 +07:00``, as officials read it; empty for none."""
    return f"{in_vietnam(moment):%d.%m.%Y %H:%M:%S} +07:00" if moment is not None else ""


def stored(text: str | None) -> str:
    """A moment as records write it, for officials."""
    return when(datetime.fromisoformat(text)) if text else ""


def by_which(time_source: str | None) -> str:
    """By whose time-stamp a time is proven, behind that time; empty where nobody noted it."""
    return _SOURCES.get(time_source or "", "")


def _day(text: str) -> str:
    return ".".join(reversed(text.split("-")))
