"""The authority register on every path: asked when opened, when signed and when published."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.seams.acts import (
    PATHS,
    begin,
    confirm,
    decision,
    document,
    events_of,
    fetch,
    hand_over,
    person,
    request,
    seen,
    sign,
    upload,
)
from tests.seams.test_results import needed
from tests.seams.town import until

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

AGENCY_CODE = "H55.99"
QUICK = ("mysign",)
ROWS = [
    pytest.param(path, id=name, marks=[] if name in QUICK else [pytest.mark.long])
    for name, path in PATHS.items()
]
LATER = [
    pytest.param(path, id=name, marks=[] if name in QUICK else [pytest.mark.long])
    for name, path in PATHS.items()
    if path.waits and path.service != "mysign-csc"
]


@pytest.fixture
def office(town):
    """A portal whose agency has a register, which then binds all of its officials."""
    town.portal = "so-xay-dung"
    yield town
    town.portal = "cong-dvc"


async def granted(office, path, **more):
    """A row of the register for that path's official."""
    body = {
        "agency_code": AGENCY_CODE, "official": path.official, "role": "person",
        "capacities": ["TM."], "title": "Chủ tịch", "valid_from": "2026-01-01",
        "legal_basis": {"number": "12/QĐ-UBND", "date": "2025-12-30"}, **more,
    }  # fmt: skip
    return await (await office.client()).post("/v1/authorities", body)


async def ended(office, mandate):
    body = {"reason": "Thôi giữ chức vụ", "decision_number": "13/QĐ-UBND"}
    await (await office.client()).post(f"/v1/authorities/{mandate['id']}/end", body, status=200)


async def opened(office, path):
    made = await upload(office, decision(heavy=path.heavy))
    return await request(office, made, person(path), agency_code=AGENCY_CODE)


async def item_of(office, batch):
    """The one item of a batch once it has an outcome."""

    async def closed():
        found = await (await office.client()).get(f"/v1/signing-batches/{batch['id']}")
        return found["items"][0] if found["waiting"] == 0 else None

    return await until(closed, office)


@pytest.mark.parametrize("path", ROWS)
async def test_without_a_mandate_nothing_is_opened_and_nothing_signed(office, path):
    """422 at the step; after the mandate ended 403, or the same as a batch's item."""
    needed(office, path)
    first = await granted(office, PATHS["lane"], capacities=["Q."])
    made = await upload(office, decision(heavy=path.heavy))
    body = {"document_id": made["id"], "agency_code": AGENCY_CODE, "steps": [person(path)]}
    refused = await (await office.client()).call("POST", "/v1/signature-requests", body)
    assert (refused.status, refused.code) == (422, "validation_failed"), refused.raw[:300]
    assert {e["pointer"].rpartition("/")[0] for e in refused.json["errors"]} == {"/steps/0"}
    assert all(e["code"].startswith("authority") for e in refused.json["errors"])
    mandate = await granted(office, path)
    asked = await opened(office, path)
    await ended(office, mandate)
    await ended(office, first)
    answer = await begin(office, path, asked)
    if path.batch:
        reason = (await item_of(office, answer.json))["reason"]
        assert (reason["code"], bool(reason["detail"])) == ("authority_not_in_force", True)
    else:
        assert (answer.status, answer.code) == (403, "authority_refused"), answer.raw[:300]
        assert answer.json["reason"] == "authority_not_in_force"
        assert "Thẩm quyền" in answer.json["detail"]
    assert (await seen(office, asked))["status"] == "waiting"
    again = await granted(office, path)
    await sign(office, path, asked)
    await ended(office, again)
    assert "authority_not_in_force" in await refusals(office, asked)


async def refusals(office, asked):
    """The reasons of the refusals in the document's evidence."""
    raw = await fetch(office, f"/v1/documents/{asked['document_id']}/evidence")
    with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
        records = json.loads(bundle.read("records.json"))["records"]
    contents = [r["content"] for r in records if r["content"]["kind"] == "refusal"]
    return json.dumps(contents, ensure_ascii=False)


@pytest.mark.parametrize("path", LATER)
async def test_a_mandate_that_ended_meanwhile_publishes_nothing(office, path):
    """Agreed to in the application after the decision took effect: refused, recorded, told once."""
    mandate = await granted(office, path)
    asked = await opened(office, path)
    answer = await begin(office, path, asked)
    assert answer.status in (201, 202)
    await until(lambda: is_waited_for(office, asked), office)
    await ended(office, mandate)
    if path.service == "vgca":
        said = await hand_over(office, answer.json)
        assert said["Status"] == 1
        assert "Thẩm quyền" in said["Message"], said
        kind = "document.hand_off_refused"
    else:
        await confirm(office, path)
        kind = "document.confirmation_ended"

        async def free():
            found = await seen(office, asked)
            return found if found["status"] == "waiting" else None

        held = (await until(free, office))["confirmation"]
        assert held["code"] == "error", held
        assert "Thẩm quyền" in held["detail"], held
    assert (await document(office, asked))["revision"] == 0

    async def told():
        return await events_of(office, asked)

    assert [type_ for _, type_ in await until(told, office)] == [kind]
    assert "authority_not_in_force" in await refusals(office, asked)


async def is_waited_for(office, asked):
    held = (await seen(office, asked))["confirmation"] or {}
    return held.get("state") == "waiting_user"


@pytest.mark.parametrize("path", ROWS)
async def test_a_mandate_tied_to_another_certificate_is_no_mandate_for_this_key(office, path):
    """Whatever the key's kind, the certificate that signs must be the one in the register."""
    needed(office, path)
    mandate = await granted(office, path, certificate={"sha256": "ab" * 32})
    asked = await opened(office, path)
    answer = await begin(office, path, asked)
    if path.batch:
        reason = (await item_of(office, answer.json))["reason"]
        assert reason["code"] == "authority_certificate", reason
    elif path.service == "vgca":
        said = await hand_over(office, answer.json)
        assert (said["Status"], "sổ thẩm quyền" in said["Message"]) == (1, True), said
    else:
        assert (answer.status, answer.code) == (403, "authority_refused"), answer.raw[:400]
        assert answer.json["reason"] == "authority_certificate"
    assert (await document(office, asked))["revision"] == 0
    await ended(office, mandate)
