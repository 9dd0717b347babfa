"""What a file is, before anybody signs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for signing."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a document; ``where`` names page or object."""

    code: str
    severity: Severity
    where: str
    detail: str  # Vietnamese


@dataclass(frozen=True, slots=True)
class ExistingSignature:
    """A signature already in an inspected file (structure only, not validated)."""

    field_name: str
    signer: str | None
    covers_whole_file: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, before anybody signs it."""

    sha256: str
    size: int
    pages: int
    pdf_version: str
    findings: tuple[Finding, ...]
    signatures: tuple[ExistingSignature, ...]

    @property
    def blocked(self) -> bool:
        """Whether any finding forbids signing."""
        return any(f.severity is Severity.BLOCK for f in self.findings)
