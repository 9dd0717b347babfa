"""``HUONG-DAN.txt`` in an evidence bundle: how to check it with openssl and nothing of ours.

Owns the words and the commands, which name the files of the same ZIP as they lie there. Each
command is one indented line for a POSIX shell, begun in the unpacked folder, and ends with status 0
only when what it checks holds. Leaves the files to ``pieces``. Follows openssl 3.0: cms(1), ts(1),
ocsp(1), crl(1), x509(1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from gateway.documents.evidence.pieces import (
    BETWEEN,
    ROOTS,
    Answer,
    Chain,
    signature_stem,
    token_name,
)
from gateway.foundation.clock import iso
from signing.contract import SignaturePiece

NAME = "HUONG-DAN.txt"
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Guided:
    """What the text speaks of; ``revisions`` are (number, SHA-256, size) of prefixes, ascending."""

    document: str  # its file
    included: bool
    revisions: Sequence[tuple[int, str, int]]
    signatures: Sequence[SignaturePiece]
    unreadable: Sequence[str]
    chain: Chain
    ocsps: Sequence[Answer]
    crls: Sequence[Answer]


def write_guide(guided: Guided) -> bytes:
    """The text, UTF-8."""
    parts = [_opening(), _document(guided)]
    if guided.signatures:
        parts.append(_chain(guided))
        parts += [_signature(guided, n, one) for n, one in enumerate(guided.signatures, 1)]
        parts.append(_answers(guided))
    else:
        parts.append(["Tệp này không có chữ ký số nào đọc được."])
    if guided.unreadable:
        names = ", ".join(_plain(name) for name in guided.unreadable)
        parts.append([f"Không tách được các chữ ký: {names}; xem report.pdf."])
    return ("\n\n".join("\n".join(part) for part in parts) + "\n").encode()


def _opening() -> list[str]:
    return [
        "HƯỚNG DẪN TỰ KIỂM TRA BẰNG CHỨNG KÝ SỐ",
        "",
        "Giải nén tệp ZIP, mở cửa sổ dòng lệnh trong thư mục vừa giải nén (trên Windows: Git Bash)",
        "và chạy lần lượt các dòng thụt vào dưới đây, từ trên xuống. Cần openssl 3.0 trở lên.",
        "Dòng lệnh nào báo lỗi (hoặc mã kết thúc khác 0) là phần đó KHÔNG khớp.",
        "report.pdf nói những gì đã ghi nhận; manifest.json liệt kê mọi tệp; records.json nói cách",
        "kiểm tra chuỗi bản ghi.",
    ]


def _document(guided: Guided) -> list[str]:
    if not guided.revisions:
        return ["1. TỆP VĂN BẢN", "", "Không có phiên bản nào."]
    number, digest, _ = guided.revisions[-1]
    lines = ["1. TỆP VĂN BẢN", ""]
    if not guided.included:
        lines += [
            "Tệp quá lớn nên không nằm trong ZIP. Hãy lấy từ hệ thống (GET",
            f"/v1/documents/…/content) và đặt vào {guided.document} trước khi làm tiếp.",
            "",
        ]
    lines += [
        f"Phiên bản {number} phải có đúng giá trị băm SHA-256 đã ghi:",
        "",
        _same(f"openssl dgst -sha256 -r {guided.document}", digest, "văn bản"),
    ]
    earlier = guided.revisions[:-1]
    if earlier:
        lines += ["", "Mỗi phiên bản trước là phần đầu của tệp này:", ""]
    for older, its_digest, size in earlier:
        cut = f"head -c {size} {guided.document} | openssl dgst -sha256 -r"
        lines.append(_same(cut, its_digest, f"phiên bản {older}"))
    return lines


def _chain(guided: Guided) -> list[str]:
    lines = [
        "2. CHỨNG THƯ SỐ",
        "",
        f"{ROOTS} là chứng thư gốc lấy từ chính hồ sơ này: trước khi tin, hãy so dấu vân tay",
        "SHA-256 của nó với bản do Ban Cơ yếu Chính phủ hoặc Trung tâm Chứng thực điện tử",
        "quốc gia công bố.",
    ]
    if not guided.chain.whole:
        lines += [
            "Hồ sơ không kèm chứng thư gốc: các lệnh dưới đây dừng ở chứng thư cao nhất có ở đây",
            "(-partial_chain).",
        ]
    anchors = [guided.chain.named(one) for one in guided.chain.anchors]
    lines += [
        "",
        "Các chứng thư trong tệp đó (tên mỗi tệp là SHA-256 của chứng thư):",
        "",
        *anchors,
    ]
    lines += ["", "Mọi chứng thư kèm theo:", ""]
    return [*lines, *(line for name in guided.chain.files for line in _show(name))]


def _show(name: str) -> Iterator[str]:
    yield _line(f"openssl x509 -in {name} -noout -subject -issuer -serial -dates")
    hashed = f"openssl x509 -in {name} -outform DER | openssl dgst -sha256 -r"
    yield _same(hashed, PurePosixPath(name).stem, "chứng thư")


def _signature(guided: Guided, position: int, one: SignaturePiece) -> list[str]:
    stem, what = (
        signature_stem(position),
        "DẤU THỜI GIAN CỦA CẢ TỆP" if one.is_archive else "CHỮ KÝ",
    )
    data = f"{stem}.data"
    lines = [
        f"3.{position}. {what} “{_plain(one.field_name)}”",
        "",
        *_times(one),
        f"Tách các byte đã ký ra khỏi văn bản, băm {one.digest_algorithm} và so:",
        "",
        _line(_cut(guided.document, one.spans, data)),
        _same(f"openssl dgst -{one.digest_algorithm} -r {data}", one.digest, "byte đã ký"),
        "",
    ]
    if one.is_archive:
        at = one.claimed_time
        return [*lines, "Dấu thời gian trên các byte đó:", "", _stamp(guided, one.cms, data, at)]
    if one.detached:
        lines += ["Chữ ký trên các byte đó, tại thời điểm được chứng minh (nếu có):", ""]
        lines.append(_line(_verify(guided, stem, one)))
    else:
        lines.append("Kiểu chữ ký cũ (ký giá trị băm bên trong CMS): dùng pdfsig để kiểm tra.")
    if one.timestamps:
        lines += ["", "Dấu thời gian trên giá trị chữ ký:", ""]
    elif (later := _next_archive(guided, position)) is not None:
        lines += ["", f"Chữ ký này không có dấu thời gian riêng: xem mục 3.{later}, dấu thời gian"]
        lines.append("của cả tệp, cấp sau và bao trùm chữ ký này.")
    tokens = one.timestamps
    return [*lines, *(_stamp(guided, t, f"{stem}.value", one.proven_time) for t in tokens)]


def _next_archive(guided: Guided, position: int) -> int | None:
    """The number of the first time-stamp of the document after a signature."""
    later = enumerate(guided.signatures[position:], position + 1)
    return next((number for number, one in later if one.is_archive), None)


def _times(one: SignaturePiece) -> Iterator[str]:
    if one.claimed_time is not None and not one.is_archive:
        yield f"Thời điểm người ký tự khai: {iso(one.claimed_time)}."
    if one.proven_time is not None:
        yield f"Thời điểm do dấu thời gian chứng minh: {iso(one.proven_time)}."


def _cut(document: str, spans: Iterable[tuple[int, int]], into: str) -> str:
    cuts = "; ".join(f"tail -c +{start + 1} {document} | head -c {n}" for start, n in spans)
    return f"({cuts}) > {into}"


def _verify(guided: Guided, stem: str, one: SignaturePiece) -> str:
    return (
        f"openssl cms -verify -binary -inform DER -in {stem}.p7s -content {stem}.data"
        f" {_trust(guided.chain, '-certfile', one.proven_time or one.claimed_time)}"
        " -purpose any -out /dev/null"
    )


def _stamp(guided: Guided, token: bytes, data: str, at: datetime | None) -> str:
    return _line(
        f"openssl ts -verify -token_in -in {token_name(token)} -data {data}"
        f" {_trust(guided.chain, '-untrusted', at)}"
    )


def _answers(guided: Guided) -> list[str]:
    # grep counts instead of being quiet: it would end before the rest has been shown.
    lines = [
        "4. TRẠNG THÁI THU HỒI",
        "",
        "Câu trả lời OCSP: cần thấy “good” cho từng chứng thư. “Status times invalid” nghĩa là câu",
        "trả lời đã cũ so với hôm nay; nó vẫn nói đúng về thời điểm nó được lập.",
        "",
    ]
    lines += [
        _line(
            f"openssl ocsp -respin {one.name} -issuer {one.issuer} -cert {one.about} -no_nonce"
            f" {_trust(guided.chain, '-verify_other', one.made_at)} 2>&1"
            f" | tee /dev/stderr | grep -c 'Response verify OK'"
        )
        for one in guided.ocsps
    ]
    lines += ["", "Danh sách thu hồi (CRL) và chữ ký của nơi cấp trên đó:", ""]
    lines += [
        _line(
            f"openssl crl -inform DER -in {one.name} -CAfile {one.issuer} -noout -issuer"
            " -lastupdate -nextupdate 2>&1 | tee /dev/stderr | grep -c 'verify OK'"
        )
        for one in guided.crls
    ]
    return lines


def _trust(chain: Chain, between: str, at: datetime | None) -> str:
    """Whom to trust, and as of which moment: certificates end, proof stays."""
    words = [f"-CAfile {ROOTS} {between} {BETWEEN}"]
    if not chain.whole:
        words.append("-partial_chain")
    if at is not None:
        words.append(f"-attime {int(at.timestamp())}")
    return " ".join(words)


def _same(command: str, digest: str, what: str) -> str:
    """A line that fails when the hash is another."""
    return _line(f'test "$({command} | cut -d" " -f1)" = {digest} && echo "{what}: khớp"')


def _line(command: str) -> str:
    return f"{_INDENT}{command}"


def _plain(name: str) -> str:
    """A name out of a stranger's file on one line, so that it cannot pose as a command."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:100]
