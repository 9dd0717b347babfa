"""An agency's act: the clerk's four or the seal alone, and what the official is told before."""

from __future__ import annotations

import json

import aiohttp
import pytest

from gateway.documents.agency_acts import NUMBERED, SEAL_ONLY, confirmations_of, parts_of
from gateway.documents.requests import NewStep
from gateway.documents.rules import KeyUse
from gateway.foundation.problems import Problem
from signing.contract import Confirmation, Level
from tests.gateway.documents.desk import CLERK, LEADER, NUMBER, SEAL, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import (
    ALL_HANDED,
    ALL_REMOTE,
    ONE_STEP,
    REMOTE,
    TWO_STEPS,
    RemoteDesk,
)
from tests.support.edge import make_edge, portal, serve
from tests.support.remote_paper import RemotePaper, desktop_signed

SEAL_ALONE = (*ONE_STEP, NewStep("agency", SEAL, parts=("seal",)))


@pytest.mark.parametrize(
    ("role", "asked", "numbered", "parts"),
    [
        ("person", None, True, None),
        ("agency", None, True, NUMBERED),
        ("agency", None, False, SEAL_ONLY),
        ("agency", ["seal"], True, SEAL_ONLY),
        ("agency", ["number", "day", "month", "seal"], True, NUMBERED),
    ],
)
def test_what_an_act_consists_of(role, asked, numbered, parts):
    assert parts_of(role, asked, numbered=numbered) == parts


@pytest.mark.parametrize(
    ("role", "asked", "numbered"),
    [
        ("person", ["seal"], True),
        ("agency", ["number", "day", "month", "seal"], False),
        ("agency", ["number", "seal"], True),
        ("agency", ["seal", "seal"], True),
    ],
)
def test_other_compositions_are_faults(role, asked, numbered):
    with pytest.raises(ValueError, match=r"parts|document_number"):
        parts_of(role, asked, numbered=numbered)


@pytest.mark.parametrize(
    ("use", "times"),
    [
        (REMOTE, 4),
        (KeyUse(Confirmation.HERE, "mysign", asks_each=True), 4),  # the CSC dialect
        (KeyUse(Confirmation.HERE, "csc"), 1),
        (KeyUse(Confirmation.HERE, "pkcs11"), 1),
        (KeyUse(Confirmation.HAND_OFF, "vgca"), 1),
    ],
)
def test_how_often_the_owner_is_asked(use, times):
    assert confirmations_of(use, NUMBERED) == times
    assert confirmations_of(use, SEAL_ONLY) == confirmations_of(use, None) == 1


async def finished(desk, request):
    """Every confirmation that is asked for is given; how many there were."""
    before = len(desk.provider.sendings)
    while (await desk.get(request)).status == "signing":
        desk.provider.confirm()
        await desk.later(minutes=1)
    return len(desk.provider.sendings) - before


@on_sqlite
async def test_the_seal_alone_is_one_confirmation(database, clock, tmp_path):
    """The document says its number already; the request keeps it as what it is about."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper())
    request = await desk.open(SEAL_ALONE)
    assert request.document_number == NUMBER
    assert [step.confirmations for step in request.steps] == [1, 1]
    await desk.sign(request)
    await finished(desk, request)
    await desk.sign(request, CLERK)
    assert await finished(desk, request) == 0
    assert len(desk.provider.sendings) == 2
    assert len((await desk.revisions(request))[-1].field_names) == 1


@on_sqlite
async def test_the_desktop_is_told_no_number_for_the_seal_alone(database, clock, tmp_path):
    """It would stamp it a second time."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED)
    request = await desk.open(SEAL_ALONE)
    given = (await desk.sign(request)).confirmation.hand_off
    pdf = desktop_signed(
        await desk.desk.documents.contents.open(TENANT, request.document_id, "latest"),
        "official-rsa",
        level=Level.B_LTA,
    )
    await desk.desk.confirmations._hand_off.upload(given.upload_url.split("/")[-2], pdf)
    argument = json.loads((await desk.sign(request, CLERK)).confirmation.hand_off.argument)
    assert (argument["DocNumber"], argument["IssuedDate"]) == ("", "")


@pytest.fixture
async def world(sqlite, clock, tmp_path):
    desk = RemoteDesk.make(sqlite, clock, tmp_path, RemotePaper(), ALL_REMOTE)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:
        yield desk, await portal(edge, server, session)
    await server.close()


async def test_who_opens_an_act_is_told_of_its_confirmations(world):
    """Four, in the answer and in words, with the way around; gone from the step once signed."""
    desk, caller = world
    document = (await desk.open(TWO_STEPS)).document_id
    seen = (await desk.database.read(lambda c: desk.desk.renderers["doc"](c, [document])))[document]
    assert seen["signature_request"]["status"] == "waiting"
    requests = await caller.get("/v1/signature-requests")
    person, agency = requests[1]["data"][0]["steps"]
    assert (person["parts"], person["confirmations"], person["warnings"]) == (None, 1, [])
    assert agency["parts"] == ["number", "day", "month", "seal"]
    assert agency["confirmations"] == 4
    (warning,) = agency["warnings"]
    assert "4 lần xác nhận" in warning
    assert "parts = [seal]" in warning


async def test_a_wrong_composition_is_named_by_its_step(world):
    """Each fault at its place."""
    desk, _ = world
    with pytest.raises(Problem) as refused:
        await desk.open((NewStep("person", LEADER, parts=("seal",)), NewStep("agency", SEAL)))
    (error,) = refused.value.errors
    assert (error.pointer, error.code) == ("/steps/0/parts", "invalid_parts")


async def test_the_composition_comes_over_http(world):
    """``parts`` of the step, checked for its words by the schema."""
    desk, caller = world
    opened = await desk.open()
    await desk.sign(opened)
    await finished(desk, opened)
    body = {
        "document_id": opened.document_id,
        "document_number": NUMBER,
        "steps": [
            {"role": "person", "signer": LEADER},
            {"role": "agency", "signer": SEAL, "parts": ["seal"]},
        ],
    }
    status, answer, _ = await caller.post("/v1/signature-requests", body)
    assert status == 201, answer
    assert answer["steps"][1]["parts"] == ["seal"]
    body["steps"][1]["parts"] = ["stamp"]
    status, answer, _ = await caller.post("/v1/signature-requests", body)
    assert (status, answer["code"]) == (422, "validation_failed")
