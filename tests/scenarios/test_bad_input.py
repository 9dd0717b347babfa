"""Bad input at every door of one running gateway: the right answer, and nothing changed by it."""

from __future__ import annotations

import asyncio
import io
import json
import re
import unicodedata

import pytest
import pytest_asyncio
from yarl import URL

from connectors.simulators import bank_wire, vnpay_wire
from gateway.development import AGENCY_CODE
from gateway.foundation.access import SCOPES
from tests.scenarios.business import (
    REFERENCE,
    certification_of,
    payment_of,
    signature_request_of,
    subscribe,
    upload_form,
)
from tests.support.paper import plain_pdf
from tests.support.receiver import answering, hanging, receiving
from tests.support.town import living, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

VNPAY_SECRET = "SIMULATEDVNPAYHASHSECRET00000000"
# A book is the agency's, not one portal's; a certificate is nobody's, its list the portal's own.
SHARED = (  # name a book or a certificate, which is nobody's; each portal sees its own part
    "/v1/registers/{agency}/{book}/{year}",
    "/v1/certificates/{sha256}/documents",
    "/v1/certificates/{sha256}/revocation",
)
LISTS = (
    "/v1/payments", "/v1/documents", "/v1/signature-requests", "/v1/certifications",
    "/v1/shipments", "/v1/webhook-endpoints", "/v1/events", "/v1/authorities",
)  # fmt: skip
BODIES = {
    "/v1/webhook-endpoints/{id}": {"description": "đổi"},
    "/v1/webhook-endpoints/{id}/recover": {"since": "2026-11-20T00:00:00+07:00"},
    "/v1/payments/{id}/attempts": {"account": "vnpay-main"},
    "/v1/payments/{id}/counter-receipts": {
        "amount": 7000, "receipt_number": "0001", "collected_by": "Cán bộ",
    },
    "/v1/payments/{id}/refunds": {"amount": 7000, "reason": "other"},
    "/v1/signature-requests/{id}/reject": {"reason": "Sai thông tin trong hồ sơ"},
    "/v1/signature-requests/{id}/decide-signing": {
        "finding": "not_there", "note": "Ứng dụng ký số không có yêu cầu này",
    },
    "/v1/certifications/{id}/revoke": {
        "decision_number": "12/QĐ-UBND", "reason": "Bản chính bị tẩy xóa",
    },
    "/v1/authorities/{id}/end": {"reason": "luân chuyển công tác"},
    "/v1/shipments/{id}/events": {"code": "delivered", "at": "2026-11-21T08:00:00+07:00"},
}  # fmt: skip


def _party(name):
    address = {"line": "Số 1 đường Mẫu", "ward_code": "01654", "province_code": "04"}
    return {"name": name, "phone": "0912345678", "address": address}


SHIPMENT = {
    "reference": REFERENCE,
    "kind": "result_delivery",
    "carrier": "manual",
    "sender": _party("UBND phường Mẫu"),
    "recipient": _party("Nguyễn Văn An"),
    "contents": [{"title": "Quyết định", "form": "original"}],
    "weight_g": 50,
}


# Of an agency that signs nothing here: a row binds every official of its agency.
MANDATE = {
    "agency_code": "H55.99",
    "official": "official:nguyen.van.a",
    "valid_from": "2026-01-01",
    "legal_basis": {"number": "12/QĐ-UBND", "date": "2025-12-30"},
}


