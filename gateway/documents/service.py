"""Documents: taking in, showing, giving out, judging.

Owns the document's life outside of signing; ``requests`` owns signing. A file that is not a
whole, readable PDF (empty, not a PDF, encrypted, truncated) is refused with its findings and not
stored: nobody could show an official what it says. A readable PDF with forbidden content
(scripts, XFA, broken earlier signatures) is stored with its findings as evidence of what was
handed in; it can be read and judged, never signed. A broken file that could be repaired is kept as
revision 0, as it came, and as revision 1, repaired, which is the one that is shown and signed.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict, dataclass

import msgspec
from sqlalchemy import Connection

from gateway.documents import rules, store
from gateway.documents.answers import (
    DocumentAnswer,
    DocumentList,
    FindingAnswer,
    Renderers,
    show_documents,
)
from gateway.documents.contents import DocumentContents
from gateway.documents.evidence.collect import EvidenceDesk
from gateway.documents.evidence.pieces import MOST_PDF
from gateway.documents.large import DocumentSignatures, LargeDocuments
from gateway.documents.preservation.preserving import columns_of, reckon
from gateway.documents.template_desk import TemplateDesk, hold_to_pages
from gateway.documents.templates import TemplateBook
from gateway.foundation import listing
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import refusing
from gateway.foundation.spools import Spool, SpooledFile
from gateway.preservation.doubts import Doubts
from signing.contract import (
    Inspection,
    Provability,
    Severity,
    Validation,
    with_earlier_signatures,
)


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A file that passed the first look, stored and ready for its row."""

    tenant: str
    reference: str
    kind: str
    name: str
    sha256: str  # as handed in
    inspection: Inspection
    provable: Provability | None  # of what was signed elsewhere
    template: str | None = None  # name@version


@dataclass(frozen=True, slots=True)
class Source:
    """A document's latest file, for a capability that makes something out of it."""

    document_id: str
    sha256: str
    pages: int
    blocked: bool
    signed: bool


