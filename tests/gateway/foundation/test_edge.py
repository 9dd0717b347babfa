"""The edge over a real socket: problems, idempotency, keys, limits, strict JSON."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from typing import Annotated

import aiohttp
import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.foundation.access import Keys, is_well_formed, make_secret
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from gateway.foundation.decode import normalised, read_text
from gateway.foundation.openapi import document
from gateway.foundation.problems import Problem
from gateway.foundation.web import Call, Reply, Route
from tests.support.edge import PEPPER, make_edge, portal, serve

pytestmark = pytest.mark.long_on_postgresql


class Item(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    amount: Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class Order(msgspec.Struct, forbid_unknown_fields=True):
    reference: str
    items: Annotated[list[Item], msgspec.Meta(max_length=3)]
    note: str | None = None


class Echo(msgspec.Struct):
    reference: str
    times: int


class Desk:
    """A tiny capability: it counts how often its work really ran."""

    def __init__(self) -> None:
        self.ran = 0

    async def create(self, call: Call[Order]) -> Reply:
        def work(connection: sa.Connection) -> Reply:
            self.ran += 1
            if call.body.reference == "refuse":
                raise Problem("conflict", "Không được.")
            if call.body.reference == "crash":
                raise RuntimeError("boom 0912345678")
            return Reply(Echo(call.body.reference, self.ran), 201)

        return await call.once(work)

    def routes(self) -> list[Route]:
        return [
            Route(
                "POST", "/v1/echoes", self.create, "payments:write", "Echo",
                body=Order, reply=Echo, status=201, idempotent=True,
            )
        ]  # fmt: skip


GOOD = {"reference": "H55", "items": [{"name": "Phí", "amount": 1}]}


@pytest.fixture
async def desk(database: Database, clock: FakeClock):
    desk, edge = Desk(), make_edge(database, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        desk.portal = await portal(edge, server, session)
        desk.reader = await portal(edge, server, session, scopes=("payments:read",))
        desk.other = await portal(edge, server, session, name="other")
        desk.edge, desk.base = edge, desk.portal.base
        yield desk
    await server.close()


async def test_a_replay_answers_the_same_bytes_and_works_once(desk):
    """Ten concurrent retries of one request: one execution, one answer."""
    answers = await asyncio.gather(
        *(desk.portal.post("/v1/echoes", GOOD, key="k-1") for _ in range(10))
    )
    assert {s for s, _, _ in answers} == {201}
    assert {b["times"] for _, b, _ in answers} == {1}
    assert sum(h.get("Idempotent-Replayed") == "true" for _, _, h in answers) == 9


async def test_a_quoted_key_and_a_reserialised_body_are_the_same_request(desk):
    """Structured-field strings and other key order are no other content."""
    await desk.portal.post("/v1/echoes", GOOD, key="k-2")
    turned = {"items": [{"amount": 1, "name": "Phí"}], "reference": "H55"}
    status, body, headers = await desk.portal.post("/v1/echoes", turned, key='"k-2"')
    assert (status, body["times"], headers["Idempotent-Replayed"]) == (201, 1, "true")


async def test_the_same_key_with_other_content_is_refused(desk):
    """422, and nothing runs."""
    await desk.portal.post("/v1/echoes", GOOD, key="k-3")
    status, body, _ = await desk.portal.post("/v1/echoes", {**GOOD, "reference": "X"}, key="k-3")
    assert (status, body["code"], desk.ran) == (422, "idempotency_key_reused", 1)


async def test_keys_of_two_portals_never_meet(desk):
    """The scope of a key is its tenant."""
    await desk.portal.post("/v1/echoes", GOOD, key="k-4")
    status, body, _ = await desk.other.post("/v1/echoes", {**GOOD, "reference": "Y"}, key="k-4")
    assert (status, body["times"]) == (201, 2)


async def test_an_unknown_parameter_is_told_by_every_operation(desk):
    """A typing error in the address changes nothing."""
    address = "/v1/echoes?dry_run=1&limit=2&dry_run=2"
    status, body, _ = await desk.portal.post(address, GOOD, key="k-5")
    assert (status, body["code"], desk.ran) == (422, "validation_failed", 0)
    found = [(e["pointer"], e["code"]) for e in body["errors"]]
    assert found == [("/dry_run", "unknown_field"), ("/limit", "unknown_field")]


async def test_a_missing_or_odd_key_is_named(desk):
    """400 with its own code."""
    status, body, _ = await desk.portal.post("/v1/echoes", GOOD, key=None)
    assert (status, body["code"]) == (400, "idempotency_key_required")
    status, body, _ = await desk.portal.post("/v1/echoes", GOOD, key="x" * 256)
    assert (status, body["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("reference", ["refuse", "crash"])
async def test_refusals_and_faults_are_not_frozen(desk, reference):
    """The same key may be tried again and really runs again."""
    body = {**GOOD, "reference": reference}
    first = await desk.portal.post("/v1/echoes", body, key="k-5")
    second = await desk.portal.post("/v1/echoes", body, key="k-5")
    assert first[0] == second[0] in (409, 500)
    assert desk.ran == 2
    assert "0912345678" not in str(second[1])


async def test_every_wrong_field_is_named_at_once(desk):
    """Pointers for unknown, missing, ill-typed and out-of-range fields; floats are no money."""
    bad = {"items": [{"name": "", "amount": 1.0}, {"amount": -5}], "extra": 1}
    status, body, _ = await desk.portal.post("/v1/echoes", bad)
    assert status == 422
    assert {e["pointer"] for e in body["errors"]} == {
        "/extra", "/reference", "/items/0/name", "/items/0/amount", "/items/1/name",
        "/items/1/amount",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b"\xff",
        b'{"reference":NaN}',
        b"[" * 5000,
        b'{"reference": "\\ud800"}',
    ],
    ids=[
        "empty",
        "cut",
        "duplicate key",
        "escaped duplicate",
        "not utf-8",
        "nan",
        "deep",
        "surrogate",
    ],
)
async def test_unreadable_json_is_a_400(desk, raw):
    """Never a 500, never half read."""
    async with desk.portal.session.post(
        desk.base + "/v1/echoes",
        data=raw,
        headers={
            "Authorization": f"Bearer {desk.portal.secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": "k",
        },
    ) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["code"] == "invalid_json"


async def test_a_large_body_is_refused(desk):
    """413 before it is parsed."""
    status, body, _ = await desk.portal.post(
        "/v1/echoes",
        data=io.BytesIO(b" " * 1_100_000),
        headers={"Content-Type": "application/json"},
    )
    assert (status, body["code"]) == (413, "body_too_large")


async def test_decomposed_vietnamese_is_composed(desk):
    """NFD from some phones becomes NFC before anything sees it."""
    status, body, _ = await desk.portal.post(
        "/v1/echoes", {**GOOD, "reference": "Le\u0323\u0302 phi\u0301"}
    )
    assert (status, body["reference"]) == (201, "Lệ phí")


async def test_bad_keys_missing_scopes_expiry_and_revocation(desk, clock):
    """401 and 403 with codes; a typing error is seen without asking the database."""
    good = desk.portal.secret
    for secret, code in (("nonsense", "unauthenticated"), (good[:-1] + "x", "unauthenticated")):
        desk.portal.secret = secret
        status, body, _ = await desk.portal.post("/v1/echoes", GOOD)
        assert (status, body["code"]) == (401, code)
    status, body, _ = await desk.reader.post("/v1/echoes", GOOD)
    assert (status, body["code"]) == (403, "missing_scope")
    made = await desk.edge.keys.create("p", "test", ["*"], expires_in=timedelta(hours=1))
    desk.portal.secret = made.secret
    assert (await desk.portal.post("/v1/echoes", GOOD))[0] == 201
    clock.advance(3601)
    assert (await desk.portal.post("/v1/echoes", GOOD))[1]["code"] == "key_expired"
    revoked = await desk.edge.keys.create("p", "test", ["*"])
    desk.portal.secret = revoked.secret
    assert (await desk.portal.post("/v1/echoes", GOOD))[0] == 201
    await desk.edge.keys.revoke(revoked.id)
    assert (await desk.portal.post("/v1/echoes", GOOD))[1]["code"] == "key_revoked"


async def test_a_gateway_serves_the_keys_of_its_own_mode_only(sqlite, clock):
    """A test key never reaches live accounts, a live key never a simulator."""
    both = Keys(sqlite, clock, PEPPER)
    live = Keys(sqlite, clock, PEPPER, ("live",))
    made = await both.create("p", "test", ["*"])
    assert (await both.identify(made.secret)).mode == "test"
    with pytest.raises(Problem, match="wrong_mode"):
        await live.identify(made.secret)
    with pytest.raises(Problem, match="invalid_request"):
        await live.create("p", "test", ["*"])


def test_a_key_text_survives_no_single_change():
    """The offline checksum sees every one-character error."""
    secret = make_secret("live")
    assert is_well_formed(secret)
    body = len("mc_live_")
    for index in range(body, len(secret)):
        other = "0" if secret[index] != "0" else "1"
        assert not is_well_formed(secret[:index] + other + secret[index + 1 :])


async def test_unknown_paths_are_problems_too(desk):
    """404 and 405 speak RFC 9457 and carry the caller's request id, in either language."""
    status, body, headers = await desk.portal.get(
        "/v1/none", headers={"X-Request-Id": "abc-1", "Accept-Language": "en, vi;q=0.5"}
    )
    assert (status, body["code"], body["title"]) == (404, "not_found", "Not found")
    assert headers["X-Request-Id"] == body["trace_id"] == "abc-1"
    assert headers["Content-Type"].startswith("application/problem+json")
    assert (await desk.portal.get("/v1/echoes"))[1]["code"] == "method_not_allowed"


