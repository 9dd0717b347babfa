"""What a file is, before anybody signs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from signing.contract.errors import DocumentRefused
from signing.contract.survey import DocumentSurvey


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
class Repaired:
    """The file with its structure written anew; only ever of a file without signatures."""

    pdf: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, before anybody signs it.

    With ``repaired``, everything but ``sha256`` and ``size`` is about the repaired file, and the
    finding of that name says what was done: that file may be signed, the one handed in may not.
    ``survey`` is of the file that may be signed, where the process that looked made one: what a
    signer needs to find places without opening the pages again.
    """

    sha256: str
    size: int
    pages: int
    pdf_version: str
    findings: tuple[Finding, ...]
    signatures: tuple[ExistingSignature, ...]
    repaired: Repaired | None = None
    survey: DocumentSurvey | None = field(default=None, repr=False, compare=False)

    @property
    def ladder(self) -> str:
        """Which rung held: ``strict``, ``lax`` or ``repaired``."""
        if self.repaired is not None:
            return "repaired"
        return "lax" if any(f.code == "lax_reading" for f in self.findings) else "strict"

    @property
    def blocked(self) -> bool:
        """Whether any finding forbids signing."""
        return any(f.severity is Severity.BLOCK for f in self.findings)

    def refuse_if_blocked(self) -> None:
        """Let only what may be signed as it is go on.

        Raises:
            DocumentRefused: the first finding that forbids signing.
        """
        for found in self.findings:
            if found.severity is Severity.BLOCK:
                raise DocumentRefused(found.code, found.detail, f"{found.code}: {found.where}")
