"""The clerk's act with every kind of key, where the operator has it stamped once."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.scenarios.business import CLERK
from tests.seams.acts import (
    NUMBER,
    PATHS,
    document,
    fetch,
    judge,
    person,
    raised,
    request,
    seal,
    sign,
    upload,
)
from tests.seams.acts import decision as paper
from tests.seams.test_seals import WAYS
from tests.seams.town import calm, living

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

FIELDS = ("Number1", "Day1", "Month1", "Seal1")
ROWS = [pytest.param(way, id=name) for name, way in WAYS.items() if way.service != "vgca"]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def thrifty_town(tmp_path_factory):
    async with living(tmp_path_factory.mktemp("thrifty"), of_an_act="one") as town:
        yield town


@pytest.fixture
def town(thrifty_town):
    calm(thrifty_town)
    yield thrifty_town
    calm(thrifty_town)


async def prepared(town, way, **more):
    """A document that a person has signed and the clerk is to seal."""
    made = await upload(town, paper(heavy=way.heavy))
    steps = person(PATHS["lane"]), seal(way.official)
    asked = await request(town, made, *steps, document_number=NUMBER, **more)
    await sign(town, PATHS["lane"], asked)
    return asked


async def clerks_proof(town, shown):
    """Level and source of time of each of the clerk's signatures, in a valid file."""
    verdict = await judge(town, await fetch(town, shown["content_path"]))
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])
    by_name = {s["field_name"]: s for s in verdict["signatures"]}
    return {(by_name[name]["level"], by_name[name]["time_source"]) for name in FIELDS}


@pytest.mark.parametrize("way", ROWS)
async def test_four_signatures_take_one_trip_on_every_key(town, way):
    """At B-LTA with all that lies in between; a person's own signature took two before."""
    asked = await prepared(town, way)
    town.pki.calls.tsa = 0
    await sign(town, way, asked, official=CLERK)
    shown = await document(town, asked)
    assert shown["level"] == "B-LTA"
    assert await clerks_proof(town, shown) == {("B-LTA", "document_timestamp")}
    assert town.pki.calls.tsa <= 2  # a signer process that meets the authority asks it once more


@pytest.mark.parametrize("name", ["local", "csc", "smartca", "batch"])
async def test_without_the_authority_the_act_is_raised_later(town, name):
    """B-B now; the queue brings what the act would have."""
    way = WAYS[name]
    asked = await prepared(town, way, when_unavailable="sign_and_raise")
    town.pki.faults.tsa_down = True
    await sign(town, way, asked, official=CLERK)
    assert (await document(town, asked))["level"] == "B-B"
    calm(town)
    shown = await raised(town, asked)
    assert await clerks_proof(town, shown) == {("B-LTA", "document_timestamp")}
