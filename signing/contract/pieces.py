"""A signed file taken apart: what other programs need to check each signature by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class SignaturePiece:
    """One signature or archive time-stamp, as it stands in the file.

    ``spans`` are the signed bytes, (offset, length) each; ``digest`` is their hash in hexadecimal
    by ``digest_algorithm`` (a name such as ``sha256``). ``cms`` is the DER of a signature's CMS or
    of an archive's time-stamp token, without padding; ``value`` the raw signature in it, which the
    tokens in ``timestamps`` are over. ``detached`` is false for the old form that signs a hash
    inside the CMS. ``claimed_time`` is the signer's own word; of an archive, the authority's.
    ``proven_time`` is of its own time-stamp, else of the document's first one after it.
    """

    field_name: str
    is_archive: bool
    spans: tuple[tuple[int, int], ...]
    digest_algorithm: str
    digest: str
    cms: bytes = field(repr=False)
    value: bytes = field(repr=False)
    timestamps: tuple[bytes, ...] = field(default=(), repr=False)
    claimed_time: datetime | None = None
    proven_time: datetime | None = None
    detached: bool = True


@dataclass(frozen=True, slots=True)
class SignedPieces:
    """A file's signatures in the order of their bytes, and all its certificates and answers (DER).

    ``unreadable`` are the names of signatures that are none.
    """

    signatures: tuple[SignaturePiece, ...] = ()
    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    unreadable: tuple[str, ...] = ()


@runtime_checkable
class TakingApart(Protocol):
    """Gives what other programs check; believes nothing of it."""

    async def take_apart(self, pdf: bytes) -> SignedPieces:
        """The pieces of a file of any origin; never raises for bad input."""
        ...

    async def take_apart_file(self, path: Path) -> SignedPieces:
        """The same of a file on this machine, which is mapped and not read whole."""
        ...
