"""The authority register over HTTP: entered, listed, ended, never changed; on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from gateway.documents.authority import store as authority_store
from gateway.foundation.problems import Problem
from tests.gateway.documents.desk import LEADER, TENANT, on_sqlite
from tests.support.edge import make_edge, portal, serve

BASE = "/v1/authorities"
ROW = {
    "agency_code": "H55.12",
    "official": LEADER,
    "title": "Chủ tịch",
    "capacities": [None, "TM."],
    "document_kinds": ["quyet-dinh"],
    "valid_from": "2026-01-01",
    "legal_basis": {"number": "12/QĐ-UBND", "date": "2025-12-30"},
}
AUTHORISED = {
    **ROW, "official": "official:chanh.van.phong", "title": "Chánh Văn phòng",
    "capacities": ["TUQ."], "valid_to": "2026-12-31", "granted_by": LEADER,
}  # fmt: skip


@pytest.fixture
async def world(database, clock, desk):
    edge = make_edge(database, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield caller
    await server.close()


async def test_a_mandate_is_entered_shown_and_ended(world, clock):
    """What was sent comes back; who entered and who ended it stays with it."""
    caller = await world(official="official:noi.vu")
    status, made, _ = await caller.post(BASE, ROW)
    assert status == 201, made
    assert made["id"].startswith("aut_")
    assert {k: made[k] for k in ROW} == ROW
    assert (made["role"], made["in_force"], made["ending"]) == ("person", True, None)
    assert made["created_by"] == "official:noi.vu"
    status, seen, _ = await caller.get(f"{BASE}/{made['id']}")
    assert (status, seen) == (200, made)
    clock.advance(60)
    end = {"reason": "nghỉ hưu theo chế độ", "decision_number": "90/QĐ-UBND"}
    status, ended, _ = await caller.post(f"{BASE}/{made['id']}/end", end)
    assert (status, ended["in_force"]) == (200, False)
    assert ended["ending"] == {
        "ended_at": "2026-11-02T09:01:00+07:00", "reason": "nghỉ hưu theo chế độ",
        "decision_number": "90/QĐ-UBND", "decided_at": "2026-11-02T09:01:00+07:00",
        "decided_by": "official:noi.vu",
    }  # fmt: skip


async def test_an_end_may_come_nearer_and_never_goes_away(world, clock, database):
    """A planned end holds until its moment; a later one is refused; all of them are kept."""
    caller = await world()
    _, made, _ = await caller.post(BASE, ROW)
    path = f"{BASE}/{made['id']}/end"
    planned = {"reason": "luân chuyển", "ended_at": "2026-12-01T00:00:00+07:00"}
    status, body, _ = await caller.post(path, planned)
    assert (status, body["in_force"], body["ending"]["ended_at"]) == (
        200, True, planned["ended_at"],
    )  # fmt: skip
    later = {"reason": "xin ở lại", "ended_at": "2027-01-01T00:00:00+07:00"}
    for refused in (later, planned):
        status, body, _ = await caller.post(path, refused)
        assert (status, body["code"]) == (409, "authority_already_ended")
    status, body, _ = await caller.post(path, {"reason": "thôi việc ngay"})
    assert (status, body["in_force"], body["ending"]["reason"]) == (200, False, "thôi việc ngay")
    rows = await database.read(
        lambda c: c.execute(authority_store.authority_endings.select()).all()
    )
    assert len(rows) == 2


async def test_two_ends_at_once_are_two_facts_or_one_refusal(desk, clock):
    """The row is locked while its end is written; whichever holds, it is the earliest."""
    row = await desk.enter(LEADER)
    moments = [clock.now() + timedelta(days=n) for n in (3, 1, 2, 1)]
    outcomes = await asyncio.gather(
        *(desk.end(row, at=moment) for moment in moments), return_exceptions=True
    )
    assert any(not isinstance(o, Exception) for o in outcomes)
    assert {type(o) for o in outcomes if isinstance(o, Exception)} <= {Problem}
    (held,) = await desk.database.read(lambda c: authority_store.mandates(c, TENANT))
    assert held.ended_at == min(moments)


@on_sqlite
async def test_an_authorisation_needs_its_grantor_first(world):
    """TUQ. by nobody in office is refused by field; after the head is entered it is taken."""
    caller = await world()
    status, body, _ = await caller.post(BASE, AUTHORISED)
    assert (status, [e["pointer"] for e in body["errors"]]) == (422, ["/granted_by"])
    await caller.post(BASE, ROW)
    status, made, _ = await caller.post(BASE, AUTHORISED)
    assert (status, made["granted_by"]) == (201, LEADER)
    onward = {**AUTHORISED, "official": "official:x", "granted_by": AUTHORISED["official"]}
    status, body, _ = await caller.post(BASE, onward)
    assert (status, [e["pointer"] for e in body["errors"]]) == (422, ["/granted_by"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"official": "agency:H55.12"}, "/official"),
        ({"capacities": []}, "/capacities"),
        ({"capacities": ["PT."]}, "/capacities/0"),
        ({"valid_to": "2025-01-01"}, "/valid_to"),
        ({"valid_from": "hôm nay"}, "/valid_from"),
        ({"legal_basis": {"number": "", "date": "2025-12-30"}}, "/legal_basis/number"),
        ({"legal_basis": None}, "/legal_basis"),
        ({"certificate": {}}, "/certificate"),
        ({"certificate": {"serial": "5a"}}, "/certificate"),
        ({"certificate": {"sha256": "ab" * 32, "serial": "5a", "issuer": "CA"}}, "/certificate"),
        ({"document_kinds": ["Quyết định"]}, "/document_kinds/0"),
        ({"surprise": 1}, "/surprise"),
        # The clock says 2 November 2026: a decision of tomorrow is none, and nothing begins before.
        ({"legal_basis": {"number": "1/QĐ", "date": "2099-01-01"}}, "/legal_basis/date"),
        ({"legal_basis": {"number": "1/QĐ", "date": "2026-11-03"}}, "/legal_basis/date"),
        ({"legal_basis": {"number": "1/QĐ", "date": "2026-01-02"}}, "/valid_from"),
    ],
)
@on_sqlite
async def test_wrong_rows_are_named_field_by_field(world, change, pointer):
    """Nothing is entered, and the place is told."""
    caller = await world()
    status, body, _ = await caller.post(BASE, {**ROW, **change})
    assert status == 422, body
    assert pointer in [e["pointer"] for e in body["errors"]]
    assert (await caller.get(BASE))[1]["data"] == []


@on_sqlite
async def test_a_decision_of_today_grants_from_today_on(world, clock):
    """Its day is Vietnam's: at 06:59 there it is still yesterday in UTC."""
    caller = await world()
    clock.set(datetime(2026, 11, 2, 23, 59, tzinfo=UTC))  # 3 November, 06:59
    today = {"valid_from": "2026-11-03", "legal_basis": {"number": "1/QĐ", "date": "2026-11-03"}}
    status, made, _ = await caller.post(BASE, {**ROW, **today})
    assert (status, made["in_force"]) == (201, True)
    tomorrow = {"legal_basis": {"number": "2/QĐ", "date": "2026-11-04"}}
    status, body, _ = await caller.post(BASE, {**ROW, **tomorrow})
    assert {e["pointer"]: e["detail"] for e in body["errors"]} == {
        "/legal_basis/date": "Quyết định không thể mang ngày ở tương lai (04.11.2026).",
        "/valid_from": "Thẩm quyền không thể bắt đầu trước ngày 04.11.2026 của quyết định.",
    }


