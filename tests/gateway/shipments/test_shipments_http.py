"""The API of shipments: what is taken, what is refused, who sees what, what is printed."""

from __future__ import annotations

import asyncio

import pypdfium2
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from connectors.simulators.faults import Fault
from gateway.shipments.orders import client_ref
from gateway.webhooks.outbox import events
from tests.gateway.shipments.desk import ADDRESS, MANUAL, POST, REQUEST, request_of

pytestmark = pytest.mark.long_on_postgresql

UNKNOWN = "shp_" + "0" * 26


def person(**changes):
    return {**REQUEST["recipient"], **changes}


def at(**changes):
    return person(address={**ADDRESS, **changes})


# ---------------------------------------------------------------- ordering


async def test_an_order_is_answered_at_once_and_ordered_by_the_worker(both):
    status, body, _ = await both.portal.post("/v1/shipments", REQUEST)
    assert status == 201
    assert body["id"].startswith("shp_")
    assert (body["movement"], body["money"], body["papers"]) == ("draft", "none", "listed")
    assert body["recipient"]["phone"] == "0912345678"
    assert body["client_ref"] == client_ref(body["id"], both.carriers[POST].spec)
    assert body["label_url"] == f"https://motcua.example/v1/shipments/{body['id']}/label"
    assert both.post.parcels.by_number == {}
    assert await both.work() == 1
    assert list(both.post.parcels.by_number) == [body["client_ref"]]


async def test_the_same_key_orders_once(both):
    answers = [await both.portal.post("/v1/shipments", REQUEST, key="k-1") for _ in range(3)]
    assert {status for status, _, _ in answers} == {201}
    assert len({body["id"] for _, body, _ in answers}) == 1
    assert answers[2][2]["Idempotent-Replayed"] == "true"
    await both.work()
    assert len(both.post.parcels.by_number) == 1
    status, body, _ = await both.portal.post("/v1/shipments", request_of(weight_g=51), key="k-1")
    assert (status, body["code"]) == (422, "idempotency_key_reused")
    status, body, _ = await both.portal.post("/v1/shipments", REQUEST, key=None)
    assert (status, body["code"]) == (400, "idempotency_key_required")


async def test_without_a_carrier_the_first_configured_takes_it(desk):
    assert (await desk.open(carrier=None))["carrier"] == POST


