"""The clerk's act with every kind of key: four signatures or the seal alone, after a person's."""

from __future__ import annotations

import pytest

from tests.scenarios.business import AGENCY, CLERK
from tests.seams.acts import (
    NUMBER,
    PATHS,
    begin,
    decision,
    document,
    fetch,
    judge,
    person,
    raised,
    request,
    seal,
    seen,
    sign,
    upload,
)
from tests.seams.acts import Path as Way
from tests.seams.town import SEALS, agency_at

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

CSC_PIN = PATHS["csc-v1"].pin
WAYS = {
    "local": Way("local", AGENCY),
    "csc": Way("csc", agency_at("csc"), pin=CSC_PIN),
    "smartca": Way("smartca", agency_at("smartca"), service="smartca"),
    "mysign": Way("mysign", agency_at("mysign"), service="mysign"),
    "hook": Way("hook", agency_at("hook"), service="hook"),
    "vgca": Way("vgca", agency_at("vgca"), service="vgca", top="B-B"),
    "batch elsewhere": Way("batch elsewhere", agency_at("hook"), service="hook", batch=True),
    "batch": Way("batch", AGENCY, batch=True),
    "large at CSC": Way("large at CSC", agency_at("csc"), pin=CSC_PIN, heavy=True),
    "large elsewhere": Way("large elsewhere", agency_at("smartca"), service="smartca", heavy=True),
    "large by hand-off": Way(
        "large by hand-off", agency_at("vgca"), service="vgca", heavy=True, top="B-B"
    ),
}
QUICK = {("vgca", "all")}
ROWS = [
    pytest.param(
        way, parts, id=f"{way}-{name}", marks=[] if (str(way), name) in QUICK else pytest.mark.long
    )
    for way in WAYS.values()
    for name, parts in (("all", None), ("seal", ["seal"]))
]
assert set(SEALS) <= set(WAYS)


def asked_once(way):
    """Whether one confirmation, or one PIN, serves all signatures of the act."""
    return way.service is None or way.service == "vgca"


@pytest.mark.parametrize(("way", "parts"), ROWS)
async def test_a_seal_follows_the_persons_signature_on_every_key(town, way, parts):
    """Told beforehand how often it asks; all four or one; valid, at the level or raised to it."""
    made = await upload(town, decision(heavy=way.heavy))
    act = seal(way.official, **({"parts": parts} if parts else {}))
    asked = await request(town, made, person(PATHS["lane"]), act, document_number=NUMBER)
    count = len(parts or ("number", "day", "month", "seal"))
    step = asked["steps"][1]
    assert step["parts"] == (parts or ["number", "day", "month", "seal"])
    wanted = 1 if asked_once(way) else count
    assert step["confirmations"] == wanted
    assert bool(step["warnings"]) is (wanted > 1)
    early = await begin(town, way, asked, official=CLERK)
    if way.batch:
        (item,) = early.json["items"]
        assert (item["status"], item["reason"]["code"]) == ("refused", "not_your_step")
    else:
        assert (early.status, early.code) == (403, "not_your_step")
    await sign(town, PATHS["lane"], asked)
    await sign(town, way, asked, official=CLERK)
    shown = await document(town, asked)
    assert (await seen(town, asked))["status"] == "signed"
    if way.top != "B-LTA":
        shown = await raised(town, asked)
    assert shown["level"] == "B-LTA"
    verdict = await judge(town, await fetch(town, shown["content_path"]))
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])
    assert len([s for s in verdict["signatures"] if s["level"]]) == 1 + count