@on_sqlite
async def test_a_certificate_is_named_either_way(world):
    """By hash, or by serial and issuer."""
    caller = await world()
    for named in ({"sha256": "ab" * 32}, {"serial": "5A:0B", "issuer": "CA phục vụ G2"}):
        status, made, _ = await caller.post(BASE, {**ROW, "certificate": named})
        assert status == 201
        assert {k: v for k, v in made["certificate"].items() if v is not None} == named


@on_sqlite
async def test_the_register_is_listed_and_filtered(world):
    """Newest first, by agency, official and role; another portal sees nothing."""
    caller = await world()
    rows = ({}, {"agency_code": "H55.13"}, {"role": "agency", "capacities": [None]})
    made = [(await caller.post(BASE, {**ROW, **changes}))[1]["id"] for changes in rows]
    _, page, _ = await caller.get(f"{BASE}?limit=2")
    assert ([r["id"] for r in page["data"]], page["has_more"]) == (made[:0:-1], True)
    for query, found in (
        ("agency_code=H55.13", made[1:2]), ("role=agency", made[2:]), ("official=official:x", []),
    ):  # fmt: skip
        _, page, _ = await caller.get(f"{BASE}?{query}")
        assert [r["id"] for r in page["data"]] == found
    stranger = await world(name="portal-khac")
    assert (await stranger.get(BASE))[1]["data"] == []
    assert (await stranger.get(f"{BASE}/{made[0]}"))[0] == 404
    assert (await stranger.post(f"{BASE}/{made[0]}/end", {"reason": "không phải của tôi"}))[
        0
    ] == 404


@on_sqlite
async def test_entering_and_reading_are_rights_of_their_own(world):
    """Who signs documents does not by that enter who may."""
    signer = await world(scopes=("documents:sign", "documents:write", "authority:read"))
    status, body, _ = await signer.post(BASE, ROW)
    assert (status, body["code"]) == (403, "missing_scope")
    writer = await world(scopes=("authority:write",))
    status, made, _ = await writer.post(BASE, ROW, key="k")
    assert status == 201
    assert (await writer.get(BASE))[0] == 403
    status, again, headers = await writer.post(BASE, ROW, key="k")
    assert (status, again, headers["Idempotent-Replayed"]) == (201, made, "true")
    assert (await signer.get(f"{BASE}/{made['id']}"))[0] == 200