async def test_the_carrier_gets_what_the_order_says_and_no_more(desk):
    name = 'Nguyễn <b>&"An"'
    shipment = await desk.ordered(recipient=person(name=name), collect={"amount": 21_000})
    order = desk.post.parcels.by_number[shipment["client_ref"]].order
    assert (order["ReceiverName"], order["ReceiverTel"]) == (name, "0912345678")
    assert (order["CODAmount"], order["SenderTel"]) == (21_000, "02091234567")
    assert order["SenderDesc"] == "Quyết định 05/QĐ-UBND (bản chính) × 1"
    assert REQUEST["reference"] in order["Description"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"recipient": person(phone="12345")}, "/recipient"),
        ({"recipient": person(phone="0212345678")}, "/recipient"),
        ({"recipient": person(phone="+1 212 555 0100")}, "/recipient"),
        ({"recipient": person(name="   ")}, "/recipient"),
        ({"recipient": person(identity_number="001099000001")}, "/recipient/identity_number"),
        ({"recipient": at(ward_code="1654")}, "/recipient/address/ward_code"),
        ({"recipient": at(ward_code=1654)}, "/recipient/address/ward_code"),
        ({"recipient": at(province_code="4")}, "/recipient/address/province_code"),
        ({"recipient": at(line="")}, "/recipient/address/line"),
        ({"contents": []}, "/contents"),
        ({"contents": [{"title": "A", "form": "scan"}]}, "/contents/0/form"),
        ({"contents": [{"title": "A", "form": "copy", "quantity": 0}]}, "/contents/0/quantity"),
        ({"weight_g": 0}, "/weight_g"),
        ({"weight_g": 30_001}, "/weight_g"),
        ({"weight_g": 50.5}, "/weight_g"),
        ({"weight_g": True}, "/weight_g"),
        ({"collect": {"amount": -1}}, "/collect/amount"),
        ({"collect": {"amount": 21000.0}}, "/collect/amount"),
        ({"collect": {"amount": 10**12}}, "/collect/amount"),
        ({"collect": {"payment_id": "pay_" + "0" * 26, "amount": 0}}, "/collect"),
        ({"collect": {"payment_id": "hồ sơ", "amount": 1}}, "/collect"),
        ({"kind": "letter"}, "/kind"),
        ({"postage_payer": "nobody"}, "/postage_payer"),
        ({"carrier": "ghn"}, "/carrier"),
        ({"reference": ""}, "/reference"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_bad_order_is_refused_by_name_and_leaves_nothing(desk, changes, pointer):
    status, body, _ = await desk.portal.post("/v1/shipments", request_of(**changes))
    assert (status, body["code"]) == (422, "validation_failed"), body
    assert pointer in {error["pointer"] for error in body["errors"]}
    _, listed, _ = await desk.portal.get("/v1/shipments")
    assert listed["data"] == []


async def test_every_wrong_field_is_named_at_once(desk):
    wrong = request_of(weight_g=0, contents=[], recipient=person(phone="x"))
    _, body, _ = await desk.portal.post("/v1/shipments", wrong)
    pointers = {error["pointer"] for error in body["errors"]}
    assert pointers == {"/weight_g", "/contents", "/recipient"}


@pytest.mark.parametrize("phone", ["0912345678", "+84912345678", "0912.345.678", "19001234"])
async def test_phones_are_taken_as_people_write_them(desk, phone):
    assert (await desk.open(recipient=person(phone=phone)))["recipient"]["phone"].isdigit()


async def test_vietnamese_typed_in_pieces_is_one_text(desk):
    decomposed = "Nguye\u0302\u0303n Va\u0306n An"
    assert (await desk.open(recipient=person(name=decomposed)))["recipient"]["name"] == (
        "Nguyễn Văn An"
    )


# ---------------------------------------------------------------- who sees what


async def test_another_portals_shipment_is_not_there(both):
    shipment = await both.ordered()
    path = f"/v1/shipments/{shipment['id']}"
    for stranger in (
        await both.another_portal(),
        await both.another_portal("cong-dvc", mode="live"),
    ):
        for tail in ("", "/label", "/consignment-note"):
            assert (await stranger.get(path + tail))[0] == 404
        assert (await stranger.post(path + "/cancel", {}))[0] == 404
        entry = {"item_code": "EA123456785VN"}
        assert (await stranger.post(path + "/events", entry))[0] == 404
        assert (await stranger.get("/v1/shipments"))[1]["data"] == []
    assert (await both.portal.get(f"/v1/shipments/{UNKNOWN}"))[0] == 404
    assert (await both.read(shipment))["cancel"] == "none"


async def test_every_door_wants_its_scope(desk):
    shipment = await desk.ordered()
    path = f"/v1/shipments/{shipment['id']}"
    reader = await desk.another_portal("cong-dvc", scopes=("shipments:read",))
    writer = await desk.another_portal("cong-dvc", scopes=("shipments:write",))
    for tail, body in (("", REQUEST), (f"/{shipment['id']}/cancel", {})):
        status, problem, _ = await reader.post("/v1/shipments" + tail, body)
        assert (status, problem["code"]) == (403, "missing_scope")
    for tail in ("", "/label", "/consignment-note"):
        assert (await writer.get(path + tail))[0] == 403
    assert (await reader.get(path))[0] == 200


async def test_lists_are_filtered_and_paged(desk):
    first = await desk.ordered(reference="H55-1")
    second = await desk.open(reference="H55-2")
    third = await desk.open(reference="H55-2")
    _, page, _ = await desk.portal.get("/v1/shipments?limit=2")
    assert [s["id"] for s in page["data"]] == [third["id"], second["id"]]
    _, rest, _ = await desk.portal.get(f"/v1/shipments?limit=2&after={page['next']}")
    assert ([s["id"] for s in rest["data"]], rest["has_more"]) == ([first["id"]], False)
    _, found, _ = await desk.portal.get("/v1/shipments?status=registered")
    assert [s["id"] for s in found["data"]] == [first["id"]]
    _, found, _ = await desk.portal.get("/v1/shipments?reference=H55-2&carrier=vnpost-hcc")
    assert len(found["data"]) == 2
    assert (await desk.portal.get("/v1/shipments?colour=red"))[0] == 422


# ---------------------------------------------------------------- paper


async def test_label_and_note_are_printed_with_the_number(desk):
    shipment = await desk.ordered(proxy={"name": "Trần Thị Bình", "letter_ref": "UQ-7"})
    for tail, words in (
        ("label", ["Nguyễn Văn An", "0912345678"]),
        ("consignment-note", ["PHIẾU GỬI HỒ SƠ", "Quyết định 05/QĐ-UBND", "Trần Thị Bình"]),
    ):
        raw, kind = await fetch(desk, f"/v1/shipments/{shipment['id']}/{tail}")
        assert kind == "application/pdf"
        text = pypdfium2.PdfDocument(raw)[0].get_textpage().get_text_range()
        assert all(word in text for word in words), text


async def test_papers_need_a_key(desk):
    shipment = await desk.ordered()
    url = desk.server.make_url(f"/v1/shipments/{shipment['id']}/label")
    async with desk.session.get(url) as answer:
        assert answer.status == 401


async def fetch(desk, path):
    headers = {"Authorization": f"Bearer {desk.portal.secret}"}
    async with desk.session.get(desk.server.make_url(path), headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        return await answer.read(), answer.content_type


# ---------------------------------------------------------------- by hand


async def test_a_clerk_types_the_number_and_what_the_post_says(both):
    shipment = await both.ordered(carrier=MANUAL)
    clerk = await both.another_portal("cong-dvc", official="official:le.van.thu")
    path = f"/v1/shipments/{shipment['id']}/events"
    status, body, _ = await clerk.post(path, {"item_code": "ea 123-456-785 vn"})
    assert (status, body["tracking_number"]) == (201, "EA123456785VN")
    out = {"code": "EDG", "at": "2026-11-03T08:00:00+07:00", "place": "Bưu cục 2"}
    done = {"code": "EMI", "at": "2026-11-03T09:00:00+07:00"}
    await clerk.post(path, done)
    status, body, _ = await clerk.post(path, out)  # typed in the wrong order, and twice
    status, body, _ = await clerk.post(path, out)
    assert (status, body["movement"]) == (201, "delivered")
    assert [(e["code"], e["source"]) for e in body["events"]] == [
        ("EDG", "manual"),
        ("EMI", "manual"),
    ]
    typed = [row for row in await both.stored() if row.kind == "event"]
    assert {row.actor for row in typed} == {"official:le.van.thu"}
    assert await both.types() == ["registered", "delivered"]


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"code": "???", "at": "2026-11-03T08:00:00+07:00"}, "/code"),
        ({"code": "EMI"}, "/"),
        ({}, "/"),
        ({"code": "EMI", "at": "2026-11-03T08:00:00"}, "/at"),
        ({"item_code": "<script>"}, "/item_code"),
    ],
)
async def test_a_bad_entry_is_refused(desk, entry, pointer):
    shipment = await desk.ordered(carrier=MANUAL)
    status, body, _ = await desk.portal.post(f"/v1/shipments/{shipment['id']}/events", entry)
    assert (status, body["errors"][0]["pointer"]) == (422, pointer)