class Documents:
    """The documents of every portal."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        files: FileStore,
        signatures: DocumentSignatures,
        templates: TemplateBook | None = None,
        *,
        doubts: Doubts,
    ) -> None:
        self._doubts = doubts
        self._database = database
        self._clock = clock
        self._files = files
        self._signatures = signatures
        self._large = LargeDocuments(files, signatures, self._doubts)
        self.contents = DocumentContents(database, files)
        self.renderers = Renderers(clock)
        self._evidence = EvidenceDesk(database, clock, files)
        self.templates = TemplateDesk(templates or TemplateBook(), database, clock)

    async def take_in(
        self,
        tenant: str,
        content: bytes,
        *,
        reference: str,
        kind: str,
        name: str = "",
        template: str | None = None,
    ) -> NewDocument:
        """Look at a file and store its bytes; no row yet, so a crash leaves only an orphan.

        Raises:
            Problem: ``file_empty``, ``file_not_pdf``, ``file_encrypted``, ``file_truncated``,
                ``file_unreadable``, each with ``findings``; ``signing_unavailable``;
                ``validation_failed`` for a template that is unknown or has other pages.
        """
        if template:
            self.templates.named(template)  # before anything that costs
        inspection = await self._inspect(content)
        _refuse_unreadable(inspection)
        chosen = self.templates.fitting(template, inspection)
        digest = await self._files.put(content)
        kept = content
        if inspection.repaired is not None:
            kept = inspection.repaired.pdf
            await self._files.put(kept)
        provable = None
        if inspection.signatures:
            provable = await reckon(self._signatures, kept, self._doubts.of(tenant))
        label = chosen.label if chosen else None
        return NewDocument(tenant, reference, kind, name, digest, inspection, provable, label)

    async def take_in_file(
        self,
        tenant: str,
        file: SpooledFile,
        *,
        reference: str,
        kind: str,
        name: str = "",
        template: str | None = None,
    ) -> NewDocument:
        """As ``take_in``, of a large file in the file store's spool; nothing is repaired."""
        if template:
            self.templates.named(template)
        with refusing():
            inspection = await self._large.look(file)
        _refuse_unreadable(inspection)
        chosen = self.templates.fitting(template, inspection)
        signed = bool(inspection.signatures)
        provable = await self._large.reckon(file.path, tenant) if signed else None
        await self._files.keep(file.path, file.sha256)
        label = chosen.label if chosen else None
        return NewDocument(tenant, reference, kind, name, file.sha256, inspection, provable, label)

    def spool(self) -> Spool:
        """Where an upload is written to while it arrives, when it is large."""
        return self._files.spool()

    def save(self, connection: Connection, new: NewDocument) -> DocumentAnswer:
        """Give a taken-in file its row (a unit of work)."""
        now = self._clock.now()
        look = new.inspection
        files = _files_of(new)
        row = {
            "id": new_id("doc", self._clock),
            "tenant": new.tenant,
            "reference": new.reference,
            "kind": new.kind,
            "name": new.name,
            "sha256": files[-1][0],
            "size": files[-1][1],
            "revision": len(files) - 1,
            "pages": look.pages,
            "pdf_version": look.pdf_version[:8],
            "level": None,
            "findings": [msgspec.to_builtins(f) for f in _findings(look)],
            "signatures": [asdict(s) for s in look.signatures],
            "sequence": 0,
            "template": new.template,
            "created_at": now,
        }
        revisions = [
            {
                "document_id": row["id"],
                "number": number,
                "sha256": digest,
                "size": size,
                "created_at": now,
            }
            for number, (digest, size) in enumerate(files)
        ]
        revisions[-1] |= columns_of(new.provable)
        store.insert_document(connection, row, revisions)
        return self._shown(connection, new.tenant, str(row["id"]))

    async def get(self, tenant: str, document_id: str) -> DocumentAnswer:
        """One document.

        Raises:
            Problem: ``not_found``.
        """
        return await self._database.read(lambda c: self._shown(c, tenant, document_id))

    async def page(self, tenant: str, window: listing.Window) -> DocumentList:
        """A page of a portal's documents."""

        def query(connection: Connection) -> DocumentList:
            mine = store.documents.c.tenant == tenant
            found = listing.fetch(connection, store.documents, window, mine)
            shown = show_documents(connection, found.rows, self._clock.now())
            return DocumentList(shown, found.has_more, found.next)

        return await self._database.read(query)

    async def source(self, tenant: str, document_id: str) -> Source:
        """The latest file's facts, for a capability that works from a document.

        Raises:
            Problem: ``not_found``.
        """
        answer = await self.get(tenant, document_id)
        blocked = any(f.severity == Severity.BLOCK for f in answer.findings)
        return Source(answer.id, answer.sha256, answer.pages, blocked, bool(answer.signatures))

    async def evidence(self, tenant: str, document_id: str) -> bytes:
        """A ZIP for an inspector: the file, its signatures, certificates, answers, records.

        Raises:
            Problem: ``not_found``.
        """
        answer = await self.get(tenant, document_id)
        template = self.templates.remembered(answer.template)
        fields = template.fields if template else frozenset()
        content = await self._files.get_small(answer.sha256)
        with refusing():
            if content is None:
                verdict, pieces = await self._large.witness(answer.sha256, fields)
                if answer.size <= MOST_PDF:  # the bundle has room for more than memory is spared
                    content = await self._files.get(answer.sha256)
            else:
                verdict = await self.validate(content, fields)
                pieces = await self._signatures.take_apart(content)
        return await self._evidence.bundle(tenant, answer, verdict, pieces=pieces, pdf=content)

    async def validate(
        self, content: bytes, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge a file that is not kept; listed form fields may be filled in after signing.

        Raises:
            Problem: ``signing_unavailable``.
        """
        with refusing():
            if allowed_fields:
                return await self._signatures.validate(content, allowed_fields)
            return await self._signatures.validate(content)

    async def validate_upload(
        self,
        tenant: str,
        content: bytes | SpooledFile,
        allowed_fields: frozenset[str] = frozenset(),
        template: str | None = None,
    ) -> tuple[Validation, str | None]:
        """Judge a file by the template named or, for a document of ours, by its own.

        Returns:
            The verdict, and which template's fields were allowed.

        Raises:
            Problem: ``validation_failed`` for an unknown template; ``signing_unavailable``.
        """
        chosen = self.templates.named(template) if template else None
        digest = content.sha256 if isinstance(content, SpooledFile) else await _sha256(content)
        chosen = chosen or await self.templates.of_file(tenant, digest)
        fields = allowed_fields | (chosen.fields if chosen else frozenset())
        with refusing():
            if isinstance(content, SpooledFile):
                judged = await self._signatures.validate_file(content.path, fields)
            else:
                judged = await self.validate(content, fields)
        held = await hold_to_pages(judged, chosen, lambda: self._inspect(content))
        return held, chosen.label if chosen else None

    async def _inspect(self, content: bytes | SpooledFile) -> Inspection:
        """What the file is; the signatures it came with are judged: none may cover a broken one."""
        with refusing():
            if isinstance(content, SpooledFile):
                return await self._large.look(content)
            look = await self._signatures.inspect(content)
            if look.blocked or not look.signatures:
                return look
            return with_earlier_signatures(look, await self._signatures.validate(content))

    def _shown(self, connection: Connection, tenant: str, document_id: str) -> DocumentAnswer:
        row = store.find_document(connection, tenant, document_id)
        if row is None:
            raise not_found("văn bản này")
        return show_documents(connection, [row], self._clock.now())[0]


async def _sha256(content: bytes) -> str:
    return await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())


def _refuse_unreadable(inspection: Inspection) -> None:
    """Refuse what nobody could show an official; see the module."""
    code = rules.refusal_of_file(f.code for f in inspection.findings)
    if code is not None:
        found = [msgspec.to_builtins(f) for f in _findings(inspection)]
        blocking = [f["detail"] for f in found if f["severity"] != Severity.INFO]
        raise Problem(code, " ".join(blocking), extra={"findings": found})


def _files_of(new: NewDocument) -> list[tuple[str, int]]:
    """Hash and size of the file handed in and, where it had to be, of the repaired one."""
    files = [(new.sha256, new.inspection.size)]
    repaired = new.inspection.repaired
    if repaired is not None:
        files.append((repaired.sha256, len(repaired.pdf)))
    return files


def _findings(inspection: Inspection) -> list[FindingAnswer]:
    return [FindingAnswer(f.code, f.severity.value, f.where, f.detail) for f in inspection.findings]