class Scene:
    """A portal with one object of each kind, and ways to see whether anything changed."""

    def __init__(self, town, portal, receiver):
        self.town, self.portal, self.receiver = town, portal, receiver
        self.ids = {}
        self.operations = []

    async def fill(self):
        post = self.portal.post
        self.ids["webhook-endpoints"] = await subscribe(self.portal, self.receiver)
        self.payment = await post("/v1/payments", payment_of(21_000))
        self.ids["payments"] = self.payment["id"]
        path = f"/v1/payments/{self.payment['id']}"
        self.attempt = await post(f"{path}/attempts", {"account": "vnpay-main"})
        body = {"pay_url": self.attempt["action"]["url"]}
        await self.town.at_simulator("vnpay/control/pay", body)
        await until(self._is_paid)
        self.paid_url = self.town.world.vnpay.callbacks.log[-1].url
        back = {"amount": 7000, "reason": "other"}
        self.ids["refunds"] = (await post(f"{path}/refunds", back))["id"]
        uploaded = await self.portal.call("POST", "/v1/documents", data=upload_form())
        self.ids["documents"] = uploaded.json["id"]
        request = signature_request_of(self.ids["documents"])
        self.ids["signature-requests"] = (await post("/v1/signature-requests", request))["id"]
        draft = certification_of(self.ids["documents"])
        self.ids["certifications"] = (await post("/v1/certifications", draft))["id"]
        self.ids["authorities"] = (await post("/v1/authorities", MANDATE))["id"]
        self.ids["shipments"] = (await post("/v1/shipments", SHIPMENT))["id"]
        self.ids["events"] = (await self.portal.get("/v1/events"))["data"][0]["id"]
        contract = await self.portal.get("/openapi.json")
        for path, operations in contract["paths"].items():
            for method, operation in operations.items():
                self.operations.append((method.upper(), path, operation["x-scope"]))

    async def _is_paid(self):
        return (await self.portal.get(f"/v1/payments/{self.payment['id']}"))["status"] == "paid"

    def address(self, path, ids=None):
        """A template with this scene's real ids."""
        kind = path.split("/")[2]
        path = path.replace("{agency}/{book}/{year}", f"{AGENCY_CODE}/SCT-BS/2026")
        path = path.replace("{sha256}", "0" * 64)
        return path.replace("{id}", (ids or self.ids).get(kind, "no-such-kind"))

    async def state(self):
        """Every object, its story and the event log, as the portal sees them."""
        found = {path: await self.portal.every(f"{path}?") for path in LISTS}
        for payment in found["/v1/payments"]:
            path = f"/v1/payments/{payment['id']}/timeline"
            found[path] = await self.portal.get(path)
        for shipment in found["/v1/shipments"]:
            path = f"/v1/shipments/{shipment['id']}"
            found[path] = await self.portal.get(path)
        return found

    async def settled(self):
        """The state once nothing moves by itself any more."""
        while True:
            before = await self.state()
            await asyncio.sleep(0.3)
            if await self.state() == before:
                return before

    async def callback(self, method, path, **more):
        url = URL(f"{self.portal.base}/callbacks/{path}", encoded=True)
        more.setdefault("allow_redirects", False)
        async with self.portal.session.request(method, url, **more) as answer:
            return answer.status, (await answer.read()).decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad-input")
    async with (
        living(folder, server={"requests_per_second": 0}) as town,
        receiving() as receiver,
    ):
        portal = await town.key()
        await town.start()
        scene = Scene(town, portal, receiver)
        await scene.fill()
        yield scene
        assert "unhandled" not in town.gateway.log
        assert await town.gateway.stop() == 0


async def test_every_operation_refuses_strangers_and_missing_scopes(scene):
    """No key, a mistyped one, a live one: 401; without a scope it wants 403; nothing moves."""
    before = await scene.settled()
    lacking = {
        scope: await scene.town.key(scopes=tuple(s for s in SCOPES if s not in scope.split("|")))
        for scope in {scope for _, _, scope in scene.operations}
    }
    stranger, mistyped = await scene.town.key(), await scene.town.key()
    stranger.secret, live = "", await scene.town.key(mode="live")
    mistyped.secret = mistyped.secret[:-1] + ("0" if mistyped.secret[-1] != "0" else "1")
    wrong = []
    for method, path, scope in scene.operations:
        address, body = scene.address(path), BODIES.get(path, {}) if method != "GET" else None
        for client, expected in (
            (stranger, (401, "unauthenticated")),
            (mistyped, (401, "unauthenticated")),
            (live, (401, "wrong_mode")),
            (lacking[scope], (403, "missing_scope")),
        ):
            answer = await client.call(method, address, body)
            if (answer.status, answer.code) != expected:
                wrong.append((method, path, answer.status, answer.code, expected))
    assert wrong == []
    assert len(scene.operations) >= 45
    assert await scene.state() == before


