"""Keeping a stored file provable: in memory when it is small, else from file to file.

Owns the way from the file store to the signing service and back, and the refusal of a renewal that
gains nothing, which leaves nothing in the store. Leaves rows, queues and events to those who keep
files: documents here, certified copies in certification.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.documents.evidence.extensions import keep_extension
from gateway.documents.evidence.log import KeptFile
from gateway.documents.preservation.preserving import PreservingSignatures
from gateway.documents.preservation.rules import NO_GAIN
from gateway.foundation.files import FileDamaged, FileStore
from signing.contract import (
    Extended,
    Inspection,
    LargeFiles,
    Level,
    Provability,
    SigningError,
    SigningUnavailable,
)


class ExtendingSignatures(PreservingSignatures, LargeFiles, Protocol):
    """Keeps what is signed provable, in memory and where it lies."""


@dataclass(frozen=True, slots=True)
class StoredExtension:
    """A longer file in the store, with everything that its row needs."""

    extended: Extended
    digest: str
    look: Inspection
    kept: tuple[KeptFile, ...]


async def extend_stored(
    files: FileStore,
    signatures: ExtendingSignatures,
    sha256: str,
    level: Level,
    later_than: datetime | None = None,
) -> StoredExtension:
    """Append proof to a stored file and store the result beside it.

    ``later_than``: refuse what proves nothing for longer than until then.

    Raises:
        SigningError: the signing service's refusal, or ``renewal_no_gain``.
        FileMissing, FileDamaged: the file store's.
    """
    pdf = await files.get_small(sha256)
    if pdf is None:
        extended, look = await _extend_large(files, signatures, sha256, level, later_than)
    else:
        extended = await signatures.extend(pdf, level)
        if not extended.pdf.startswith(pdf):
            raise SigningError(
                "not_incremental", "Kết quả không giữ nguyên văn bản.", "input bytes changed"
            )
        _check_gain(extended, later_than)
        await files.put(extended.pdf)
        look = await signatures.inspect(extended.pdf)
    kept = await keep_extension(files, extended)
    return StoredExtension(extended, extended.sha256, look, kept)


async def _extend_large(
    files: FileStore,
    signatures: ExtendingSignatures,
    sha256: str,
    level: Level,
    later_than: datetime | None,
) -> tuple[Extended, Inspection]:
    async with files.local(sha256) as source, files.spool() as spool:
        target = await spool.new()
        extended = await signatures.extend_file(source, target, level)
        _check_gain(extended, later_than)
        look = await signatures.inspect_file(target)
        if look.sha256 not in ("", extended.sha256):  # empty: beyond the size that is read at all
            raise FileDamaged(extended.sha256)
        if extended.sha256 != sha256:
            await files.keep(target, extended.sha256)
    return extended, look


def _check_gain(extended: Extended, later_than: datetime | None) -> None:
    until = extended.provability.until
    if later_than is not None and (until is None or until <= later_than):
        raise SigningUnavailable(
            NO_GAIN,
            "Gia hạn lúc này không kéo dài thời hạn chứng minh: chứng thư của dịch vụ cấp dấu thời"
            " gian, hoặc thuật toán, cũng hết hạn vào lúc đó.",
            "a new archive time-stamp would end as soon as the one that is there",
        )


async def provability_of_stored(
    files: FileStore, signatures: ExtendingSignatures, sha256: str
) -> Provability:
    """Until when a stored file is provable.

    Raises:
        SigningError: nobody could say.
        FileMissing, FileDamaged: the file store's.
    """
    pdf = await files.get_small(sha256)
    if pdf is not None:
        return await signatures.provability(pdf)
    async with files.local(sha256) as path:
        return await signatures.provability_file(path)
