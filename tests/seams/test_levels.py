"""A time-stamping authority or OCSP is away: each path says what it reached, and is raised."""

from __future__ import annotations

import pytest

from tests.scenarios.business import CLERK
from tests.seams.acts import (
    PATHS,
    begin,
    confirm,
    document,
    fetch,
    judge,
    opened,
    raised,
    seal,
    seen,
    sign,
)
from tests.seams.test_results import needed
from tests.seams.town import calm, until

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

SIGN_AND_RAISE = {"when_unavailable": "sign_and_raise"}
QUICK: tuple[str, ...] = ()
ROWS = [
    pytest.param(path, id=name, marks=[] if name in QUICK else [pytest.mark.long])
    for name, path in PATHS.items()
    if path.service != "vgca"  # whose program makes no time-stamps: ``test_results``
]


@pytest.mark.parametrize("path", ROWS)
async def test_without_time_stamps_it_is_signed_now_and_raised_later(town, path):
    """B-B, said so with its reason; the seal waits; then B-LTA, and the seal follows."""
    needed(town, path)
    asked = await opened(town, path, seal(), **SIGN_AND_RAISE)
    town.pki.faults.tsa_down = True
    await sign(town, path, asked)
    shown = await document(town, asked)
    assert shown["level"] == "B-B"
    task = shown["preservation"]
    assert (task["wanted"], task["reached"], task["reason"]) == (
        "B-LTA", "B-B", "timestamp_unavailable",
    )  # fmt: skip
    assert shown["provable_until"] is not None
    clerk = await town.client(CLERK)
    address = f"/v1/signature-requests/{asked['id']}/sign"
    early = await clerk.call("POST", address, {})
    assert (early.status, early.code) == (503, "level_pending")
    in_batch = await clerk.call("POST", "/v1/signing-batches", {"requests": [asked["id"]]})
    batch = f"/v1/signing-batches/{in_batch.json['id']}"

    async def ended():
        found = await (await town.client()).get(batch)
        return found if found["waiting"] == 0 or found["status"] != "signing" else None

    (item,) = (await until(ended, town))["items"]
    assert (item["status"], item["reason"]["code"]) == ("refused", "level_pending")
    calm(town)
    await raised(town, asked)
    assert (await clerk.call("POST", address, {})).status == 200
    verdict = await judge(town, await fetch(town, shown["content_path"]))
    assert verdict["verdict"] == "valid", (verdict["summary"], verdict["messages"])


@pytest.mark.parametrize("path", ROWS)
async def test_who_refuses_a_lower_level_gets_none(town, path):
    """Nothing is published meanwhile; a confirmation is kept, a call is answered with a reason."""
    needed(town, path)
    asked = await opened(town, path, when_unavailable="refuse")
    town.pki.faults.tsa_down = True
    if not path.waits and not path.batch:
        answer = await begin(town, path, asked)
        assert (answer.status, answer.code) == (503, "signing_unavailable"), answer.raw[:300]
        assert answer.json["detail"]
        assert answer.json["retryable"] is True, answer.raw[:500]
        calm(town)
        await sign(town, path, asked)
    elif path.waits and path.service != "mysign-csc":
        assert (await begin(town, path, asked)).status in (201, 202)

        async def confirmed():
            return await confirm(town, path)

        await until(confirmed, town)
        for _ in range(5):
            town.later(20)
            await until(lambda: seen(town, asked))
        assert (await document(town, asked))["revision"] == 0
        calm(town)

        async def is_signed():
            return (await seen(town, asked))["status"] == "signed"

        async def looked():
            town.later(60)
            return await is_signed()

        await until(looked)
    assert (await document(town, asked))["level"] in ("B-LTA", None)