async def test_nothing_is_typed_for_a_carrier_that_reports_itself(desk):
    shipment = await desk.ordered()
    entry = {"code": "EMI", "at": "2026-11-03T08:00:00+07:00"}
    status, body, _ = await desk.portal.post(f"/v1/shipments/{shipment['id']}/events", entry)
    assert (status, body["code"]) == (409, "carrier_reports_itself")


# ---------------------------------------------------------------- what is personal


async def test_neither_logs_nor_events_hold_anything_personal(desk):
    secret = ("Nguyễn Văn An", "0912345678", "Số 5 ngõ 7", "Gặp bà Hoa")
    with capture_logs() as lines:
        desk.post.faults.add(Fault.SERVER_ERROR)
        shipment = await desk.ordered()
        await desk.work(5)
        await desk.work()
        desk.post.parcels.by_number[shipment["client_ref"]].code = 6
        desk.post.parcels._move(
            desk.post.parcels.by_number[shipment["client_ref"]], 7, notes="Gặp bà Hoa"
        )
        await desk.poll()
    rows = await desk.database.read(lambda c: c.execute(sa.select(events)).all())
    assert rows
    assert all(row.data is None for row in rows)
    render = desk.shipments.renderers["shp"]
    shown = await desk.database.read(lambda c: render(c, [shipment["id"]]))
    for text in (str(lines), str([tuple(row) for row in rows]), str(shown)):
        assert not [word for word in secret if word in text]
    assert shown[shipment["id"]]["movement"] == "delivery_failed"


async def test_many_orders_at_once_are_all_kept(both):
    opened = await asyncio.gather(*(both.open(reference=f"H55-{n}") for n in range(20)))
    assert await both.work() == 20
    assert len(both.post.parcels.by_number) == 20
    assert len({shipment["client_ref"] for shipment in opened}) == 20