async def test_another_tenants_objects_do_not_exist(scene):
    """404 at every operation, word for word as for an id that nobody has."""
    before = await scene.settled()
    other = await scene.town.key("cong-khac")
    nobodys = {kind: real[:-6] + "zzzzzz" for kind, real in scene.ids.items()}
    wrong, tried = [], 0
    for method, path, _ in scene.operations:
        if "{" not in path or path in SHARED:
            continue
        body = BODIES.get(path, {}) if method != "GET" else None
        answer = await other.call(method, scene.address(path), body)
        unknown = await other.call(method, scene.address(path, nobodys), body)
        said, told = answer.json, unknown.json
        del said["trace_id"], told["trace_id"]
        if answer.code != "not_found" or said != told:
            wrong.append((method, path, answer.code, said["detail"], told["detail"]))
        tried += 1
    assert wrong == []
    assert tried >= 30
    assert await scene.state() == before


async def test_other_tenants_lists_are_empty_and_ids_in_bodies_do_not_help(scene):
    """What a path does not give away, a list, a cursor or a body does not either."""
    other = await scene.town.key("cong-khac-nua")
    for path in LISTS:
        assert await other.every(f"{path}?") == []
    document = scene.ids["documents"]
    for path, body in (
        ("/v1/signature-requests", signature_request_of(document)),
        ("/v1/certifications", certification_of(document)),
    ):
        answer = await other.call("POST", path, body)
        assert answer.status in (404, 422), (path, answer.status, answer.raw[:300])
    answer = await other.call("GET", f"/v1/events?after={scene.ids['events']}")
    assert answer.status == 400
    for path in LISTS:
        assert await other.every(f"{path}?") == []


def _ipn(reference, amount=33_000, **changes):
    fields = {
        "vnp_TmnCode": "MOTCUA01",
        "vnp_Amount": str(amount * 100),
        "vnp_BankCode": "NCB",
        "vnp_PayDate": "20261121090500",
        "vnp_OrderInfo": "Le phi ho so",
        "vnp_TransactionNo": "14599999",
        "vnp_ResponseCode": "00",
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": reference,
    }
    return vnpay_wire.signed_query({**fields, **changes}, VNPAY_SECRET)


async def test_bad_callbacks_get_their_own_answer_and_change_nothing(scene):
    """Forged, cut, replayed, doubled, oversized, for nobody, of another terminal, at odd doors."""
    payment = await scene.portal.post("/v1/payments", payment_of(33_000))
    path = f"/v1/payments/{payment['id']}/attempts"
    attempt = await scene.portal.post(path, {"account": "vnpay-main"})
    before = await scene.settled()
    good = _ipn(attempt["provider_reference"])
    replay = URL(scene.paid_url, encoded=True).raw_query_string
    transfer = scene.town.world.bank
    line = bank_wire.Transfer(
        900_001, transfer.account_number, 33_000, "khong ro", scene.town.world.clock.now()
    )
    casso = json.dumps(bank_wire.casso_body(line, ("Vietcombank", "VCB"))).encode()
    sepay = json.dumps(bank_wire.sepay_body(line, ("Vietcombank", "VCB"))).encode()
    typed = {"Content-Type": "application/json"}
    forged = {**typed, "X-Casso-Signature": f"t=1790000000000,v1={'0' * 128}"}
    wrong_key = {**typed, "Authorization": "Apikey not-the-key"}
    main = "vnpay-main"
    cases = {
        "forged": ("GET", f"{main}?{good[:-1]}{'0' if good[-1] != '0' else '1'}", {}, "97"),
        "changed": ("GET", f"{main}?{good.replace('=3300000', '=3300001')}", {}, "97"),
        "doubled": ("GET", f"{main}?{good}&vnp_Amount=3300000", {}, "97"),
        "cut": ("GET", f"{main}?{good[: len(good) // 2]}", {}, "97"),
        "empty": ("GET", f"{main}?", {}, "97"),
        "replayed": ("GET", f"{main}?{replay}", {}, "02"),
        "nobody's": ("GET", f"{main}?{_ipn('NOSUCHORDER0001')}", {}, "01"),
        "terminal": ("GET", f"{main}?{_ipn('X', vnp_TmnCode='ANOTHER1')}", {}, "99"),
        "long query": ("GET", f"{main}?{good}&x={'y' * 9_000}", {}, 414),
        "oversized": ("POST", "sepay-main", {"data": b"x" * 70_000, "headers": wrong_key}, 413),
        "casso forged": ("POST", "casso-main", {"data": casso, "headers": forged}, 401),
        "casso unsigned": ("POST", "casso-main", {"data": casso, "headers": typed}, 401),
        "sepay key": ("POST", "sepay-main", {"data": sepay, "headers": wrong_key}, 401),
        "forged return": ("GET", f"{main}/return?{good[:-2]}zz", {}, 404),
        "no account": ("GET", f"vnpay-other?{good}", {}, 404),
        "no leg": ("GET", f"{main}/refund?{good}", {}, 404),
    }
    wrong = {}
    for name, (method, place, more, expected) in cases.items():
        status, text = await scene.callback(method, place, **more)
        code = json.loads(text).get("RspCode") if text.startswith("{") else None
        if expected not in (status, code):
            wrong[name] = (expected, status, text[:200])
    assert wrong == {}
    assert await scene.state() == before
    status, text = await scene.callback("GET", f"{main}?{good}")
    assert (status, json.loads(text)["RspCode"]) == (200, "00")  # the true one still counts


