"""A process that stops while it signs a batch: everything is put down before it has stopped."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.documents.desk import on_sqlite, until
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.support.remote_paper import RemotePaper

PIN = "246810"


@pytest.fixture
def here(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(pins={"official-rsa": PIN}), {})


@on_sqlite
async def test_a_run_that_was_stopped_leaves_no_act_behind(here):
    """Each puts its work down before the run has ended: no heartbeat goes on for nobody."""
    begun, put_down = [], []

    async def hang(order):
        begun.append(order)
        number = len(begun)
        try:
            if number > 1:
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02 * number)
            put_down.append(number)

    here.paper.before_sign = hang
    task = asyncio.ensure_future(here.desk.batches.runs.run())
    await here.batch(await here.open_many(5), pin=PIN)

    async def all_begun():
        return len(begun) == 5

    await until(all_begun)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(put_down) == [1, 2, 3, 4, 5]
