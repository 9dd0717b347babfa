"""What a parser's error means, in Vietnamese: people read why a file cannot be read.

Owns one table from what libraries say to what people are told. A library's own words, class names
and addresses go to the log and nowhere else: they change with every release and say nothing to a
reader.
"""

from __future__ import annotations

import logging
import re
from typing import Final

log = logging.getLogger(__name__)

# What a message holds → what is told; the first that fits counts.
_TOLD: Final[tuple[tuple[str, str], ...]] = (
    (r"/Prev", "mối nối tới lần cập nhật trước (/Prev) sai"),
    (r"loop", "các lần cập nhật nối vòng tròn"),
    (r"find xref|locate xref|startxref", "không tìm thấy bảng tham chiếu (xref)"),
    (r"[Ee]ncrypt|security handler|[Cc]rypt ?[Ff]ilter|Key length", "phần khai báo mã hoá sai"),
    (
        r"[Xx][Rr]ef|free instruction|listed as dead|cross-reference|orphaned",
        "bảng tham chiếu (xref) sai chuẩn",
    ),
    (r"PDF header", "tiêu đề %PDF- sai chuẩn"),
    (r"EOF marker", "không có dấu kết thúc %%EOF"),
    (
        r"object header|object ID|does not match actual|not found in the current context",
        "đối tượng không nằm ở chỗ mà bảng tham chiếu ghi",
    ),
    (r"DecodeLimit|[Dd]ecode limit", "dữ liệu nén phình quá giới hạn an toàn"),
    (
        r"[Ss]tream filter|decompress|unfilterable|incorrect|[Ff]ilter|/Columns|/Predictor",
        "dữ liệu nén bị hỏng hoặc nén theo kiểu không hỗ trợ",
    ),
    (r"ended prematurely|endstream|endobj", "dữ liệu bị cắt cụt hoặc thiếu dấu kết thúc"),
    (r"[Pp]ages?\b|/Kids|/Count", "cây trang bị hỏng"),
    (r"/Root", "không có danh mục gốc (/Root)"),
    (r"/Size", "phần cuối tệp (trailer) thiếu /Size"),
    (r"password", "tệp đặt mật khẩu"),
)
_PATTERNS: Final = tuple((re.compile(pattern), told) for pattern, told in _TOLD)
_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (MemoryError, "cần quá nhiều bộ nhớ"),
    (RecursionError, "các đối tượng lồng nhau quá sâu"),
    (NotImplementedError, "tệp dùng tính năng không hỗ trợ"),
    (OSError, "không đọc được tệp"),
)
_OTHERWISE: Final = "cú pháp hoặc kiểu dữ liệu của đối tượng bị sai"


def explain(error: BaseException) -> str:
    """A phrase in Vietnamese about an error of a library; its own words go to the log."""
    said = f"{type(error).__name__}: {error}"
    log.info("a file was not read as it should be: %s", said[:200])
    for pattern, told in _PATTERNS:
        if pattern.search(said):
            return told
    return next((told for kind, told in _KINDS if isinstance(error, kind)), _OTHERWISE)