async def test_a_wrong_amount_is_told_and_counted_for_its_own_payment_alone(scene):
    """The money is real, so it is evidence; a person is asked, and no other payment moves."""
    payment = await scene.portal.post("/v1/payments", payment_of(50_000))
    path = f"/v1/payments/{payment['id']}"
    attempt = await scene.portal.post(f"{path}/attempts", {"account": "vnpay-main"})
    await scene.settled()
    before = {p["id"]: p for p in await scene.portal.every("/v1/payments?")}
    query = _ipn(attempt["provider_reference"], amount=20_000, vnp_TransactionNo="14599998")
    _, text = await scene.callback("GET", f"vnpay-main?{query}")
    assert json.loads(text)["RspCode"] == "04"
    after = {p["id"]: p for p in await scene.portal.every("/v1/payments?")}
    seen = after.pop(payment["id"])
    before.pop(payment["id"])
    assert (seen["status"], seen["amount_collected"]) == ("partially_paid", 20_000)
    assert "amount_mismatch" in seen["review"]
    assert after == before


UPLOADS = {
    "nothing": (b"", 422, "file_empty"),
    "a spreadsheet": (b"PK\x03\x04 bang tinh", 422, "file_not_pdf"),
    "cut off": (plain_pdf(2)[:-200], 422, "file_truncated"),
    "encrypted": (plain_pdf(password="khoa"), 422, "file_encrypted"),
    "sixty megabytes": (b"%PDF-1.7\n" + bytes(60 * 1024 * 1024), 413, "body_too_large"),
}


async def test_files_that_are_no_result_are_refused_and_leave_nothing(scene):
    """Each has its own code; the same key may then bring the right file."""
    before = await scene.settled()
    for name, (content, status, code) in UPLOADS.items():
        form = upload_form(content)
        answer = await scene.portal.call("POST", "/v1/documents", data=form, key="the-file")
        assert (answer.status, answer.code) == (status, code), name
        assert answer.json["detail"]
    assert await scene.state() == before
    answer = await scene.portal.call("POST", "/v1/documents", data=upload_form(), key="the-file")
    assert answer.status == 201


def _with(**item):
    body = payment_of(21_000)
    return {**body, "items": [{**body["items"][0], **item}]}


BODIES_REFUSED = {
    "a float": json.dumps(_with(unit_amount=7000.5)),
    "a whole float": json.dumps(_with(unit_amount=7000.0)),
    "an amount as text": json.dumps(_with(unit_amount="7000")),
    "a negative amount": json.dumps(_with(unit_amount=-1)),
    "a huge amount": json.dumps(_with(unit_amount=10**15)),
    "an amount beyond numbers": json.dumps(_with(unit_amount=10**40)),
    "a negative quantity": json.dumps(_with(quantity=-3)),
    "NaN": json.dumps(_with(unit_amount=float("nan"))),
    "an unknown field": json.dumps({**payment_of(21_000), "amonut": 1}),
    "a doubled field": json.dumps(payment_of(21_000))[:-1] + ', "reference": "khac"}',
    "a cut body": json.dumps(payment_of(21_000))[:-9],
    "control characters": json.dumps(payment_of(21_000, "so\u0000\u001b[2J")),
    "a list": "[]",
    "depth": "[" * 5_000 + "]" * 5_000,
    "no UTF-8": b'{"reference": "\xff\xfe"}',
    "a mebibyte": json.dumps({**payment_of(21_000), "description": "x" * 2**20}),
}


