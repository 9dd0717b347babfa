"""The limit towards time-stamping authorities holds whoever wants a time-stamp, and for what."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.seams.acts import PATHS, opened, raised, sign
from tests.seams.test_copies import drafted, issue
from tests.seams.town import calm

pytestmark = [
    pytest.mark.long,  # a whole town of processes
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.timeout(180),
]

MOST = 4  # the configuration's default


@contextlib.asynccontextmanager
async def all_places(town):
    """Other processes are asking as often as is allowed."""
    async with contextlib.AsyncExitStack() as held:
        for _ in range(MOST):
            await held.enter_async_context(town.gateway.documents.places.with_timestamps("B-T"))
        yield


async def extending(town):
    """Somebody extends a document over HTTP."""
    portal, paths = await town.client(), []
    for _ in range(2):
        asked = await opened(town, PATHS["lane"], level="B-T")
        await sign(town, PATHS["lane"], asked)
        paths.append(f"/v1/documents/{asked['document_id']}/extend")
    await portal.post(paths[0], status=200)  # the process that does it has started
    return portal.call("POST", paths[1], {})


async def signing(town):
    """An official signs."""
    asked = await opened(town, PATHS["lane"])
    official = await town.client(PATHS["lane"].official)
    return official.call("POST", f"/v1/signature-requests/{asked['id']}/sign", {})


async def certifying(town):
    """A copy is certified."""
    path = PATHS["lane"]
    return issue(town, path.official, (await drafted(town, path.official)).json)


async def raising(town):
    """The queue raises what was signed while no authority answered."""
    asked = await opened(town, PATHS["lane"], when_unavailable="sign_and_raise")
    town.pki.faults.tsa_down = True
    await sign(town, PATHS["lane"], asked)
    calm(town)
    return raised(town, asked)


@pytest.mark.long
@pytest.mark.parametrize(
    "wanting",
    [
        certifying,
        *(pytest.param(one, marks=pytest.mark.long) for one in (signing, extending, raising)),
    ],
)
async def test_nobody_asks_beyond_the_limit(town, wanting):
    """While every place is taken nothing is asked; then it goes on by itself."""
    work = await wanting(town)
    before = town.pki.calls.tsa
    async with all_places(town):
        task = asyncio.ensure_future(work)
        free = await opened(town, PATHS["hook"], level="B-B")  # a whole other request meanwhile
        await sign(town, PATHS["hook"], free)
        assert (town.pki.calls.tsa, task.done()) == (before, False)
    answer = await task
    if wanting is not raising:
        assert answer.status == 200, answer.raw[:300]
    assert town.pki.calls.tsa > before
