"""Extending, raising and renewing with the product's own signing service, by HTTP and command."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import aiohttp
import msgspec
import pytest

from gateway.documents import store
from gateway.foundation.clock import SystemClock
from gateway.foundation.database import Database
from gateway.migrations import run as migrations
from gateway.renewal import renew
from gateway.settings import Settings
from signing.contract import Level, Role, SignOrder, Verdict
from signing.devpki.server import Faults
from signing.evidence.answers_at_hand import AnswersAtHand
from tests.gateway.documents.desk import CLERK, LEADER, NUMBER, SEAL, STEPS, TENANT, Desk
from tests.gateway.documents.test_documents_http import upload
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf


@pytest.fixture
def pki(running_pki):
    running_pki.faults = Faults()
    yield running_pki
    running_pki.faults = Faults()


@pytest.fixture
async def desk(sqlite, clock, tmp_path, real_signatures):
    return Desk.make(sqlite, clock, tmp_path, real_signatures)


@pytest.fixture
async def world(desk, sqlite, clock):
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield caller
    await server.close()


async def content(caller, document):
    address = f"{caller.base}{document['content_path']}"
    headers = {"Authorization": f"Bearer {caller.secret}"}
    async with caller.session.get(address, headers=headers) as response:
        return await response.read()


@pytest.fixture
def elsewhere(real_signatures):
    """A file that was signed without us."""

    async def make(level):
        order = SignOrder(plain_pdf(), "official-rsa", Role.INVISIBLE, Level(level))
        return (await real_signatures.sign(order)).pdf

    return make


async def test_a_document_signed_elsewhere_is_extended(world, elsewhere, real_signatures, pki):
    """Validation data for others' signatures, an archive stamp, a new revision; same key, same
    answer; a second order renews."""
    caller, pdf = await world(), await elsewhere("B-B")
    made = await upload(caller, pdf)
    assert made["provable_until"] is not None
    assert made["level"] is None
    path = f"/v1/documents/{made['id']}/extend"
    status, body, _ = await caller.post(path, {}, key="once")
    assert (status, body["level"], body["revision"]) == (200, "B-LTA", 1), body
    assert body["preservation"] is None
    assert body["provable_until"] > made["provable_until"]
    extended = await content(caller, body)
    assert extended.startswith(pdf)
    assert hashlib.sha256(extended).hexdigest() == body["sha256"]
    assert (await real_signatures.validate(extended)).verdict is Verdict.VALID
    status, again, headers = await caller.post(path, {}, key="once")
    assert (status, again) == (200, body)
    assert headers["Idempotent-Replayed"] == "true"
    _, renewed, _ = await caller.post(path, {"level": "B-LTA"})
    assert renewed["revision"] == 2
    _, kept, _ = await caller.post(path, {"level": "B-LT"})
    assert kept["revision"] == 2


async def test_extending_says_why_not(world, elsewhere, pki):
    """No signature, another tenant, a wrong level, services down: a code for each."""
    caller = await world()
    plain = await upload(caller, plain_pdf())
    path = f"/v1/documents/{plain['id']}/extend"
    status, body, _ = await caller.post(path, {})
    assert (status, body["code"], body["reason"]) == (422, "document_refused", "unsigned")
    status, body, _ = await caller.post(path, {"level": "B-B"})
    assert (status, body["code"]) == (422, "validation_failed")
    status, body, _ = await (await world(name="khac")).post(path, {})
    assert (status, body["code"]) == (404, "not_found")
    signed = await upload(caller, await elsewhere("B-B"))
    pki.faults.tsa_down = True
    status, body, _ = await caller.post(f"/v1/documents/{signed['id']}/extend", {})
    assert (status, body["code"], body["retryable"]) == (503, "signing_unavailable", True)


async def test_what_could_not_be_had_is_queued(world, desk, elsewhere, real_signatures, pki):
    """Only the time can be proven now; the rest is added by the worker."""
    caller = await world()
    made = await upload(caller, await elsewhere("B-B"))
    real_signatures._revocation._answers = AnswersAtHand()
    pki.faults.ocsp_down = pki.faults.crl_down = True
    _, body, _ = await caller.post(f"/v1/documents/{made['id']}/extend", {})
    assert body["level"] == "B-T"
    assert body["preservation"]["reason"] == "revocation_unavailable"
    pki.faults = Faults()
    desk.clock.advance(3600)
    assert await desk.raising().once() == 1
    _, body, _ = await caller.get(f"/v1/documents/{made['id']}")
    assert (body["level"], body["preservation"]) == ("B-LTA", None)


async def test_the_person_signs_now_the_clerk_seals_after_the_raising(
    world, desk, real_signatures, pki
):
    """TSA down while the leader signs; the seal is refused, then put on a provable signature."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    order = {
        "document_id": made["id"],
        "steps": [{"role": "person", "signer": LEADER}, {"role": "agency", "signer": SEAL}],
        "document_number": NUMBER,
        "when_unavailable": "sign_and_raise",
    }
    _, request, _ = await caller.post("/v1/signature-requests", order)
    assert request["when_unavailable"] == "sign_and_raise"
    leader, clerk = await world(official=LEADER), await world(official=CLERK)
    sign = f"/v1/signature-requests/{request['id']}/sign"
    pki.faults.tsa_down = True
    status, body, _ = await leader.post(sign, {})
    assert (status, body["status"]) == (200, "waiting")
    status, body, headers = await clerk.post(sign, {})
    assert (status, body["code"]) == (503, "level_pending")
    assert "đang chờ bổ sung bằng chứng" in body["detail"]
    assert headers["Retry-After"]
    pki.faults.tsa_down = False
    desk.clock.advance(3600)
    await desk.raising().once()
    status, body, _ = await clerk.post(sign, {})
    assert (status, body["status"]) == (200, "signed"), body
    pdf = await desk.documents.contents.open(TENANT, made["id"], "latest")
    verdict = await real_signatures.validate(pdf)
    assert verdict.verdict is Verdict.VALID, verdict.summary
    assert {s.level for s in verdict.signatures if s.level} == {"B-LTA"}


