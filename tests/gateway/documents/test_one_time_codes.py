"""A key that wants a one-time code beside the PIN gets it, and nobody else does."""

from __future__ import annotations

import aiohttp

from gateway.documents.request_http import SignBody
from tests.gateway.documents.desk import LEADER, on_sqlite
from tests.gateway.documents.test_documents_http import upload
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf

STEPS = [{"role": "person", "signer": LEADER}]


@on_sqlite
async def test_pin_and_code_reach_the_key(desk, paper):
    """Both, and only in the order; a repetition with another code is the same act."""
    seen = []

    async def look(order):
        seen.append((order.pin, order.otp))
        assert "135790" not in repr(order)

    paper.before_sign = look
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        official = await portal(edge, server, session, official=LEADER)
        document = await upload(caller, plain_pdf())
        body = {"document_id": document["id"], "steps": STEPS}
        _, request, _ = await caller.post("/v1/signature-requests", body)
        path = f"/v1/signature-requests/{request['id']}/sign"
        given = {"pin": "246810", "otp": "135790"}
        status, answer, _ = await official.post(path, given, key="once")
        assert (status, answer["status"]) == (200, "signed")
        status, again, _ = await official.post(path, given | {"otp": "000000"}, key="once")
        assert (status, again) == (200, answer)
    await server.close()
    assert seen == [("246810", "135790")]


def test_a_code_is_not_shown():
    assert "135790" not in repr(SignBody(otp="135790"))
