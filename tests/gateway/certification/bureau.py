"""The certification capability put together for tests, over the documents capability."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.certification import http, public
from gateway.certification.answers import Shower
from gateway.certification.attestation import load_templates
from gateway.certification.copies import CopyMaker
from gateway.certification.issuing import Issuing
from gateway.certification.orders import IssueOrder
from gateway.certification.rules import Agency, Certifier, Offices, RegisterKey, Secrets
from gateway.certification.service import Certifications, NewCertification
from gateway.certification.verification import Verification
from gateway.documents.evidence.witness import Witness
from gateway.documents.service import Documents
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.frame.layout import Frame
from gateway.preservation.doubts import Doubts
from gateway.webhooks.outbox import events
from tests.support.paper import plain_pdf

TENANT, AGENCY = "cong-dvc/test", "H55.12"
CERTIFIER, DEPUTY = "official:nguyen.van.a", "official:tran.thi.b"
OFFICES = Offices(
    {
        CERTIFIER: Certifier("official-rsa", "Nguyễn Văn Mẫu", "Chủ tịch"),
        DEPUTY: Certifier("official-ec", "Trần Thị Thử", "Phó Chủ tịch", frozenset({"H55.99"})),
    },
    {AGENCY: Agency("agency", "UBND phường Mẫu")},
)
TEMPLATES = load_templates(Path(__file__).resolve().parents[3] / "config" / "attestation")
ORIGINAL = {"title": "Bằng tốt nghiệp", "issued_by": "Trường Mẫu", "number": "B-1", "pages": 1}
REQUESTER = "Phạm Thị Riêng Tư"


# For what no engine can get wrong: refusals and pure flow. Locks and races run on both.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Bureau:
    """Everything of one gateway process."""

    database: Database
    clock: FakeClock
    files: FileStore
    documents: Documents
    certifications: Certifications
    issuing: Issuing
    verification: Verification
    shower: Shower

    @classmethod
    def make(cls, database, clock, folder, signatures, *, patience_s=30.0) -> Bureau:
        files, waker = FileStore(str(folder / "files")), Waker()
        witness = Witness(files)
        documents = Documents(database, clock, files, signatures, doubts=Doubts())
        shower = Shower("https://cong.example")
        return cls(
            database,
            clock,
            files,
            documents,
            Certifications(
                database=database,
                clock=clock,
                files=files,
                waker=waker,
                sources=documents,
                offices=OFFICES,
                templates=TEMPLATES,
                shower=shower,
                witness=witness,
            ),
            Issuing(
                database=database,
                clock=clock,
                maker=CopyMaker(files, signatures, shower, witness),
                waker=waker,
                offices=OFFICES,
                templates=TEMPLATES,
                shower=shower,
                metrics=Metrics(),
                witness=witness,
                patience_s=patience_s,
            ),
            Verification(database, clock, files, signatures),
            shower,
        )

    def routes(self, limiter=None):
        def frame(request):
            return Frame(path=request.path, agency="UBND phường Mẫu", phone="1900 0000")

        pages = public.routes(self.verification, self.shower, self.clock, frame, limiter=limiter)
        return [*http.routes(self.certifications, self.issuing), *pages]

    async def draft(self, tenant=TENANT, pdf=None, **changes):
        new = await self.documents.take_in(
            tenant, pdf or plain_pdf(), reference="H55-261102-0002", kind="ban-quet"
        )
        document = await self.database.write(lambda c: self.documents.save(c, new))
        asked = NewCertification(
            **{
                "tenant": tenant,
                "kind": "copy_from_original",
                "agency_code": AGENCY,
                "book": "SCT/BS",
                "document_id": document.id,
                "original": ORIGINAL,
                "requester_name": REQUESTER,
                "certifier": CERTIFIER,
                "reference": "H55-261102-0002",
                **changes,
            }
        )
        source = await self.certifications.check(asked)
        return await self.database.write(lambda c: self.certifications.draft(c, asked, source))

    async def sign(self, draft, official=CERTIFIER, tenant=TENANT, pin=None):
        mode = tenant.partition("/")[2]
        return await self.issuing.sign(IssueOrder(tenant, mode, draft.id, official, Secrets(pin)))

    async def register(self, year=2026, tenant=TENANT):
        key = RegisterKey(tenant.partition("/")[2], AGENCY, "SCT/BS", year)
        return await self.certifications.register(tenant, key)

    async def numbers(self, year=2026):
        return [e.number for e in (await self.register(year)).entries]

    async def revoke(self, issued, tenant=TENANT):
        return await self.database.write(
            lambda c: self.certifications.revoke(
                c, tenant, issued.id, decision_number="12/QĐ-UBND", reason="Bản chính bị sửa chữa"
            )
        )

    async def events(self):
        rows = await self.database.read(
            lambda c: c.execute(sa.select(events).order_by(events.c.number)).all()
        )
        return [(row.type, row.subject, row.sequence) for row in rows]