async def test_expiring_documents_over_http(world, elsewhere, pki):
    """Within the asked days, soonest first, with a reason in Vietnamese."""
    caller = await world()
    made = [await upload(caller, await elsewhere(level)) for level in ("B-LTA", "B-B")]
    await upload(caller, plain_pdf())
    status, body, _ = await caller.get("/v1/documents/expiring?within_days=36500&limit=1")
    assert (status, [one["id"] for one in body["data"]]) == (200, [made[1]["id"]])
    assert body["data"][0]["reason"] == "signer_certificate"
    assert "hết hạn" in body["data"][0]["detail"]
    _, rest, _ = await caller.get(
        f"/v1/documents/expiring?within_days=36500&limit=1&after={body['next']}"
    )
    assert [one["id"] for one in rest["data"]] == [made[0]["id"]]
    assert not rest["has_more"]
    _, none, _ = await caller.get("/v1/documents/expiring?within_days=30")
    assert none["data"] == []
    for wrong in ("within_days=-1", "within_days=x", "within_days=99999", "days=3", "limit=0"):
        status, body, _ = await caller.get(f"/v1/documents/expiring?{wrong}")
        assert (status, body["code"]) == (422, "validation_failed"), wrong


def settings_for(pki, folder):
    """A gateway's configuration over the development PKI."""
    (folder / "root.pem").write_bytes(pki.pki.root_pem)
    signing = {
        "timestamps": {"urls": [f"{pki.base_url}/tsa"]},
        "trust": {
            "roots": [str(folder / "root.pem")],
            "intermediates": [str(pki.pki.directory / "issuing.pem")],
            "allow_loopback": True,
        },
    }
    given = {
        "database": {"url": f"sqlite:///{folder}/renew.db"},
        "files": {"url": str(folder / "files")},
        "signing": signing,
    }
    return msgspec.convert(given, Settings)


@pytest.mark.long
async def test_the_command_lists_then_renews_what_ends_soon(tmp_path, real_signatures, pki):
    """Every portal's; a dry run changes nothing; a second run finds nothing to do."""
    clock = SystemClock()
    settings = settings_for(pki, tmp_path)
    database = Database(settings.database.url)
    migrations.upgrade(database.engine)
    desk = Desk.make(database, clock, tmp_path, real_signatures)
    made = await desk.document()
    await desk.sign(await desk.open(made, STEPS[:1], number=None), LEADER)
    soon = clock.now() + timedelta(days=10)
    await desk.database.write(
        lambda c: c.execute(
            store.document_revisions.update()
            .where(store.document_revisions.c.number == 1)
            .values(provable_until=soon)
        )
    )
    said = []
    common = {"write": said.append}
    assert await renew(settings, database, clock, timedelta(days=5), dry_run=False, **common) == 0
    assert said.pop() == "gia hạn / renewed 0, lỗi / failed 0\n"
    assert await renew(settings, database, clock, timedelta(days=30), dry_run=True, **common) == 0
    assert said[0].startswith(made.id)
    assert (await desk.documents.get(TENANT, made.id)).revision == 1
    assert await renew(settings, database, clock, timedelta(days=30), dry_run=False, **common) == 0
    seen = await desk.documents.get(TENANT, made.id)
    assert (seen.revision, seen.level) == (2, "B-LTA")
    said.clear()
    assert await renew(settings, database, clock, timedelta(days=30), dry_run=True, **common) == 0
    assert said == ["cần gia hạn / due: 0\n"]
    await database.close()
