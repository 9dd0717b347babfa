"""What an agency's act consists of, and how often the owner of its key is asked to confirm.

Pure. The clerk (văn thư) gives number, day, month and seal in one act, each a signature over the
one before (NĐ 30/2020/NĐ-CP, annex I). Where number and date are in the document already, the seal
alone is an act too. A provider that shows its user every digest asks once for each signature: the
next digest is not known before the last signature is in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.documents.rules import KeyUse, StepStatus

NUMBERED = ("number", "day", "month", "seal")
SEAL_ONLY = ("seal",)


def parts_of(role: str, asked: Sequence[str] | None, *, numbered: bool) -> tuple[str, ...] | None:
    """The signatures of a step's act; None for a role whose act is one signature.

    Args:
        role: of the step.
        asked: as the request says; None: all four where the request gives a number.
        numbered: whether the request gives number and date.

    Raises:
        ValueError: a Vietnamese sentence about what is wrong.
    """
    if role != "agency":
        if asked is not None:
            raise ValueError("Chỉ bước agency mới chọn được thành phần ký (parts).")
        return None
    parts = tuple(asked) if asked is not None else NUMBERED if numbered else SEAL_ONLY
    if parts not in (NUMBERED, SEAL_ONLY):
        raise ValueError("parts của bước agency là [number, day, month, seal] hoặc [seal].")
    if parts == NUMBERED and not numbered:
        raise ValueError("Ký số, ngày, tháng cần document_number.")
    return parts


def gives_number(step: Any) -> bool:
    """Whether a step's row is of an act that signs number and date where they are given."""
    return bool(step.role == "agency" and tuple(step.parts or NUMBERED) != SEAL_ONLY)


def confirmations_of(use: KeyUse, parts: Sequence[str] | None) -> int:
    """How often, at most, the key's owner is asked to confirm a step."""
    return use.confirmations(len(parts or SEAL_ONLY))


def warnings_before(confirmations: int, status: str) -> list[str]:
    """What an official should read before they begin a step that waits for them."""
    if confirmations < 2 or status != StepStatus.WAITING:
        return []
    sentence = (
        f"Dịch vụ giữ khóa này hỏi xác nhận riêng từng chữ ký: bước này cần {confirmations} lần xác"
        " nhận nối tiếp nhau (số, ngày, tháng, dấu). Nếu văn bản đã ghi sẵn số và ngày, hãy mở yêu"
        " cầu với parts = [seal] để chỉ cần một lần."
    )
    return [sentence]
