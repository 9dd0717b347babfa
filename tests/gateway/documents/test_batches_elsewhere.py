"""Batches whose officials confirm elsewhere: one ticket, many documents, each its outcome."""

from __future__ import annotations

import pytest

from gateway.foundation.problems import Problem
from signing.contract import CredentialRefused, RemoteState, SigningUnavailable
from tests.gateway.documents.desk import CLERK, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import (
    ALL_HANDED,
    ALL_REMOTE,
    TWO_STEPS,
    RemoteDesk,
)
from tests.support.remote_paper import RemotePaper

pytestmark = pytest.mark.long_on_postgresql


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


@pytest.fixture
def elsewhere(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_REMOTE)


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code


async def test_one_ticket_asks_for_the_whole_batch_elsewhere(elsewhere):
    """One confirmation in the application, every digest under it, one result a document."""
    requests = await elsewhere.open_many(6)
    batch = await elsewhere.batch(requests)
    assert (batch.status, batch.confirmation) == ("signing", "elsewhere")
    await elsewhere.work()
    assert [n for _, n in elsewhere.provider.sendings] == [6]
    waiting = await elsewhere.get_batch(batch)
    assert [t.state for t in waiting.tickets] == ["waiting_user"]
    assert (await elsewhere.get(requests[0])).confirmation.batch == batch.id
    elsewhere.provider.confirm()
    await elsewhere.restarted().later(minutes=1)
    done = await elsewhere.get_batch(batch)
    assert (done.status, done.signed) == ("done", 6)
    for request in requests:
        assert len(await elsewhere.revisions(request)) == 2
    assert done.tickets == []


@pytest.mark.long
@on_sqlite
async def test_the_providers_limit_makes_more_tickets(database, clock, tmp_path):
    """Forty at once: ninety documents are three confirmations, each sent once."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper())
    request = await desk.open()
    opened = [request] + [await desk.open() for _ in range(89)]
    batch = await desk.batch(opened)
    await desk.work()
    assert sorted(n for _, n in desk.provider.sendings) == [10, 40, 40]
    first, second, third = desk.provider.references
    desk.provider.confirm(first)
    desk.provider.end(RemoteState.REJECTED, second)
    desk.provider.confirm(third)
    for _ in range(6):
        await desk.later(minutes=6)
    done = await desk.get_batch(batch)
    sizes = dict(desk.provider.sendings)
    assert done.status == "done"
    assert done.signed == sizes[first] + sizes[third]
    assert done.refused == sizes[second]
    rejected = [i for i in done.items if i.status == "refused"]
    assert {i.reason.code for i in rejected} == {"rejected"}
    assert len(desk.provider.sendings) == 3


async def test_a_crash_while_preparing_goes_on_by_itself(elsewhere):
    """No PIN is needed: the next process prepares the rest, and one ticket covers them all."""
    requests = await elsewhere.open_many(5)
    prepare, seen = elsewhere.paper.prepare, []

    async def die(order):
        seen.append(order)
        if len(seen) == 3:
            raise Crash
        return await prepare(order)

    elsewhere.paper.prepare = die
    batch = await elsewhere.batch(requests)
    with pytest.raises(Crash):
        await elsewhere.work()
    assert elsewhere.provider.sendings == []
    after = elsewhere.restarted()
    for _ in range(8):
        await after.later(seconds=31)
    assert [n for _, n in elsewhere.provider.sendings] == [5]
    elsewhere.provider.confirm()
    await after.later(minutes=6)
    assert (await after.get_batch(batch)).signed == 5


@on_sqlite
async def test_one_that_is_late_does_not_cost_another_confirmation(elsewhere):
    """A document whose preparation has to be tried again joins the others' ticket."""
    requests = await elsewhere.open_many(4)
    prepare, failed = elsewhere.paper.prepare, []

    async def fail_once(order):
        if not failed:
            failed.append(order)
            raise SigningUnavailable("ocsp_down", "Chưa kiểm tra được.", "no OCSP")
        return await prepare(order)

    elsewhere.paper.prepare = fail_once
    await elsewhere.batch(requests)
    await elsewhere.work()
    assert elsewhere.provider.sendings == []
    await elsewhere.later(seconds=10)
    assert [n for _, n in elsewhere.provider.sendings] == [4]


@on_sqlite
async def test_the_clerks_many_acts_are_confirmed_round_by_round(elsewhere):
    """Three documents of four signatures each: four confirmations, not twelve."""
    requests = await elsewhere.open_many(3, TWO_STEPS)
    for request in requests:
        await elsewhere.sign(request)
        elsewhere.provider.confirm()
    await elsewhere.later(minutes=1)
    batch = await elsewhere.batch(requests, CLERK)
    await elsewhere.work()
    away = SigningUnavailable("tsa_down", "Chưa có dấu thời gian.", "no time-stamp")
    for part in range(4):
        elsewhere.provider.confirm()
        elsewhere.paper.finish_fails = [away] if part == 1 else []  # one is late: the rest wait
        for _ in range(3):
            await elsewhere.later(minutes=2)
    done = await elsewhere.get_batch(batch)
    assert (done.status, done.signed) == ("done", 3)
    assert [n for _, n in elsewhere.provider.sendings] == [1, 1, 1, 3, 3, 3, 3]


@on_sqlite
async def test_cancelling_withdraws_the_ticket(elsewhere):
    """The steps are free again, the provider is told, and a late DONE embeds nothing."""
    requests = await elsewhere.open_many(2)
    batch = await elsewhere.batch(requests)
    await elsewhere.work()
    cancelled = await elsewhere.cancel_batch(batch)
    assert (cancelled.status, cancelled.refused) == ("cancelled", 2)
    elsewhere.provider.confirm()
    await elsewhere.later(minutes=6)
    assert elsewhere.provider.cancels == elsewhere.provider.references
    for request in requests:
        assert (await elsewhere.get(request)).status == "waiting"
        assert len(await elsewhere.revisions(request)) == 1
    await refused(elsewhere.withdraw(requests[0]), "nothing_to_cancel")


@on_sqlite
async def test_one_act_of_a_batch_is_not_withdrawn_alone(elsewhere):
    """One ticket covers them all: the batch is cancelled or nothing is."""
    requests = await elsewhere.open_many(2)
    await elsewhere.batch(requests)
    await elsewhere.work()
    await refused(elsewhere.withdraw(requests[0]), "act_of_batch")


@on_sqlite
async def test_a_key_that_is_refused_while_preparing_is_told_document_by_document(elsewhere):
    """An expired certificate signs nothing and asks nobody."""

    async def refuse(order):
        raise CredentialRefused("expired", "Chứng thư số đã hết hạn.", "expired")

    elsewhere.paper.before_sign = refuse
    batch = await elsewhere.batch(await elsewhere.open_many(3))
    await elsewhere.work()
    done = await elsewhere.get_batch(batch)
    assert (done.status, done.refused) == ("done", 3)
    assert {i.reason.code for i in done.items} == {"expired"}
    assert elsewhere.provider.sendings == []


@on_sqlite
async def test_desktop_keys_sign_one_document_at_a_time(database, clock, tmp_path):
    """A hand-off has no batch: refused before anything is given out."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED)
    batch = await desk.batch(await desk.open_many(2))
    assert (batch.status, batch.refused) == ("done", 2)
    assert {i.reason.code for i in batch.items} == {"hand_off_alone"}
    assert await desk.desk.batches.batches.get(TENANT, batch.id) == batch
