"""A document's file with more proof, made and stored, on its way into its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.documents.evidence.extensions import ExtensionAct
from gateway.documents.evidence.log import KeptFile
from gateway.preservation.asked import Asked
from signing.contract import Extended, Inspection, Level


@dataclass(frozen=True, slots=True)
class Extension:
    """A file with more proof, stored and ready for its row."""

    document: Any  # the row as it was read
    extended: Extended
    wanted: Level
    digest: str
    look: Inspection
    kept: tuple[KeptFile, ...]
    asked: Asked

    @property
    def changed(self) -> bool:
        """Whether anything was added at all."""
        return bool(self.digest != self.document.sha256)

    def act_on(self, document: Any) -> ExtensionAct:
        """What the evidence log keeps of it; ``document`` is the row that gets the revision."""
        return ExtensionAct(
            tenant=document.tenant,
            subject={"id": document.id, "reference": document.reference, "kind": document.kind},
            asked=self.asked.content(),
            extended=self.extended,
            kept=self.kept,
            input_sha256=document.sha256,
            from_level=document.level,
            wanted=self.wanted.value,
            revisions=(document.revision, document.revision + 1),
        )
