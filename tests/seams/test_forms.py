"""Fields of a template filled in after signing, then signed on: judged by it all the way."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.scenarios.business import CERTIFIER, CLERK
from tests.seams.acts import (
    PATHS,
    fetch,
    judge,
    person,
    raised,
    request,
    seal,
    sign,
    upload,
)
from tests.seams.acts import Path as Way
from tests.signing.validation.filled_forms import EMPTY_FIELD, fill_in_with_picture
from tests.signing.validation.signing_kit import make_pdf, update

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

TEMPLATE = "giay-phep"
HERE = {"placement": {"page": 1, "rect_mm": [60, 120, 50, 25]}}
BESIDE = {"placement": {"page": 1, "rect_mm": [120, 120, 50, 25]}}
UNDER = {"placement": {"page": 1, "rect_mm": [60, 170, 36, 36]}}
DEPUTY = Way("deputy", CERTIFIER)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long) for n in ("lane", "hook", "vgca", "batch")]
)
async def test_a_form_filled_in_after_signing_is_signed_on_and_stays_valid(town, name):
    """Valid by its template and undecided without; the next signatures and the archive agree."""
    path = PATHS[name]
    blank = await upload(town, make_pdf(**EMPTY_FIELD), template=TEMPLATE)
    place = {} if name == "vgca" else HERE  # the desktop program asks its user for the place
    asked = await request(town, blank, person(path, **place))
    await sign(town, path, asked)
    if path.top != "B-LTA":
        await raised(town, asked)
    filled = update(await fetch(town, blank["content_path"]), fill_in_with_picture)
    assert (await judge(town, filled, template=TEMPLATE))["verdict"] == "valid"
    without = await judge(town, filled)
    assert (without["verdict"], without["reason"]) == ("indeterminate", "form_changed")

    again = await upload(town, filled, template=TEMPLATE)
    assert [f for f in again["findings"] if f["severity"] == "block"] == []
    further = await request(town, again, person(DEPUTY, **BESIDE), seal(**UNDER))
    await sign(town, DEPUTY, further)
    clerk = await town.client(CLERK)
    sealed = await clerk.call("POST", f"/v1/signature-requests/{further['id']}/sign", {})
    assert sealed.status == 200, sealed.raw[:500]
    portal = await town.client()
    await portal.post(f"/v1/documents/{again['id']}/extend", status=200)
    verdict = await judge(town, await fetch(town, again["content_path"]))
    assert verdict["template"] == f"{TEMPLATE}@1"
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])
    evidence = await fetch(town, f"/v1/documents/{again['id']}/evidence")
    with zipfile.ZipFile(io.BytesIO(evidence)) as bundle:
        assert json.loads(bundle.read("validation.json"))["verdict"] == "valid"
