"""What portals, citizens and officials do all day, each patient with a gateway that dies."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.demo.decision import typeset
from gateway.development import AGENCY, AGENCY_CODE, CLERK, OFFICIALS
from tests.support.town import Client, Town, until

REFERENCE = "000.00.12.H55-261102-0001"
PERSON, CERTIFIER = OFFICIALS["official-rsa"], OFFICIALS["official-ec"]
PDF = typeset(REFERENCE, "Chủ tịch", "Nguyễn Văn Mẫu")


def payment_of(amount: int, reference: str = REFERENCE, **changes: Any) -> dict[str, Any]:
    item = {"code": "CTBS", "name": "Phí chứng thực bản sao", "kind": "fee"}
    return {
        "reference": reference,
        "procedure_code": "2.000815",
        "agency_code": AGENCY_CODE,
        "items": [{**item, "quantity": 1, "unit_amount": amount}],
        "payer": {"name": "Nguyễn Văn An", "phone": "0912345678"},
        "description": "Le phi ho so",
        **changes,
    }


def certification_of(document: str) -> dict[str, Any]:
    return {
        "kind": "copy_from_original",
        "agency_code": AGENCY_CODE,
        "book": "SCT/BS",
        "document_id": document,
        "original": {"title": "Giấy khai sinh", "issued_by": "UBND phường Mẫu", "pages": 1},
        "requester": {"name": "Nguyễn Văn An"},
        "certifier": CERTIFIER,
        "reference": REFERENCE,
    }


def signature_request_of(document: str, level: str = "B-LTA") -> dict[str, Any]:
    return {
        "document_id": document,
        "reference": REFERENCE,
        "level": level,
        "steps": [
            {"role": "person", "signer": PERSON, "capacity": "TM.", "title": "Chủ tịch"},
            {"role": "agency", "signer": AGENCY},
        ],
        "document_number": {"number": 5, "symbol": "QĐ-UBND", "date": "2026-11-21"},
    }


def upload_form(content: bytes = PDF, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in ({"reference": REFERENCE, "kind": "decision"} | fields).items():
        form.add_field(name, value)
    file = io.BytesIO(content)
    form.add_field("file", file, filename="quyet-dinh.pdf", content_type="application/pdf")
    return form


@dataclass
class Business:
    """One portal's day: everything it was promised, by the key it asked under."""

    town: Town
    portal: Client
    payments: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    certifications: dict[str, Any] = field(default_factory=dict)
    requests: dict[str, tuple[str, Any, bytes]] = field(default_factory=dict)
    stage: dict[str, int] = field(default_factory=dict)
    in_doubt: set[str] = field(default_factory=set)  # payments whose attempt a crash cut off

    async def ask(self, path: str, body: Any, key: str) -> Any:
        """Ask until answered; the answer is kept, to be compared with a replay."""
        answer = await self.portal.insist(path, body, key=key)
        assert answer.status in (200, 201), (path, answer.status, answer.raw[:500])
        self.requests[key] = (path, body, answer.raw)
        return answer.json

    def _reached(self, what: str) -> None:
        self.stage[what] = self.stage.get(what, 0) + 1

    async def pay(self, number: int, account: str) -> None:
        """From request to money: opened, tried, paid at the provider's."""
        amount = 10_000 + number * 1_000
        payment = await self.ask(
            "/v1/payments", payment_of(amount, f"{REFERENCE[:-4]}{number:04}"), f"pay-{number}"
        )
        self.payments[f"pay-{number}"] = payment
        self._reached("opened")
        attempt = await self.ask(
            f"/v1/payments/{payment['id']}/attempts", {"account": account}, f"try-{number}"
        )
        if attempt["action"]["type"] == "none":
            # The call to the provider was cut off: it is asked about, and nobody pays twice.
            assert attempt["status"] == "unknown"
            self.in_doubt.add(payment["id"])
            return
        if account == "vietqr-main":
            body = {"payload": attempt["action"]["qr_payload"]}
            await self.town.at_simulator("bank/scan", body)
        else:
            body = {"pay_url": attempt["action"]["url"]}
            await self.town.at_simulator("vnpay/control/pay", body)
        self._reached("paid")

    async def sign(self, number: int, person: Client, clerk: Client, level: str = "B-LTA") -> None:
        """Upload, the official signs, the clerk numbers and seals."""
        answer = await self.portal.insist("/v1/documents", form=upload_form, key=f"doc-{number}")
        assert answer.status == 201, answer.raw[:500]
        document = answer.json
        request = await self.ask(
            "/v1/signature-requests", signature_request_of(document["id"], level), f"sig-{number}"
        )
        path = f"/v1/signature-requests/{request['id']}/sign"
        for who, name in ((person, "person"), (clerk, "clerk")):
            self._reached("signing")
            answer = await who.insist(path, {}, key=f"{name}-{number}")
            assert answer.status == 200, answer.raw[:500]
        self.documents[f"doc-{number}"] = document

    async def certify(self, number: int, certifier: Client) -> None:
        """Upload the scan, draft, sign into the register."""
        answer = await self.portal.insist("/v1/documents", form=upload_form, key=f"scan-{number}")
        draft = await self.ask(
            "/v1/certifications", certification_of(answer.json["id"]), f"cer-{number}"
        )
        self._reached("certifying")
        path = f"/v1/certifications/{draft['id']}/sign"
        answer = await certifier.insist(path, {}, key=f"issue-{number}")
        assert answer.status == 200, answer.raw[:500]
        self.certifications[f"cer-{number}"] = answer.json

    async def everything_is_paid(self) -> bool:
        paid = await self.portal.every("/v1/payments?status=paid")
        return len(paid) == len(self.payments) - len(self.in_doubt)

    def expected(self) -> set[tuple[str, str]]:
        """What must be in the event log at the end of the day."""
        payments = [payment["id"] for payment in self.payments.values()]
        return {
            *(("payment.created", payment) for payment in payments),
            *(("payment.paid", payment) for payment in payments if payment not in self.in_doubt),
            *(("document.signed", document["id"]) for document in self.documents.values()),
            *(("certification.issued", copy["id"]) for copy in self.certifications.values()),
        }

    async def events(self) -> list[Any]:
        """The whole event log, in its order."""
        return await self.portal.every("/v1/events?")


