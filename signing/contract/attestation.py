"""The page that makes a copy a certified copy."""

from __future__ import annotations

from dataclasses import dataclass

from signing.contract.orders import Placement


@dataclass(frozen=True, slots=True)
class Attestation:
    """The page that makes a copy a certified copy (NĐ 23/2015, NĐ 45/2020 art. 10).

    ``heading`` and ``lines`` come from a dated template; ``qr_payload`` is the public
    verification address with its unguessable token.
    """

    heading: str
    lines: tuple[str, ...]
    signer_title: str
    signer_name: str
    qr_payload: str
    agency_name: str
    footer: str = ""


@dataclass(frozen=True, slots=True)
class AttestedFile:
    """``Attested`` for a file on the disk."""

    sha256: str
    pages: int
    certifier: Placement
    agency: Placement


@dataclass(frozen=True, slots=True)
class Attested:
    """A PDF with its attestation page; the anchors say where the two signatures go."""

    pdf: bytes
    pages: int
    certifier: Placement
    agency: Placement
