"""Keeping signatures provable: raising levels later, renewing archive time-stamps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from signing.contract.act_evidence import ActCheck
from signing.contract.orders import Level


@dataclass(frozen=True, slots=True)
class Provability:
    """Until when a file's signatures can be proven with what the file carries.

    ``until`` is None when nothing in it can be proven at all (no signature, or a broken one);
    ``reason`` is what ends it: ``unsigned``, ``broken_signature``, ``signer_certificate``,
    ``timestamp_certificate``, ``algorithm``, ``timestamp_revoked``: only a time-stamp of
    ``VoidStamps`` would carry it further.
    """

    until: datetime | None
    reason: str
    detail: str  # Vietnamese, one sentence
    level: Level | None  # the lowest among the signatures, by structure; None: no signature


@dataclass(frozen=True, slots=True)
class VoidStamps:
    """Time-stamps that prove nothing any more: their authority's certificate was revoked.

    ``since`` is None where none of them can be believed, else the ones from then on cannot.
    """

    certificate_sha256: str  # the authority's, hex
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ExtensionEvidence:
    """What one extension used, as it was received, and what was looked at (TT 15/2025, art. 5).

    ``certificates``, ``ocsps`` and ``crls`` are those that were embedded (DER); nothing of what
    was asked for and left out.
    """

    certificates: tuple[bytes, ...]
    authority_certificates: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    timestamps: tuple[bytes, ...]
    checks: tuple[ActCheck, ...]


@dataclass(frozen=True, slots=True)
class ExtendedPdf:
    """The file with more proof: the input's bytes come first, unchanged.

    ``level`` is the lowest level among the signatures afterwards; below what was asked for,
    ``shortfall`` says why (a ``SigningUnavailable`` code, or ``validation_data_missing`` when
    nobody can be asked any more). ``missing`` names the signature fields concerned.
    """

    pdf: bytes
    sha256: str
    level: Level
    timestamp_fields: tuple[str, ...]  # the document time-stamps that were added
    extended_at: datetime
    provability: Provability
    shortfall: str = ""
    missing: tuple[str, ...] = ()
    evidence: ExtensionEvidence | None = None

    @property
    def size(self) -> int:
        """Of the whole new file, in bytes."""
        return len(self.pdf)


@dataclass(frozen=True, slots=True)
class ExtendedFile:
    """An extended file on disk; otherwise as ``ExtendedPdf``."""

    size: int  # of the whole new file, in bytes; the source's when nothing was added
    sha256: str
    level: Level
    timestamp_fields: tuple[str, ...]
    extended_at: datetime
    provability: Provability
    shortfall: str = ""
    missing: tuple[str, ...] = ()
    evidence: ExtensionEvidence | None = None


Extended = ExtendedPdf | ExtendedFile  # the outcome, in memory or on disk


@runtime_checkable
class Preserving(Protocol):
    """The half of the signing service that needs no key."""

    async def extend(
        self, pdf: bytes, level: Level, void: tuple[VoidStamps, ...] = ()
    ) -> ExtendedPdf:
        """Append proof until the level is reached, or as much as can be had now.

        At B-LTA a new archive time-stamp is always added, so asking again renews it. A B-B
        signature gets a document time-stamp instead of a signature time-stamp: its own bytes
        can no longer be changed. ``void``: time-stamps that the reckoning of the result leaves
        out; they belong to the question, so that callers who trust differently can share a service.

        Raises:
            DocumentRefused: ``not_a_pdf``, ``encrypted``, ``unsigned``, ``broken_signature`` …
            SigningUnavailable: nothing at all could be added.
        """
        ...

    async def provability(self, pdf: bytes, void: tuple[VoidStamps, ...] = ()) -> Provability:
        """Until when the file's signatures can be proven, as if ``void`` were not there.

        Never raises for bad input.
        """
        ...