async def test_a_portal_that_calls_too_often_is_told_when_to_come_back(sqlite, clock):
    """429 with Retry-After; the next second is free again."""
    desk, edge = Desk(), make_edge(sqlite, clock, per_second=3)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        statuses = [(await caller.post("/v1/echoes", GOOD))[0] for _ in range(5)]
        assert statuses == [201, 201, 201, 429, 429]
        clock.advance(1)
        assert (await caller.post("/v1/echoes", GOOD))[0] == 201
    await server.close()


def test_openapi_shows_types_scopes_and_keys():
    """The contract is generated from the same types that read the bodies."""
    api = document(Desk().routes(), "1", "http://x")
    operation = api["paths"]["/v1/echoes"]["post"]
    assert operation["x-scope"] == "payments:write"
    assert operation["parameters"][0]["name"] == "Idempotency-Key"
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Order"
    }
    assert api["components"]["schemas"]["Item"]["properties"]["amount"]["minimum"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1}', b' { "a" : [1, 2.5, true, null, "x"] } ', b'{"a":"\\u0111"}', b'"\xc4\x91"',
        b'{"a":1e3}', b'{"a":1.0}', b'{"a":"e\xcc\x81"}', b"[]", b"0",
    ],
)  # fmt: skip
def test_the_fast_reading_says_what_the_strict_one_says(raw):
    """Whatever path a body takes, its meaning is the same."""
    assert read_text(raw) == normalised(json.loads(raw))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_json_reads_back(value):
    """Strings come out in NFC, everything else as it was."""
    assume("\\ud" not in json.dumps(value))
    assume("\\u0000" not in json.dumps(value))  # refused by name, see the tests of NUL
    assert read_text(json.dumps(value, ensure_ascii=False).encode()) == normalised(value)


@pytest.mark.parametrize("secret", ["\u00e9" * 38, "mc_test_" + "\u00e9" * 32, "\udcff"])
async def test_a_key_that_is_no_key_text_is_unauthenticated(sqlite, clock, secret):
    with pytest.raises(Problem) as refused:
        await Keys(sqlite, clock, PEPPER).identify(secret)
    assert refused.value.code == "unauthenticated"
