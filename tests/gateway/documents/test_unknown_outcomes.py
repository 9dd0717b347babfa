"""A key's service that may have signed: a person decides whether to sign again, no program does."""

from __future__ import annotations

import aiohttp
import pytest

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
