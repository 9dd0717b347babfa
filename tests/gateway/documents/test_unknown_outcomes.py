"""A key's service that may have signed: a person decides whether to sign again, no program does."""

from __future__ import annotations

import aiohttp
import pytest

from gateway.documents.rules import KeyUse
from gateway.foundation import idempotency
from gateway.foundation.idempotency import Claim
from gateway.foundation.problems import Problem
from signing.contract import SigningUnavailable
from tests.gateway.documents.desk import LEADER, on_sqlite
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.gateway.documents.test_documents_http import upload
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf
from tests.support.remote_paper import RemotePaper

PIN = "246810"
STEPS = [{"role": "person", "signer": LEADER}]


class Silent:
    """A service that takes the order and never answers."""

    def __init__(self):
        self.asked = 0

    async def __call__(self, order):
        self.asked += 1
        raise SigningUnavailable("outcome_unknown", "Không rõ đã ký hay chưa.", "no answer")


@on_sqlite
async def test_the_same_key_gets_the_same_answer_and_sends_nothing(desk, paper):
    """As the rule for 503 says, a program repeats with its key; a new key is a new decision."""
    paper.before_sign = silent = Silent()
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        official = await portal(edge, server, session, official=LEADER)
        document = await upload(caller, plain_pdf())
        body = {"document_id": document["id"], "steps": STEPS}
        _, request, _ = await caller.post("/v1/signature-requests", body)
        path = f"/v1/signature-requests/{request['id']}/sign"
        status, first, headers = await official.post(path, {}, key="once")
        assert (status, first["reason"], first["retryable"]) == (503, "outcome_unknown", False)
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["X-Request-Id"] == first["trace_id"]
        status, again, headers = await official.post(path, {}, key="once")
        assert (status, again, silent.asked) == (503, first, 1)
        assert headers["Idempotent-Replayed"] == "true"
        assert headers["Content-Type"] == "application/problem+json"
        del paper.before_sign
        status, signed, _ = await official.post(path, {"pin": PIN}, key="another")
        assert (status, signed["status"]) == (200, "signed")
    await server.close()


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


@pytest.fixture
def broken_off(sqlite, clock, tmp_path):
    """A process died over a try with an idempotency key; then the lease ran out."""

    async def die_once(use):
        desk = RemoteDesk.make(sqlite, clock, tmp_path, RemotePaper(), {"official-rsa": use})
        asked = []

        async def die(order):
            asked.append(order)
            if len(asked) == 1:
                raise Crash

        async def lease():
            claim = Claim("scope", "once", "fingerprint", clock.now())
            return await sqlite.write(lambda c: idempotency.begin(c, claim))

        desk.paper.before_sign = die
        request = await desk.open()
        with pytest.raises(Crash):
            await desk.sign(request, lease=await lease())
        clock.advance(65)
        return desk, request, asked, await lease()

    return die_once


async def test_what_was_broken_off_at_a_service_is_not_sent_again_by_its_key(broken_off):
    """The service may have signed; a new key is a person's decision to sign anew."""
    desk, request, asked, lease = await broken_off(KeyUse(provider="csc", at_service=True))
    with pytest.raises(Problem) as refused:
        await desk.sign(request, lease=lease)
    assert (refused.value.status, refused.value.extra["reason"]) == (503, "outcome_unknown")
    assert refused.value.extra["retryable"] is False
    assert (len(asked), (await desk.get(request)).status) == (1, "waiting")
    assert (await desk.sign(request)).status == "signed"


async def test_a_key_that_is_here_simply_signs_again(broken_off):
    """Nobody else knows of the try that was broken off."""
    desk, request, asked, lease = await broken_off(KeyUse(provider="pkcs12"))
    assert (await desk.sign(request, lease=lease)).status == "signed"
    assert len(asked) == 2


@on_sqlite
async def test_a_signer_process_that_is_lost_may_have_sent(database, clock, tmp_path):
    """The same in one process: its child ended in the middle of the call."""
    use = KeyUse(provider="csc", at_service=True)
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), {"official-rsa": use})

    async def lose(order):
        raise SigningUnavailable("signer_died", "Tiến trình ký dừng.", "died")

    desk.paper.before_sign = lose
    with pytest.raises(Problem) as refused:
        await desk.sign(await desk.open())
    assert refused.value.extra == {"reason": "outcome_unknown", "retryable": False}


@pytest.fixture
def here(database, clock, tmp_path):
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(), {})


@on_sqlite
async def test_a_batch_does_not_go_on_sending_into_silence(here):
    """One document is in doubt; the others wait for a person instead of becoming doubtful too."""
    requests = await here.open_many(5)
    here.paper.before_sign = silent = Silent()
    async with here.running():
        stopped = await here.settled(await here.batch(requests), "needs_confirmation")
    assert (silent.asked, stopped.refused, stopped.waiting) == (1, 1, 4)
    assert stopped.items[0].reason.code == stopped.reason.code == "outcome_unknown"
