"""What is said about a file whose reading broke a limit and was ended.

Owns the codes and Vietnamese sentences for reading that took too long or died; plain values, so
that the process that ends a reader needs no PDF library to say so.
"""

from __future__ import annotations

import hashlib
from typing import Final

from signing.contract import Finding, Inspection, Severity, Validation, Verdict

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


def unfinished_validation(pdf: bytes, code: str) -> Validation:
    """The answer about a file that a reader did not come to the end of: nothing is known."""
    summary = {
        "signer_timeout": "Kiểm tra chữ ký quá thời gian cho phép nên chưa kết luận được.",
        "signer_died": "Tiến trình kiểm tra dừng đột ngột khi đọc tệp nên chưa kết luận được.",
    }[code]
    digest = hashlib.sha256(pdf).hexdigest()
    return Validation(Verdict.INDETERMINATE, summary, digest, len(pdf), ())