async def officials(town: Town) -> dict[str, Client]:
    """Personal tokens."""
    scopes = ("documents:sign", "certifications:write")
    names = {"person": PERSON, "certifier": CERTIFIER, "clerk": CLERK}
    return {role: await town.key(scopes=scopes, official=name) for role, name in names.items()}


async def subscribe(portal: Client, receiver: Any) -> str:
    body = {"url": receiver.url, "events": ["*"], "description": "Cổng dịch vụ công"}
    endpoint = await portal.post("/v1/webhook-endpoints", body)
    receiver.secret = endpoint["secret"]
    return endpoint["id"]


async def check_the_log(business: Business, receiver: Any, within_s: float = 60.0) -> list[Any]:
    """Sequences are 1..n a subject, no event is double, and each one reached the portal."""
    await until(business.everything_is_paid, within_s)

    async def settled() -> list[Any]:
        found = await business.events()
        facts = {(event["type"], event["subject"]) for event in found}
        told = set(receiver.events) == {event["id"] for event in found}
        return found if told and business.expected() <= facts else []

    events = await until(settled, within_s, 0.2)
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids))
    by_subject: dict[str, list[int]] = {}
    for event in events:
        by_subject.setdefault(event["subject"], []).append(event["sequence"])
    gaps = {s: n for s, n in by_subject.items() if n != list(range(1, len(n) + 1))}
    assert not gaps
    assert receiver.refused == 0
    for event_id, body in receiver.arrivals:
        told = {k: body[k] for k in ("id", "type", "subject", "sequence")}
        logged = events[ids.index(event_id)]
        assert told == {k: logged[k] for k in told}
    return events