async def test_bodies_that_are_no_request_are_refused_under_a_key_that_stays_free(scene):
    """No 5xx, no object, no event; afterwards the same key opens the one payment."""
    before = await scene.settled()
    headers = {"Content-Type": "application/json"}
    wrong = {}
    for name, raw in BODIES_REFUSED.items():
        answer = await scene.portal.call(
            "POST",
            "/v1/payments",
            data=io.BytesIO(raw.encode() if isinstance(raw, str) else raw),
            headers=headers,
            key="bad-body",
        )
        if answer.status not in (400, 413, 422) or not answer.code:
            wrong[name] = (answer.status, answer.raw[:200])
    assert wrong == {}
    assert await scene.state() == before
    await scene.portal.post("/v1/payments", payment_of(21_000), key="bad-body")


async def test_decomposed_vietnamese_and_markup_are_text_all_the_way(scene):
    """Composed in the answer, on the page and in the webhook; never markup."""
    name = 'Phí <script>alert(1)</script> & "chứng thực"'
    body = payment_of(21_000, payer={"name": unicodedata.normalize("NFD", "Nguyễn Thị Ổn")})
    body["items"][0]["name"] = unicodedata.normalize("NFD", name)
    body["metadata"] = {"ghi_chu": unicodedata.normalize("NFD", "Đã đủ & <b>hợp lệ</b>")}
    payment = await scene.portal.post("/v1/payments", body)
    assert payment["items"][0]["name"] == name
    assert payment["metadata"] == {"ghi_chu": "Đã đủ & <b>hợp lệ</b>"}
    page = await scene.portal.session.get(payment["checkout_url"])
    text = await page.text()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert text == unicodedata.normalize("NFC", text)
    again = {**body, "metadata": payment["metadata"], "items": payment["items"]}
    assert len(re.findall("Nguyễn Thị Ổn", json.dumps(again, ensure_ascii=False))) == 0
    await until(lambda: [b for _, b in scene.receiver.arrivals if b["subject"] == payment["id"]])


async def test_bad_portal_endpoints_starve_nobody(scene):
    """One hangs, one redirects, one fails, one is gone; the good one hears everything at once."""
    portal = await scene.town.key("cong-nhieu-may")
    async with (
        receiving() as good, receiving() as slow, receiving() as moved,
        receiving() as broken, receiving() as gone, receiving() as elsewhere,
    ):  # fmt: skip
        slow.behaviour, broken.behaviour = hanging, answering(500)
        moved.behaviour = answering(302, Location=elsewhere.url)
        gone.behaviour = answering(410)
        ids = {}
        for receiver in (slow, moved, broken, gone, good):
            ids[receiver.url] = await subscribe(portal, receiver)
        opened = [await portal.post("/v1/payments", payment_of(9_000)) for _ in range(20)]
        subjects = {payment["id"] for payment in opened}
        await until(lambda: subjects <= {b["subject"] for b in good.events.values()}, 10)
        await until(lambda: broken.arrivals and moved.arrivals and gone.arrivals)
        assert max(broken.counts.values()) >= 1
        assert elsewhere.arrivals == []
        assert good.refused == elsewhere.refused == 0
        endpoint = f"/v1/webhook-endpoints/{ids[gone.url]}"

        async def is_off():
            return (await portal.get(endpoint))["status"] == "disabled"

        await until(is_off)
        for receiver in (slow, moved, broken):
            await portal.call("DELETE", f"/v1/webhook-endpoints/{ids[receiver.url]}")
    assert (await scene.portal.call("GET", "/readyz")).status == 200
