"""Keeping a stored file provable: in memory when it is small, else from file to file.

Owns the way from the file store to the signing service and back, and the refusal of a renewal that
gains nothing, which leaves nothing in the store. Leaves rows, records and events to whoever keeps
the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.foundation.files import FileDamaged, FileStore
from gateway.preservation.doubts import Void
from gateway.preservation.kept import Proof
from gateway.preservation.policy import NO_GAIN
from gateway.preservation.rules import is_gain
from signing.contract import (
    Extended,
    Inspection,
    LargeFiles,
    Level,
    Preserving,
    Provability,
    Signatures,
    SigningError,
    SigningUnavailable,
)


class ExtendingSignatures(Signatures, Preserving, LargeFiles, Protocol):
    """Keeps what is signed provable, in memory and where it lies."""


@dataclass(frozen=True, slots=True)
class StoredExtension:
    """A longer file in the store; no row speaks of it yet."""

    extended: Extended
    digest: str
    look: Inspection


async def extend_stored(
    files: FileStore,
    signatures: ExtendingSignatures,
    sha256: str,
    level: Level,
    *,
    void: Void,
    beyond: Proof | None = None,
) -> StoredExtension:
    """Append proof to a stored file and store the result beside it.

    ``void``: what its portal reckons without. ``beyond``: refuse what proves nothing for longer
    than that.

    Raises:
        SigningError: the signing service's refusal, or ``renewal_no_gain``.
        FileMissing, FileDamaged: the file store's.
    """
    pdf = await files.get_small(sha256)
    if pdf is None:
        extended, look = await _extend_large(files, signatures, sha256, (level, void), beyond)
    else:
        extended = await signatures.extend(pdf, level, void)
        if not extended.pdf.startswith(pdf):
            raise SigningError(
                "not_incremental", "Kết quả không giữ nguyên văn bản.", "input bytes changed"
            )
        _check_gain(extended, beyond)
        await files.put(extended.pdf)
        look = await signatures.inspect(extended.pdf)
    return StoredExtension(extended, extended.sha256, look)


async def _extend_large(
    files: FileStore,
    signatures: ExtendingSignatures,
    sha256: str,
    asked: tuple[Level, Void],
    beyond: Proof | None,
) -> tuple[Extended, Inspection]:
    async with files.local(sha256) as source, files.spool() as spool:
        target = await spool.new()
        extended = await signatures.extend_file(source, target, *asked)
        _check_gain(extended, beyond)
        look = await signatures.inspect_file(target)
        if look.sha256 not in ("", extended.sha256):  # empty: beyond the size that is read at all
            raise FileDamaged(extended.sha256)
        if extended.sha256 != sha256:
            await files.keep(target, extended.sha256)
    return extended, look


def _check_gain(extended: Extended, beyond: Proof | None) -> None:
    if beyond is not None and not is_gain(extended.provability, beyond):
        raise SigningUnavailable(
            NO_GAIN,
            "Gia hạn lúc này không kéo dài thời hạn chứng minh: chứng thư của dịch vụ cấp dấu thời"
            " gian, hoặc thuật toán, cũng hết hạn vào lúc đó.",
            "a new archive time-stamp would end as soon as the one that is there",
        )


async def provability_of_stored(
    files: FileStore, signatures: ExtendingSignatures, sha256: str, void: Void
) -> Provability:
    """Until when a stored file is provable, without the time-stamps that its portal doubts.

    Raises:
        SigningError: nobody could say.
        FileMissing, FileDamaged: the file store's.
    """
    pdf = await files.get_small(sha256)
    if pdf is not None:
        return await signatures.provability(pdf, void)
    async with files.local(sha256) as path:
        return await signatures.provability_file(path, void)
