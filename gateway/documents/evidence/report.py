"""The Vietnamese report in an evidence bundle: what an inspector reads first.

Owns the words and their order: the document, the verdict of our own validator as of the asking,
each record (``report_records``), the certificates, the chain of
records, and how to check all of it with ordinary tools. Identity numbers are masked.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.documents.evidence.bundle import Collected
from gateway.documents.evidence.certificates import (
    CertificateFacts,
    masked,
    read_certificate,
)
from gateway.documents.evidence.chain import files_of
from gateway.documents.evidence.paper import Paper
from gateway.documents.evidence.report_records import by_which, when, write_record
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


def draw_report(collected: Collected) -> bytes:
    """The report as a PDF."""
    made = f"{collected.day:%d.%m.%Y}"
    paper = Paper("Báo cáo bằng chứng ký số", f"Báo cáo bằng chứng ký số · lập ngày {made}")
    paper.title(
        "BÁO CÁO BẰNG CHỨNG KÝ SỐ",
        f"Lập ngày {made}, theo TT 15/2025/TT-BKHCN, Điều 5;"
        f" bằng chứng mới nhất có lúc {when(collected.as_of)}.",
    )
    _document(paper, collected)
    _verdict(paper, collected)
    for position, content in enumerate(collected.contents(), 1):
        write_record(paper, position, content)
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
    paper.heading("2. Kết luận của bộ kiểm tra chữ ký vào ngày lập báo cáo")
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
    yield "Thời điểm khai khi ký", when(signature.claimed_time)
    proven = when(signature.proven_time) or "không có"
    yield "Thời điểm được chứng minh", proven + by_which(signature.time_source)
    yield "Toàn vẹn", "nguyên vẹn" if signature.integrity else "KHÔNG nguyên vẹn"
    yield "Hiệu lực khi ký", _STATUSES.get(signature.certificate_status, "")
    yield "Thời hạn chứng thư", f"{when(start)} – {when(end)}" if start and end else None
    yield "Mức, thuật toán", f"{signature.level or 'dấu thời gian'}, {signature.algorithm}"
    yield "Ghi chú", masked(" ".join(signature.messages))


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
    yield "Thời hạn", f"{when(one.valid_from)} – {when(one.valid_to)}"
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
    "HUONG-DAN.txt trong cùng tệp ZIP ghi sẵn từng lệnh cho từng tệp, theo thứ tự.",
    "Tệp đã ký: sha256sum, so với mục 1; pdfsig hoặc bất kỳ phần mềm kiểm tra PAdES nào.",
    "Chứng thư số: openssl x509 -in certificates/….pem -noout -text.",
    "Câu trả lời OCSP: openssl ocsp -respin ocsp/….der -noverify -text.",
    "Danh sách thu hồi: openssl crl -inform DER -in crl/….crl -noout -text.",
    "Dấu thời gian: openssl ts -reply -token_in -in timestamps/….tst -text.",
    "Bản ghi: sha256sum records/….json, so với content_sha256 trong records.json.",
)
