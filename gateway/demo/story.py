"""The legs of the demo, in order; each returns what the summary keeps.

Every leg talks to the gateway over HTTP as its user would, and every claim is checked against
what came back: pages are read, PDFs are validated, webhooks are verified, registers are counted.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from connectors.simulators.faults import Fault
from gateway.demo.decision import original, typeset
from gateway.demo.portal import Caller, Receiver, need
from gateway.development import AGENCY, AGENCY_CODE, OFFICIALS, World
from gateway.foundation.clock import Clock, vietnam_day

REFERENCE = "000.00.12.H55-261102-0001"
PAYER = {"name": "Nguyễn Văn An", "phone": "0912345678"}
PERSON = OFFICIALS["official-rsa"]
CERTIFIER = OFFICIALS["official-ec"]


@dataclass
class Stage:
    """What the legs share."""

    world: World
    clock: Clock
    session: aiohttp.ClientSession
    portal: Caller
    officials: dict[str, Caller]
    receiver: Receiver
    out: Path
    summary: dict[str, Any] = field(default_factory=dict)

    def save(self, name: str, content: bytes) -> str:
        """Write a result file and give its SHA-256."""
        (self.out / name).write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    async def until(self, path: str, status: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """Ask for an object until it has a status."""
        deadline = self.clock.monotonic() + timeout_s
        while True:
            found: dict[str, Any] = await self.portal.get(path)
            if found["status"] == status:
                return found
            need(self.clock.monotonic() < deadline, f"{path} is {found['status']}, not {status}")
            await asyncio.sleep(0.1)


async def subscribe(stage: Stage) -> dict[str, Any]:
    """The portal registers where it wants to be told."""
    url = await stage.receiver.start()
    body = {"url": url, "events": ["*"], "mode": "full", "description": "Cổng dịch vụ công"}
    endpoint = await stage.portal.post("/v1/webhook-endpoints", body)
    stage.receiver.secret = endpoint["secret"]
    need(endpoint["secret"].startswith("whsec_"), "the endpoint's secret was not shown")
    return {"endpoint": endpoint["id"]}


async def pay_by_vietqr(stage: Stage) -> dict[str, Any]:
    """Fee by VietQR: the citizen scans, the bank reports through Casso, the portal is told."""
    item = {"code": "CTBS", "name": "Phí chứng thực bản sao", "kind": "fee"}
    payment = await stage.portal.post(
        "/v1/payments", _payment([{**item, "quantity": 3, "unit_amount": 7000}])
    )
    need(payment["amount"] == 21_000 and payment["status"] == "pending", "payment not opened")
    status, _, page = await stage.portal.fetch(payment["checkout_url"], "text/html")
    need(status == 200 and "21.000" in page.decode(), "the checkout page does not show the fee")
    path = f"/v1/payments/{payment['id']}"
    attempt = await stage.portal.post(f"{path}/attempts", {"account": "vietqr-main"})
    action = attempt["action"]
    need(action["type"] == "qr" and action["qr_payload"].startswith("000201"), "no VietQR")
    status, kind, png = await stage.portal.fetch(action["qr_png_url"])
    need(status == 200 and kind == "image/png" and png[:4] == b"\x89PNG", "no QR picture")
    stage.save("qr.png", png)
    await _at_simulator(stage, "bank/scan", {"payload": action["qr_payload"]})
    paid = await stage.until(path, "paid")
    need(paid["amount_collected"] == 21_000, "another amount was collected")
    await stage.receiver.wait_for("payment.paid", payment["id"])
    status, _, page = await stage.portal.fetch(payment["checkout_url"] + "/result", "text/html")
    need(status == 200 and "21.000" in page.decode(), "the result page does not say so")
    status, kind, receipt = await stage.portal.fetch(payment["checkout_url"] + "/receipt.pdf")
    need(status == 200 and receipt.startswith(b"%PDF"), "no confirmation")
    digest = stage.save("receipt.pdf", receipt)
    return {"payment": payment["id"], "status": "paid", "receipt_sha256": digest}


async def pay_by_vnpay(stage: Stage) -> dict[str, Any]:
    """Postage by VNPAY whose callback is lost: found by asking."""
    stage.world.vnpay.faults.add(Fault.LOSE_CALLBACK, times=20)
    item = {"code": "BC", "name": "Cước bưu chính", "kind": "shipping"}
    payment = await stage.portal.post(
        "/v1/payments", _payment([{**item, "quantity": 1, "unit_amount": 26_000}])
    )
    path = f"/v1/payments/{payment['id']}"
    attempt = await stage.portal.post(f"{path}/attempts", {"account": "vnpay-main"})
    need(attempt["action"]["type"] == "redirect", "no redirect to VNPAY")
    async with stage.session.get(attempt["action"]["url"]) as response:
        need(response.status == 200, "VNPAY does not accept the pay address")
    await _at_simulator(stage, "vnpay/control/pay", {"txn_ref": attempt["provider_reference"]})
    paid = await stage.until(path, "paid", 25.0)
    need(paid["amount_collected"] == 26_000, "another amount was collected")
    await stage.receiver.wait_for("payment.paid", payment["id"])
    story = await stage.portal.get(f"{path}/timeline")
    channels = {entry["channel"] for entry in story["data"]}
    need("answer" in channels and "callback" not in channels, "not found by asking alone")
    return {"payment": payment["id"], "status": "paid", "callback": "lost, found by query"}


async def sign_result(stage: Stage, given: bytes | None) -> dict[str, Any]:
    """The official signs, the clerk numbers, dates and seals; B-LTA, validated afterwards."""
    pdf = given or typeset(REFERENCE, "Chủ tịch", "Nguyễn Văn Mẫu")
    original = stage.save("result.pdf", pdf)
    document = await stage.portal.upload(
        "/v1/documents", pdf, "result.pdf", reference=REFERENCE, kind="decision"
    )
    need(document["sha256"] == original, "the stored file is not the given one")
    number = {"number": 5, "symbol": "QĐ-UBND", "date": str(vietnam_day(stage.clock.now()))}
    request = await stage.portal.post(
        "/v1/signature-requests",
        {
            "document_id": document["id"],
            "reference": REFERENCE,
            "level": "B-LTA",
            "steps": [
                {"role": "person", "signer": PERSON, "capacity": "TM.", "title": "Chủ tịch"},
                {"role": "agency", "signer": AGENCY},
            ],
            "document_number": number,
        },
    )
    path = f"/v1/signature-requests/{request['id']}/sign"
    await stage.officials[PERSON].post(path, {}, status=200)
    await stage.officials["clerk"].post(path, {}, status=200)
    await stage.until(f"/v1/signature-requests/{request['id']}", "signed")
    _, _, signed = await stage.portal.fetch(f"/v1/documents/{document['id']}/content")
    need(signed.startswith(pdf), "the signed file does not begin with the original")
    digest = stage.save("result-signed.pdf", signed)
    verdict = await stage.portal.upload("/v1/validations", signed, "x.pdf", status=200)
    need(verdict["verdict"] == "valid", f"validation says {verdict['verdict']}")
    need(len(verdict["signatures"]) >= 5, "person, number, day, month and seal expected")
    await stage.receiver.wait_for("document.signed", document["id"])
    return {
        "document": document["id"],
        "request": request["id"],
        "sha256": digest,
        "levels": sorted({str(s["level"]) for s in verdict["signatures"]}),
        "verdict": verdict["summary"],
    }


async def certify_copy(stage: Stage) -> dict[str, Any]:
    """Two certified copies with consecutive numbers; one is revoked; anyone can look them up."""
    issued = []
    for title in ("Bằng tốt nghiệp trung học phổ thông", "Giấy khai sinh"):
        source = original(title)
        document = await stage.portal.upload(
            "/v1/documents", source, "scan.pdf", reference=REFERENCE, kind="original_scan"
        )
        issued.append(await _certify(stage, document["id"], title))
    first, second = issued
    need(second["number"] == first["number"] + 1, "register numbers are not consecutive")
    _, _, copy = await stage.portal.fetch(f"/v1/certifications/{first['id']}/content")
    digest = stage.save("certified-copy.pdf", copy)
    verdict = await stage.portal.upload("/v1/validations", copy, "x.pdf", status=200)
    need(verdict["verdict"] == "valid", f"validation of the copy says {verdict['verdict']}")
    public = await _look_up(stage, first["verification_url"])
    need(public["verdict"] == "valid", f"public page says {public['verdict']}")
    need(digest in str(public), "the public page does not know the file's hash")
    need(PAYER["name"] not in str(public), "the public page names a citizen")
    status, _, page = await stage.portal.fetch(first["verification_url"], "text/html")
    need(status == 200 and "có hiệu lực" in page.decode(), "the public page does not say valid")
    revoke = {"decision_number": "12/QĐ-UBND", "reason": "Bản chính bị tẩy xóa"}
    await stage.portal.post(f"/v1/certifications/{second['id']}/revoke", revoke, status=200)
    public = await _look_up(stage, second["verification_url"])
    need(public["verdict"] == "revoked", "the revoked copy still looks valid")
    await stage.receiver.wait_for("certification.revoked", second["id"])
    return {
        "certification": first["id"],
        "number": first["number"],
        "book": first["book"],
        "sha256": digest,
        "verification_url": first["verification_url"],
        "revoked": second["id"],
    }


async def deliver(stage: Stage) -> dict[str, Any]:
    """VNPost takes the paper to the citizen; its feed is duplicated and out of order."""
    shipment = await stage.portal.post("/v1/shipments", _shipment())
    path = f"/v1/shipments/{shipment['id']}"
    await stage.receiver.wait_for("shipment.registered", shipment["id"])
    registered = await stage.portal.get(path)
    need(registered["tracking_number"], "the carrier gave no number")
    for name, link in (
        ("label.pdf", "label_url"),
        ("consignment-note.pdf", "consignment_note_url"),
    ):
        status, kind, pdf = await stage.portal.fetch(registered[link])
        need(status == 200 and kind == "application/pdf", f"no {name}")
        stage.save(name, pdf)
    for _ in range(6):
        form = {"number": registered["client_ref"]}
        await _at_simulator(stage, "vnpost_hcc/_advance", form, as_form=True)
    await stage.receiver.wait_for("shipment.delivered", shipment["id"], 20.0)
    delivered = await stage.portal.get(path)
    need(delivered["movement"] == "delivered", f"the parcel is {delivered['movement']}")
    return {
        "shipment": shipment["id"],
        "tracking_number": registered["tracking_number"],
        "movement": delivered["movement"],
    }


async def reconcile_events(stage: Stage) -> dict[str, Any]:
    """What was pushed is what can be pulled; sequences have no gap; nothing unsigned came in."""
    need(stage.receiver.refused == 0, "a webhook did not verify")
    pulled: list[dict[str, Any]] = []
    after = ""
    while True:
        page = await stage.portal.get(f"/v1/events?limit=100{after}")
        pulled += page["data"]
        if not page["has_more"]:
            break
        after = f"&after={page['next']}"
    deadline = stage.clock.monotonic() + 10
    while len(stage.receiver.received) < len(pulled):
        need(stage.clock.monotonic() < deadline, "not every event was delivered")
        await asyncio.sleep(0.1)
    pushed = {e["body"]["id"] for e in stage.receiver.received}
    need(pushed == {e["id"] for e in pulled}, "push and pull differ")
    by_subject: dict[str, list[int]] = {}
    for event in pulled:
        by_subject.setdefault(event["subject"], []).append(event["sequence"])
    for subject, numbers in by_subject.items():
        need(sorted(numbers) == list(range(1, len(numbers) + 1)), f"gap in events of {subject}")
    return {"events": len(pulled), "subjects": len(by_subject)}


def _payment(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "reference": REFERENCE,
        "procedure_code": "2.000815",
        "agency_code": AGENCY_CODE,
        "items": items,
        "payer": PAYER,
        "description": "Le phi ho so 0001",
        "channel": "online",
    }


def _shipment() -> dict[str, Any]:
    def party(name: str, phone: str, line: str) -> dict[str, Any]:
        address = {"line": line, "ward_code": "01654", "province_code": "04"}
        return {"name": name, "phone": phone, "address": address}

    return {
        "reference": REFERENCE,
        "kind": "result_delivery",
        "carrier": "vnpost-hcc",
        "sender": party("UBND phường Mẫu", "02091234567", "Số 1 đường Mẫu"),
        "recipient": party(str(PAYER["name"]), "0912345678", "Số 5 ngõ 7 phố Thử Nghiệm"),
        "contents": [{"title": "Quyết định 05/QĐ-UBND", "form": "original", "quantity": 1}],
        "postage_payer": "applicant",
        "weight_g": 50,
    }


async def _certify(stage: Stage, document: str, title: str) -> dict[str, Any]:
    draft = await stage.portal.post(
        "/v1/certifications",
        {
            "kind": "copy_from_original",
            "agency_code": AGENCY_CODE,
            "book": "SCT/BS",
            "document_id": document,
            "original": {"title": title, "issued_by": "Sở Mẫu", "number": "123", "pages": 1},
            "requester": {"name": PAYER["name"]},
            "copies": 1,
            "certifier": CERTIFIER,
            "reference": REFERENCE,
        },
    )
    need(draft["status"] == "draft" and draft.get("number") is None, "a number was taken early")
    path = f"/v1/certifications/{draft['id']}/sign"
    issued: dict[str, Any] = await stage.officials[CERTIFIER].post(path, {}, status=200)
    need(issued["status"] == "issued", f"certification is {issued['status']}")
    await stage.receiver.wait_for("certification.issued", draft["id"])
    return issued


async def _look_up(stage: Stage, url: str) -> dict[str, Any]:
    async with stage.session.get(url, headers={"Accept": "application/json"}) as response:
        need(response.status == 200, f"public look-up answers {response.status}")
        found: dict[str, Any] = await response.json()
        return found


async def _at_simulator(
    stage: Stage, path: str, body: dict[str, Any], *, as_form: bool = False
) -> None:
    url = f"{stage.world.simulators.base_url}/sim/{path}"
    more: dict[str, Any] = {"data": body} if as_form else {"json": body}
    async with stage.session.post(url, **more) as response:
        need(response.status < 300, f"simulator {path}: {response.status}")
