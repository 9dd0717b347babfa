"""What a revoked certificate touches, and where each signature stands against the revocation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.evidence.touched import Standing, standing
from gateway.documents.requests import NewStep
from signing.contract import ActEvidence
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, SEAL, on_sqlite
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import PaperSignatures

PIN = "246810"
SIGNED = datetime(2026, 11, 2, 2, tzinfo=UTC)  # by every paper signature
LEADERS = PaperSignatures.certificate_sha256("official-rsa")


@pytest.fixture
async def caller(database, clock, desk):
    edge = make_edge(database, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        yield await portal(edge, server, session)
    await server.close()


@pytest.fixture
def proven(paper):
    """Lets the test say when the signatures of each order are proven to have existed."""
    moments = []

    def leaves(order):
        at = moments.pop(0) if moments else None
        return ActEvidence((order.credential.encode(),), (), (), (), (), (), "RSASSA-PSS", at)

    paper.leaves = leaves
    return moments


async def signed_by_leader(desk, count=1):
    documents = []
    for _ in range(count):
        document = await desk.document()
        request = await desk.open(document, (NewStep("person", LEADER),), None)
        await desk.sign(request, LEADER, PIN)
        documents.append(document.id)
    return documents


async def test_each_document_stands_before_after_or_unproven(desk, caller, proven):
    """Only a proven time clears a signature; a claim alone does not."""
    revoked = SIGNED + timedelta(hours=1)
    proven += [SIGNED + timedelta(minutes=1), SIGNED + timedelta(hours=2), None]
    documents = await signed_by_leader(desk, 3)
    query = f"?revoked_at={(revoked + timedelta(hours=7)):%Y-%m-%dT%H:%M:%S}%2B07:00"
    status, body, _ = await caller.get(f"/v1/certificates/{LEADERS}/documents{query}")
    assert status == 200, body
    assert body["revoked_at"] == "2026-11-02T10:00:00+07:00"
    assert [(d["document_id"], d["standing"]) for d in body["data"]] == [
        (documents[2], "unproven"), (documents[1], "after_revocation"),
        (documents[0], "before_revocation"),
    ]  # fmt: skip
    first = body["data"][-1]
    assert (first["official"], first["role"], first["level"]) == (LEADER, "person", "B-LTA")
    assert (first["signed_at"], first["proven_time"]) == (
        "2026-11-02T09:00:00+07:00", "2026-11-02T09:01:00+07:00",
    )  # fmt: skip
    assert all(d["sentence"].endswith(".") for d in body["data"])


@on_sqlite
async def test_only_this_certificate_and_this_portal(desk, caller, proven):
    """Others' acts are not the leader's; without a date nothing is compared."""
    document = await desk.document()
    steps = (
        NewStep("initial", DEPUTY),
        NewStep("person", LEADER),
        NewStep("agency", SEAL),
    )
    request = await desk.open(document, steps, None)
    for official in (DEPUTY, LEADER, CLERK):
        await desk.sign(request, official, PIN)
    for credential, role in (("official-ec", "initial"), ("agency", "agency")):
        digest = PaperSignatures.certificate_sha256(credential)
        _, body, _ = await caller.get(f"/v1/certificates/{digest}/documents")
        assert [(d["role"], d["standing"]) for d in body["data"]] == [(role, "not_compared")]
    _, body, _ = await caller.get(f"/v1/certificates/{'0' * 64}/documents")
    assert (body["data"], body["has_more"]) == ([], False)


@on_sqlite
async def test_pages_turn_and_wrong_questions_are_named(desk, caller, proven):
    """Newest first; ``after`` is what the page before gave as ``next``."""
    documents = await signed_by_leader(desk, 3)
    path = f"/v1/certificates/{LEADERS}/documents"
    _, first, _ = await caller.get(f"{path}?limit=2")
    assert [d["document_id"] for d in first["data"]] == documents[:0:-1]
    _, rest, _ = await caller.get(f"{path}?limit=2&after={first['next']}")
    assert ([d["document_id"] for d in rest["data"]], rest["next"]) == (documents[:1], None)
    _, none, _ = await caller.get(f"{path}?created_from=2026-11-03T00:00:00%2B07:00")
    assert none["data"] == []
    for wrong, pointer in (
        ("?after=x", "/after"), ("?revoked_at=hom-qua", "/revoked_at"), ("?odd=1", "/odd"),
    ):  # fmt: skip
        status, body, _ = await caller.get(path + wrong)
        assert (status, [e["pointer"] for e in body["errors"]]) == (422, [pointer])
    assert (await caller.get("/v1/certificates/abc/documents"))[0] == 422


_moments = st.integers(-5000, 5000).map(lambda m: SIGNED + timedelta(minutes=m))


@given(_moments, st.none() | _moments, _moments)
def test_nothing_stands_before_a_revocation_without_proof(signed_at, proven_time, revoked_at):
    """Whatever a signature claims."""
    found = standing(signed_at, proven_time, revoked_at)
    assert (found is Standing.BEFORE) == (proven_time is not None and proven_time < revoked_at)
    assert found is not Standing.NOT_COMPARED
    if signed_at >= revoked_at and proven_time is None:
        assert found is Standing.AFTER
