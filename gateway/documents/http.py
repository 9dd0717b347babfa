"""Routes of documents and validations (API: "Documents and signatures")."""

from __future__ import annotations

import re
from typing import Any

from gateway.documents.answers import DocumentAnswer, DocumentList
from gateway.documents.service import Documents, NewDocument
from gateway.documents.template_desk import TemplateList
from gateway.documents.verdicts import ValidationAnswer, show_validation
from gateway.foundation import listing
from gateway.foundation.files import StoredFile
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.uploads import Upload, read_upload
from gateway.foundation.web import Call, Page, Reply, Route, with_content
from signing.validation_report import etsi_report

UPLOAD_LIMIT = 50 * 1024 * 1024
_FILTERS = ("reference", "kind")
_REPORT = "etsi: answer with an ETSI TS 119 102-2 report (XML) instead"
_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def routes(documents: Documents, upload_limit: int = UPLOAD_LIMIT) -> list[Route | Page]:
    """Everything under ``/v1/documents`` and ``/v1/validations``."""
    handlers = _Handlers(documents, upload_limit)
    query = dict.fromkeys(_FILTERS, "equals")
    one = "/v1/documents/{id}"
    return [
        Route("POST", "/v1/documents", handlers.add, "documents:write",
              "Upload a result document", reply=DocumentAnswer, status=201, idempotent=True,
              multipart=True, form=("reference", "kind", "template")),
        Route("GET", "/v1/documents", handlers.page, "documents:read", "List documents",
              reply=DocumentList, query=listing.WINDOW_QUERY | query),
        Route("GET", one, handlers.get, "documents:read", "One document", reply=DocumentAnswer),
        Route("GET", one + "/content", handlers.content, "documents:read", "The PDF",
              query={"revision": "latest, original or a number"}),
        Route("GET", one + "/evidence", handlers.evidence, "documents:read",
              "Hashes, certificates and the verdict, as a ZIP"),
        Route("POST", "/v1/validations", handlers.validate, "documents:read",
              "Judge the signatures of a file; nothing is stored", reply=ValidationAnswer,
              multipart=True, form=("template", "allowed_fields"), query={"report": _REPORT}),
        Route("GET", "/v1/document-templates", handlers.templates, "documents:read",
              "Templates in force: fields that may be filled in after signing",
              reply=TemplateList),
    ]  # fmt: skip


class _Handlers:
    def __init__(self, documents: Documents, upload_limit: int) -> None:
        self._documents = documents
        self._limit = upload_limit

    async def add(self, call: Call[None]) -> Reply:
        async with self._documents.spool() as spool:
            upload = await read_upload(
                call.request,
                self._limit,
                required=("reference", "kind"),
                optional=("template",),
                spool=spool,
            )
            _check_texts(upload)
            call = with_content(call, upload.digest)

            async def work(lease: Any) -> Reply:
                new = await self._take_in(call.tenant, upload)
                return await call.finish(
                    lease, lambda c: Reply(self._documents.save(c, new), status=201)
                )

            return await call.attempt(work)

    async def _take_in(self, tenant: str, upload: Upload) -> NewDocument:
        facts = {
            "reference": upload.fields["reference"],
            "kind": upload.fields["kind"],
            "name": upload.name,
        }
        template = upload.fields.get("template") or None
        if upload.file is None:
            return await self._documents.take_in(tenant, upload.content, **facts, template=template)
        return await self._documents.take_in_file(tenant, upload.file, **facts, template=template)

    async def page(self, call: Call[None]) -> Reply:
        window = listing.read_window(call.request.query, _FILTERS, of="doc")
        return Reply(await self._documents.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._documents.get(call.tenant, call.path("id")))

    async def content(self, call: Call[None]) -> Reply:
        revision = call.query("revision") or "latest"
        pdf = await self._documents.contents.open(call.tenant, call.path("id"), revision)
        name = f"{call.path('id')}.pdf"
        if isinstance(pdf, bytes):
            return _file(pdf, "application/pdf", name)
        return _pieces(pdf, "application/pdf", name)

    async def evidence(self, call: Call[None]) -> Reply:
        bundle = await self._documents.evidence(call.tenant, call.path("id"))
        return _file(bundle, "application/zip", f"{call.path('id')}-evidence.zip")

    async def validate(self, call: Call[None]) -> Reply:
        report = call.query("report")
        if report not in (None, "etsi"):
            raise invalid([FieldError("/report", "invalid", "report chỉ nhận giá trị “etsi”.")])
        texts = ("allowed_fields", "template")
        async with self._documents.spool() as spool:
            upload = await read_upload(call.request, self._limit, optional=texts, spool=spool)
            listed = frozenset(filter(None, upload.fields.get("allowed_fields", "").splitlines()))
            validation, template = await self._documents.validate_upload(
                call.tenant,
                upload.file or upload.content,
                listed,
                upload.fields.get("template") or None,
            )
        if report is None:
            return Reply(show_validation(validation, template))
        return _file(etsi_report(validation), "application/xml", f"{validation.sha256}.xml")

    async def templates(self, _: Call[None]) -> Reply:
        return Reply(self._documents.templates.in_force())


def _check_texts(upload: Upload) -> None:
    errors = []
    if len(upload.fields["reference"]) > 255:
        errors.append(FieldError("/reference", "invalid", "Tối đa 255 ký tự."))
    if not _KIND.fullmatch(upload.fields["kind"]):
        errors.append(FieldError("/kind", "invalid", "Chữ thường, số, gạch; tối đa 64 ký tự."))
    if errors:
        raise invalid(errors)


def _file(content: bytes, media: str, name: str) -> Reply:
    return Reply(raw=content, headers=_file_headers(media, name))


def _pieces(file: StoredFile, media: str, name: str) -> Reply:
    headers = {**_file_headers(media, name), "Content-Length": str(file.size)}
    return Reply(pieces=file.chunks, headers=headers)


def _file_headers(media: str, name: str) -> dict[str, str]:
    return {"Content-Type": media, "Content-Disposition": f'attachment; filename="{name}"'}
