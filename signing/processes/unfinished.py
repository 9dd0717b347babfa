"""What is said about a file whose reading broke a limit and was ended.

Owns the codes and Vietnamese sentences for reading that took too long or died; plain values, so
that the process that ends a reader needs no PDF library to say so.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from signing.contract import Finding, Inspection, Severity, Validation, undecided_file

UNFINISHED: Final = {
    "inspection_timeout": "Kiểm tra tệp quá thời gian cho phép; không thể ký an toàn.",
    "inspection_crashed": "Tiến trình kiểm tra dừng đột ngột khi đọc tệp; không thể ký an toàn.",
    "inspection_memory": "Kiểm tra tệp cần quá nhiều bộ nhớ; không thể ký an toàn.",
}
_REASONS: Final = {"signer_timeout": "inspection_timeout", "signer_died": "inspection_crashed"}


def is_unfinished(code: str) -> bool:
    """Whether a pool's refusal says that a child broke off in the middle of a file."""
    return code in _REASONS


def unfinished_inspection(pdf: bytes, code: str) -> Inspection:
    """The inspection of a file that a reader did not come to the end of: blocked."""
    reason = _REASONS[code]
    found = Finding(reason, Severity.BLOCK, "tệp", UNFINISHED[reason])
    return Inspection(hashlib.sha256(pdf).hexdigest(), len(pdf), 0, "", (found,), ())


def unfinished_file_inspection(path: Path, code: str) -> Inspection:
    """The same of a file on the disk, which is hashed where it lies."""
    with _mapped(path) as data:
        return unfinished_inspection(data, code)


def unfinished_validation(pdf: bytes, code: str, now: datetime) -> Validation:
    """The answer about a file that a reader did not come to the end of: nothing is known."""
    reason, summary = {
        "signer_timeout": (
            "time_limit",
            "Hết thời gian cho phép; chưa kiểm tra xong chữ ký của tệp này.",
        ),
        "signer_died": (
            "checker_lost",
            "Tiến trình kiểm tra bị dừng đột ngột khi đọc tệp này; chưa kết luận được.",
        ),
    }[code]
    return undecided_file(pdf, reason, summary, now)


def unfinished_file_validation(path: Path, code: str, now: datetime) -> Validation:
    """The same of a file on the disk, which is hashed where it lies."""
    with _mapped(path) as data:
        return unfinished_validation(data, code, now)


@contextmanager
def _mapped(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield cast("bytes", data)
