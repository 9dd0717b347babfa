"""What one extension leaves to be judged by: the proof it embedded, and the checks it passed.

Owns the checks in words, and whose certificates came with the time-stamps.
Everything listed as passed would have stopped the extension otherwise; a signature whose issuer
nobody can ask any more is a warning. Leaves keeping it, and who asked, to the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from signing.contract import ActCheck, CheckOutcome, ExtensionEvidence
from signing.evidence.eligibility import encoded
from signing.evidence.messages import read_message
from signing.preservation.gathering import Gathered


def extension_evidence(
    tokens: tuple[bytes, ...], data: Gathered | None, missing: tuple[str, ...], at: datetime
) -> ExtensionEvidence:
    """Gather what an extension leaves.

    Args:
        tokens: the new time-stamps, as the proof of the extended file has found them.
        data: what was embedded in its security store, if anything.
        missing: signature fields that nobody can answer for.
        at: when it was proved.
    """
    carried = [one for token in tokens for one in read_message(token).certificates]
    return ExtensionEvidence(
        certificates=tuple(encoded(c) for c in data.certificates) if data else (),
        authority_certificates=tuple(dict.fromkeys(carried)),
        ocsps=tuple(data.ocsps) if data else (),
        crls=tuple(data.crls) if data else (),
        timestamps=tokens,
        checks=tuple(_checks(tokens, data, missing, at)),
    )


def _checks(
    tokens: tuple[bytes, ...], data: Gathered | None, missing: tuple[str, ...], at: datetime
) -> Iterator[ActCheck]:
    passed, warned = CheckOutcome.PASSED, CheckOutcome.WARNED
    if data is not None:
        sources = f"{len(data.ocsps)} câu trả lời OCSP, {len(data.crls)} CRL"
        detail = f"Đã kèm tình trạng thu hồi do nơi cấp chứng thư ký xác nhận: {sources}."
        yield ActCheck("revocation", passed, at, detail)
    for name in missing:
        detail = f"Không còn ai trả lời về chứng thư của chữ ký “{name}”."
        yield ActCheck("revocation", warned, at, detail)
    if tokens:
        detail = (
            f"{len(tokens)} dấu thời gian mới khớp với tệp, đúng chuỗi tin cậy và bao trùm toàn bộ"
            " tệp trước đó."
        )
        yield ActCheck("archive_timestamp", passed, at, detail)
    detail = "Mọi byte đã có được giữ nguyên; phần ghi thêm qua bước tự kiểm tra độc lập."
    yield ActCheck("self_check", passed, at, detail)
