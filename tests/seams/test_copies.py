"""Certified copies by the kind of certifier's and agency's key: issued and valid, or refused."""

from __future__ import annotations

import pytest

from tests.scenarios.business import certification_of
from tests.seams.acts import PATHS, decision, fetch, judge, upload

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]


async def drafted(town, certifier, agency_code="H55.12", heavy=False):
    made = await upload(town, decision(heavy=heavy))
    body = certification_of(made["id"]) | {"certifier": certifier, "agency_code": agency_code}
    return await (await town.client()).call("POST", "/v1/certifications", body)


async def issue(town, certifier, draft, pin=None, **more):
    who = await town.client(certifier)
    body = ({"pin": pin} if pin else {}) | more
    return await who.call("POST", f"/v1/certifications/{draft['id']}/sign", body)


HERE = ("lane", "pin", "ordinary", "csc-v1", "csc-v2")
ELSEWHERE = ("smartca", "mysign", "mysign-callback", "hook", "vgca")
QUICK = ("csc-v1",)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.long) for n in HERE]
)
@pytest.mark.parametrize(
    "heavy", [False, pytest.param(True, marks=pytest.mark.long)], ids=["small", "large"]
)
async def test_a_certifier_whose_key_signs_at_once_issues_copies(town, name, heavy):
    """Numbered, valid, and shown on its public page."""
    path = PATHS[name]
    draft = await drafted(town, path.official, heavy=heavy)
    assert draft.status == 201, draft.raw[:500]
    answer = await issue(town, path.official, draft.json, path.pin)
    assert (answer.status, answer.json["status"]) == (200, "issued"), answer.raw[:500]
    copy = await fetch(town, f"/v1/certifications/{draft.json['id']}/content")
    verdict = await judge(town, copy)
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])
    assert len([s for s in verdict["signatures"] if s["level"] == "B-LTA"]) == 2
    page = await town.session.get(answer.json["verification_url"])
    assert page.status == 200


@pytest.mark.parametrize(
    ("certifier", "agency_code", "pointer"),
    [(f"official:thu.{name}", "H55.12", "/certifier") for name in ELSEWHERE[-1:]]
    + [
        pytest.param(f"official:thu.{name}", "H55.12", "/certifier", marks=pytest.mark.long)
        for name in ELSEWHERE[:-1]
    ]
    + [
        pytest.param(PATHS["lane"].official, f"H55.{n}", "/agency_code", marks=pytest.mark.long)
        for n in ("smartca", "hook", "vgca")
    ],
)
async def test_a_key_that_is_confirmed_elsewhere_certifies_nothing(
    town, certifier, agency_code, pointer
):
    """Told when the draft is asked for, before anybody signs anything."""
    refused = await drafted(town, certifier, agency_code)
    assert (refused.status, refused.code) == (422, "validation_failed"), refused.raw[:300]
    (error,) = refused.json["errors"]
    assert (error["pointer"], error["code"]) == (pointer, "confirmed_elsewhere")
    assert "xác nhận ở nơi khác" in error["detail"]


async def test_a_seal_at_a_service_takes_a_pin_of_its_own(town):
    """Both keys at CSC, each with its PIN; without the agency's nothing is sent for either."""
    path = PATHS["csc-v1"]
    draft = await drafted(town, path.official, "H55.csc")
    assert draft.status == 201, draft.raw[:500]
    answer = await issue(town, path.official, draft.json, path.pin)
    assert (answer.status, answer.json["reason"]) == (422, "pin_required"), answer.raw[:500]
    assert answer.json["key"] == "agency"
    answer = await issue(town, path.official, draft.json, path.pin, agency_pin=path.pin)
    assert (answer.status, answer.json["status"]) == (200, "issued"), answer.raw[:500]
    copy = await fetch(town, f"/v1/certifications/{draft.json['id']}/content")
    assert (await judge(town, copy))["verdict"] == "valid"
