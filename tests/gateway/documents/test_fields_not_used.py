"""What a key cannot use is refused when it is given, never left aside without a word."""

from __future__ import annotations

import dataclasses

import aiohttp
import pytest

from gateway.documents.requests import NewStep
from gateway.documents.rules import KeyUse
from gateway.foundation.problems import Problem
from signing.contract import Confirmation
from tests.gateway.documents.desk import (
    AUTHORITY,
    CLERK,
    LEADER,
    NUMBER,
    SEAL,
    Desk,
    on_sqlite,
)
from tests.gateway.documents.elsewhere import ALL_HANDED, ALL_REMOTE, HANDED, RemoteDesk
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import PaperSignatures
from tests.support.remote_paper import RemotePaper

PLACE = {"page": 1, "rect_mm": [110.0, 200.0, 60.0, 20.0], "anchor": None, "over_text": False}
PERSON = NewStep("person", LEADER, "KT.", "Chủ tịch", PLACE)
APP = {"official-rsa": KeyUse(asks_each=True, takes_otp=False)}
FILES = {"official-rsa": KeyUse(takes_otp=False)}


def errors_of(problem):
    return [(error.pointer, error.code) for error in problem.errors]


async def refused(awaitable):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert all(error.detail.endswith(".") for error in caught.value.errors)
    return errors_of(caught.value)


@pytest.mark.parametrize("position", [0, 1])
@on_sqlite
async def test_a_place_on_a_step_of_the_desktop_signer_is_refused_when_asked(
    database, clock, tmp_path, position
):
    """Its protocol carries no place: the official chooses one in the program's window."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED)
    steps = [NewStep("person", LEADER), NewStep("agency", SEAL)]
    steps[position] = dataclasses.replace(steps[position], placement=PLACE)
    expected = [(f"/steps/{position}/placement", "placement_not_supported")]
    assert await refused(desk.open(tuple(steps))) == expected


@on_sqlite
async def test_a_place_on_another_step_of_the_same_request_is_kept(database, clock, tmp_path):
    """Only the step that is handed off cannot have one."""
    uses = {"official-rsa": HANDED}
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), uses)
    request = await desk.open((NewStep("person", LEADER), NewStep("agency", SEAL, placement=PLACE)))
    assert request.steps[1].placement == PLACE


@on_sqlite
async def test_a_key_that_went_to_the_desk_after_the_request_was_opened(database, clock, tmp_path):
    """The operator changed its kind: the step is refused when it is signed, and stays open."""
    here = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), {})
    request = await here.open((PERSON,))
    desk = here.restarted(ALL_HANDED)
    with pytest.raises(Problem) as caught:
        await desk.sign(request)
    assert caught.value.code == "placement_not_supported"
    assert (await desk.get(request)).status == "waiting"


@pytest.mark.parametrize("uses", [ALL_REMOTE, ALL_HANDED, APP], ids=["elsewhere", "desk", "app"])
@pytest.mark.parametrize("given", ["pin", "otp"])
@on_sqlite
async def test_a_secret_that_nobody_uses_is_refused(database, clock, tmp_path, uses, given):
    """A PIN sent where none is asked for is a mistake worth hearing of; nothing was begun."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), uses)
    request = await desk.open()
    assert await refused(desk.sign(request, **{given: "246810"})) == [(f"/{given}", "not_used")]
    assert await desk.acts() == []
    assert (await desk.get(request)).status == "waiting"


@on_sqlite
async def test_a_code_for_a_key_in_a_file_is_refused(database, clock, tmp_path):
    """Its PIN is taken."""
    authority = dataclasses.replace(AUTHORITY, uses=FILES)
    desk = Desk.make(database, clock, tmp_path, PaperSignatures(), authority)
    request = await desk.open(await desk.document())
    assert await refused(desk.sign(request, LEADER, "1", otp="2")) == [("/otp", "not_used")]
    assert (await desk.sign(request, LEADER, "1")).steps[0].status == "signed"


@on_sqlite
async def test_who_asks_is_judged_before_what_they_send(database, clock, tmp_path):
    """A stranger learns nothing of the key."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper())
    request = await desk.open()
    with pytest.raises(Problem) as caught:
        await desk.sign(request, CLERK, pin="1")
    assert caught.value.code == "not_your_step"


@on_sqlite
async def test_a_pin_for_a_batch_confirmed_elsewhere_is_refused(database, clock, tmp_path):
    """Over HTTP, where it comes in; without it the same batch begins."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper())
    requests = [request.id for request in await desk.open_many(2)]
    edge = make_edge(database, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:
        official = await portal(edge, server, session, official=LEADER)
        path = "/v1/signing-batches"
        status, body, _ = await official.post(path, {"requests": requests, "pin": "246810"})
        assert (status, body["errors"][0]["pointer"]) == (422, "/pin")
        assert body["errors"][0]["code"] == "not_used"
        status, body, _ = await official.post(path, {"requests": requests})
        assert (status, body["waiting"]) == (201, 2)
    await server.close()


@on_sqlite
async def test_the_number_and_the_parts_reach_the_desktop_signer(database, clock, tmp_path):
    """What its protocol does carry is no error."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED)
    request = await desk.open((NewStep("person", LEADER), NewStep("agency", SEAL, parts=["seal"])))
    assert request.document_number == NUMBER
    assert request.steps[1].parts == ["seal"]
    assert Confirmation.HAND_OFF is HANDED.confirmation
