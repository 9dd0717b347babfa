"""The Vietnamese report in an evidence bundle: what an inspector reads first.

Owns the words and their order: the document, the verdict of our own validator as of the asking,
each act (who confirmed what, by which authority, what was checked), the certificates, the chain of
records, and how to check all of it with ordinary tools. Identity numbers are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gateway.documents.evidence.bundle import Collected
from gateway.documents.evidence.certificates import (
    CertificateFacts,
    masked,
    read_certificate,
)
from gateway.documents.evidence.chain import files_of
from gateway.documents.evidence.paper import Paper
from gateway.foundation.clock import in_vietnam
from signing.contract import SignatureVerdict

_VERDICTS = {
    "valid": "HỢP LỆ",
    "invalid": "KHÔNG HỢP LỆ",
    "indeterminate": "CHƯA ĐỦ CĂN CỨ KẾT LUẬN",
}
_STATUSES = {
    "good": "có hiệu lực, chưa bị thu hồi",
    "revoked": "đã bị thu hồi",
    "expired": "đã hết hạn",
    "not_yet_valid": "chưa có hiệu lực",
    "unknown": "chưa xác định được",
    "untrusted": "không dẫn về chứng thư gốc tin cậy",
}
_ROLES = {
    "initial": "Ký nháy",
    "person": "Người có thẩm quyền ký",
    "agency": "Văn thư đóng dấu cơ quan",
    "copy": "Ký bản sao",
    "annex": "Ký phụ lục",
}
_CHANNELS = {"api": "giao diện lập trình (API)", "console": "trang làm việc", "batch": "ký theo lô"}
_OUTCOMES = {"passed": "Đạt", "warned": "CẢNH BÁO"}


def draw_report(collected: Collected) -> bytes:
    """The report as a PDF."""
    made = _when(collected.collected_at)
    paper = Paper("Báo cáo bằng chứng ký số", f"Báo cáo bằng chứng ký số · lập lúc {made}")
    paper.title("BÁO CÁO BẰNG CHỨNG KÝ SỐ", f"Lập lúc {made}, theo TT 15/2025/TT-BKHCN, Điều 5.")
    _document(paper, collected)
    _verdict(paper, collected)
    for position, content in enumerate(collected.contents(), 1):
        _act(paper, position, content)
    _certificates(paper, collected)
    _chain(paper, collected)
    _how_to_check(paper)
    return paper.print()


def _document(paper: Paper, collected: Collected) -> None:
    document = collected.document
    paper.heading("1. Văn bản")
    paper.facts(
        [
            ("Mã hồ sơ", document.reference),
            ("Loại văn bản", document.kind),
            ("Tên tệp", masked(document.name)),
            ("Mã văn bản", document.id),
            ("SHA-256 bản gốc", document.original_sha256),
            ("SHA-256 bản mới nhất", document.sha256),
            ("Kích thước, số trang", f"{document.size} byte, {document.pages} trang"),
            ("Số lần ghi thêm", str(document.revision)),
            ("Mức chữ ký", document.level or "chưa ký"),
        ]
    )


def _verdict(paper: Paper, collected: Collected) -> None:
    validation = collected.validation
    paper.heading("2. Kết luận của bộ kiểm tra chữ ký tại thời điểm lập báo cáo")
    paper.text(_VERDICTS[validation.verdict.value], bold=True)
    paper.text(masked(validation.summary))
    for message in validation.messages:
        paper.text(masked(message))
    for position, signature in enumerate(validation.signatures, 1):
        paper.heading(f"2.{position}. {signature.field_name}", small=True)
        paper.facts(_signature(signature))


def _signature(signature: SignatureVerdict) -> Iterable[tuple[str, str | None]]:
    """The fields of TT 15/2025, art. 6."""
    start, end = signature.certificate_valid_from, signature.certificate_valid_to
    yield "Kết luận", f"{_VERDICTS[signature.verdict.value]} ({signature.indication})"
    yield "Người ký", masked(signature.signer)
    yield "Đơn vị quản lý", masked(signature.managing_unit or "")
    yield "Nơi cấp chứng thư", masked(signature.issuer)
    yield "Thời điểm khai khi ký", _when(signature.claimed_time)
    yield "Thời điểm được chứng minh", _when(signature.proven_time) or "không có"
    yield "Toàn vẹn", "nguyên vẹn" if signature.integrity else "KHÔNG nguyên vẹn"
    yield "Hiệu lực khi ký", _STATUSES.get(signature.certificate_status, "")
    yield "Thời hạn chứng thư", f"{_when(start)} – {_when(end)}" if start and end else None
    yield "Mức, thuật toán", f"{signature.level or 'dấu thời gian'}, {signature.algorithm}"
    yield "Ghi chú", masked(" ".join(signature.messages))


# ------------------------------------------------------------------ acts


def _act(paper: Paper, position: int, content: Any) -> None:
    step = content.get("step", {})
    role = _ROLES.get(step.get("role", ""), content["kind"])
    paper.heading(f"3.{position}. Lần ký {position}: {role}")
    paper.facts(_confirmed(content))
    checks = content.get("checks", [])
    if checks:
        paper.table(
            ["Bước kiểm tra", "Kết quả", "Lúc"],
            [
                (masked(c["detail"]), _OUTCOMES.get(c["outcome"], c["outcome"]), _stored(c["at"]))
                for c in checks
            ],
            [100, 20, 45],
        )


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
    yield "Lúc xác nhận", _stored(by.get("confirmed_at"))
    yield "SHA-256 đã được xem", by.get("shown_sha256") or "phía gọi không nêu"
    yield "SHA-256 trước khi ký", by.get("input_sha256")
    yield "SHA-256 sau khi ký", signature.get("result_sha256")
    yield "Lúc ký", _stored(signature.get("signed_at"))
    yield (
        "Được chứng minh có trước",
        _stored(signature.get("proven_time")) or "không có dấu thời gian",
    )
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


# ------------------------------------------------------------------ certificates and chain


def _certificates(paper: Paper, collected: Collected) -> None:
    paper.heading("4. Chứng thư số kèm theo")
    seen = {
        digest
        for content in collected.contents()
        for what, digest in files_of(content)
        if what.endswith("certificate")
    }
    facts = [read_certificate(collected.raw[d]) for d in sorted(seen) if d in collected.raw]
    known = sorted((f for f in facts if f is not None), key=lambda f: f.subject)
    for position, one in enumerate(known, 1):
        paper.heading(f"4.{position}. {one.subject}", small=True)
        paper.facts(_certificate(one))
    if not facts:
        paper.text("Không có bản ghi nào kèm chứng thư số.")


def _certificate(one: CertificateFacts) -> Iterable[tuple[str, str]]:
    yield "Nơi cấp", one.issuer
    yield "Số sê-ri", one.serial
    yield "Thời hạn", f"{_when(one.valid_from)} – {_when(one.valid_to)}"
    yield "SHA-256", one.sha256


def _chain(paper: Paper, collected: Collected) -> None:
    chain = collected.chain
    paper.heading("5. Chuỗi bản ghi")
    if not collected.records:
        paper.text("Văn bản này không có bản ghi nào trong nhật ký bằng chứng.")
        return
    paper.text(
        "Mỗi bản ghi giữ SHA-256 của bản ghi đứng trước, nên sửa hay bỏ một bản ghi làm đứt chuỗi."
        " Nội dung từng bản ghi và các mắt xích nằm trong records.json."
    )
    paper.table(
        ["Số", "SHA-256 của bản ghi", "Nối với"],
        [(str(r.number), r.sha256, f"{r.previous_sha256[:16]}…") for r in collected.records],
        [14, 112, 44],
    )
    ending = f"số {chain.head_number}, SHA-256 {chain.head_sha256}"
    paper.facts([("Đầu chuỗi khi lập", ending)])
    if not chain.complete:
        paper.text("Chuỗi quá dài: tệp chỉ kèm mắt xích của văn bản này.")


def _how_to_check(paper: Paper) -> None:
    paper.heading("6. Cách tự kiểm tra bằng công cụ thông dụng")
    for line in _COMMANDS:
        paper.text(line)


_COMMANDS = (
    "Tệp đã ký: sha256sum, so với mục 1; pdfsig hoặc bất kỳ phần mềm kiểm tra PAdES nào.",
    "Chứng thư số: openssl x509 -in certificates/….pem -noout -text.",
    "Câu trả lời OCSP: openssl ocsp -respin ocsp/….der -noverify -text.",
    "Danh sách thu hồi: openssl crl -inform DER -in crl/….crl -noout -text.",
    "Dấu thời gian: openssl ts -reply -token_in -in timestamps/….tst -text.",
    "Bản ghi: sha256sum records/….json, so với content_sha256 trong records.json.",
)


# ------------------------------------------------------------------ moments


def _when(moment: datetime | None) -> str:
    """``02.11.2026 09:00:00 +07:00``, as officials read it; empty for none."""
    return f"{in_vietnam(moment):%d.%m.%Y %H:%M:%S} +07:00" if moment is not None else ""


def _stored(text: str | None) -> str:
    return _when(datetime.fromisoformat(text)) if text else ""


def _day(text: str) -> str:
    return ".".join(reversed(text.split("-")))
