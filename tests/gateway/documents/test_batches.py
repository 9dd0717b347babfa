"""Batches: judged before anything is signed, signed exactly once, resumed after a crash."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

import pytest

from gateway.documents.batches import store as batch_store
from gateway.foundation.files import FileStore, FilesUnavailable
from gateway.foundation.problems import Problem
from signing.contract import DocumentRefused, SigningUnavailable
from tests.gateway.documents.desk import DEPUTY, LEADER, on_sqlite, until
from tests.gateway.documents.elsewhere import (
    TWO_STEPS,
    NewStep,
    RemoteDesk,
)
from tests.support.remote_paper import RemotePaper

pytestmark = pytest.mark.long_on_postgresql

PIN = "246810"
CLERK_WHO_SIGNS = DEPUTY  # holds a key, and the agency's


@pytest.fixture
def here(database, clock, tmp_path) -> RemoteDesk:
    """Keys that open here with a PIN."""
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(pins={"official-rsa": PIN}), {})


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code


async def signed_of(desk, batch, count):
    return (await desk.get_batch(batch)).signed >= count


def root_of(requests):
    lines = "".join(f"{r.id} {r.current_sha256}\n" for r in requests)
    return hashlib.sha256(lines.encode()).hexdigest()


async def test_many_documents_are_signed_under_one_confirmation(here):
    """Each has its outcome; the hash over the list is shown and the list itself is kept."""
    requests = await here.open_many(7)
    async with here.running():
        batch = await here.batch(requests, pin=PIN)
        assert (batch.status, batch.waiting, batch.confirmation) == ("signing", 7, "here")
        done = await here.settled(batch, "done")
    assert (done.signed, done.refused, done.waiting) == (7, 0, 0)
    (confirmation,) = done.confirmations
    assert confirmation.root_sha256 == root_of(requests)
    assert (confirmation.documents, confirmation.official) == (7, LEADER)
    (kept,) = await here.database.read(lambda c: batch_store.confirmations_of(c, batch.id))
    assert kept.covered == [[r.id, r.current_sha256] for r in requests]
    for item, request in zip(done.items, requests, strict=True):
        seen = await here.get(request)
        assert (seen.status, seen.current_sha256) == ("signed", item.signed_sha256)
        assert item.sha256 == request.current_sha256
    assert len(here.paper.signed) == 7
    events = await here.batch_events(batch)
    assert [number for number, _, _ in events] == list(range(1, 10))
    assert [type_ for _, type_, _ in events] == ["confirmed", *["document"] * 7, "done"]


async def test_what_cannot_be_signed_is_refused_before_anything_is(here):
    """Others' steps, other keys, unknown, foreign, double and changed: each with its reason."""
    mine = await here.open()
    others = await here.open((NewStep("person", DEPUTY),))
    sealed = await here.open(TWO_STEPS)
    await here.sign(sealed, pin=PIN)
    ended = await here.open()
    await here.sign(ended, pin=PIN)
    signed_before = len(here.paper.signed)
    asked = [mine, others, sealed, ended, "sig_00000000000000000000000000", mine]
    batch = await here.batch(asked)
    reasons = [item.reason and item.reason.code for item in batch.items]
    assert reasons == [
        None, "not_your_step", "not_your_step", "request_closed", "not_found", "batch_duplicate",
    ]  # fmt: skip
    assert (batch.waiting, batch.refused) == (1, 5)
    assert all(item.reason.detail for item in batch.items if item.reason)
    assert batch.confirmations[0].root_sha256 == root_of([mine])
    assert len(here.paper.signed) == signed_before


@on_sqlite
async def test_two_keys_do_not_mix_in_one_batch(database, clock, tmp_path):
    """A clerk who keeps two agencies' seals confirms one key at a time."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), {})
    own = await desk.open((NewStep("person", CLERK_WHO_SIGNS),))
    sealed = await desk.open(TWO_STEPS)
    await desk.sign(sealed)
    batch = await desk.batch([own, sealed], CLERK_WHO_SIGNS)
    assert [i.reason and i.reason.code for i in batch.items] == [None, "mixed_credentials"]
    assert batch.signer == CLERK_WHO_SIGNS


async def test_a_crash_needs_a_new_confirmation_and_signs_nothing_twice(here):
    """What was signed before stays signed; the rest goes on under a new PIN and a new hash."""
    requests = await here.open_many(6)
    begun = []

    async def hang(order):
        begun.append(order)
        if len(begun) > 3:
            await asyncio.Event().wait()

    here.paper.before_sign = hang
    task = asyncio.ensure_future(here.desk.batches.runs.run())
    batch = await here.batch(requests, pin=PIN)
    await until(partial(signed_of, here, batch, 3))
    here.desk.batches.runs._running.clear()  # what a dead process would have put down
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    after = here.restarted({})
    after.paper.pins = here.paper.pins
    await after.work()
    assert (await after.get_batch(batch)).status == "signing"
    await after.later(seconds=61)
    stopped = await after.get_batch(batch)
    assert (stopped.status, stopped.signed, stopped.waiting) == ("needs_confirmation", 3, 3)
    assert here.paper.signed[0].pin is None
    left = [r for r, i in zip(requests, stopped.items, strict=True) if i.status == "waiting"]
    async with after.running():
        await after.confirm_batch(batch, pin=PIN)
        done = await after.settled(batch, "done")
    assert (done.signed, done.waiting) == (6, 0)
    assert [c.documents for c in done.confirmations] == [6, 3]
    assert done.confirmations[1].root_sha256 == root_of(left)
    assert len(here.paper.signed) + len(after.paper.signed) == 6
    for request in requests:
        assert len(await after.revisions(request)) == 2


async def test_a_process_that_slept_through_its_lease_publishes_no_more(here):
    """The batch went on elsewhere: what the sleeper signs meanwhile is thrown away."""
    requests = await here.open_many(1)
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep_once(order):
        asleep.set()
        await wake.wait()

    here.paper.after_sign = sleep_once
    batch = await here.batch(requests, pin=PIN)
    task = asyncio.ensure_future(here.desk.batches.runs.run())
    await asleep.wait()
    other = here.restarted({})
    other.paper.pins = here.paper.pins
    other.clock.advance(61)
    await asyncio.sleep(0.05)  # a heartbeat that was due renews the sleeper's lease once more
    await other.later(seconds=0)
    if (await other.get_batch(batch)).status == "signing":
        await here.database.write(
            lambda c: batch_store.change_batch(c, batch.id, lease_until=here.clock.now())
        )
        await other.work()
    assert (await other.get_batch(batch)).status == "needs_confirmation"
    wake.set()
    await asyncio.sleep(0.05)
    assert len(await other.revisions(requests[0])) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@on_sqlite
async def test_a_wrong_pin_costs_one_try_and_stops_the_batch(here):
    """Nobody locks a token by signing five hundred documents."""
    tries = []

    async def count(order):
        tries.append(order.credential)

    here.paper.before_sign = count
    requests = await here.open_many(5)
    async with here.running():
        batch = await here.batch(requests, pin="000000")
        stopped = await here.settled(batch, "needs_confirmation")
        assert (stopped.reason.code, stopped.reason.detail) == ("wrong_pin", "Mã PIN không đúng.")
        assert (len(tries), stopped.waiting) == (1, 5)
        await here.confirm_batch(batch, pin=PIN)
        assert (await here.settled(batch, "done")).signed == 5


@on_sqlite
async def test_a_wrong_pin_costs_one_try_also_behind_documents_that_cannot_be_signed(here):
    """What is refused before the key is opened says nothing of the PIN."""
    requests, tries = await here.open_many(8), []

    async def refuse(order):
        digest = hashlib.sha256(order.pdf).hexdigest()
        if digest in {request.current_sha256 for request in requests[:2]}:
            raise DocumentRefused("docmdp_no_changes", "Cấm thay đổi.", "no changes allowed")
        tries.append(order.credential)

    here.paper.before_sign = refuse
    async with here.running():
        batch = await here.batch(requests, pin="000000")
        stopped = await here.settled(batch, "needs_confirmation")
    assert (len(tries), stopped.refused, stopped.waiting) == (1, 2, 6)


@on_sqlite
async def test_a_documents_own_fault_is_its_own(here):
    """One that cannot be signed is refused with its reason; the others are signed."""
    requests = await here.open_many(4)

    async def refuse(order):
        if hashlib.sha256(order.pdf).hexdigest() == requests[2].current_sha256:
            raise DocumentRefused("docmdp_no_changes", "Cấm thay đổi.", "no changes allowed")

    here.paper.before_sign = refuse
    async with here.running():
        done = await here.settled(await here.batch(requests, pin=PIN), "done")
    assert [i.status for i in done.items] == ["signed", "signed", "refused", "signed"]
    assert done.items[2].reason.code == "docmdp_no_changes"
    assert done.items[2].reason.detail == "Cấm thay đổi."


@on_sqlite
async def test_a_document_that_changed_since_is_not_signed(here):
    """What was confirmed is a hash: another one is refused, whoever changed it."""
    requests = await here.open_many(2)
    batch = await here.batch(requests, pin=PIN)
    await here.sign(requests[1], pin=PIN)
    async with here.running():
        done = await here.settled(batch, "done")
    assert [i.status for i in done.items] == ["signed", "refused"]
    assert done.items[1].reason.code == "request_closed"


@pytest.mark.long
@on_sqlite
async def test_a_service_that_is_away_stops_the_batch_without_loss(here, clock):
    """Tried for more than a minute; then the official decides, and nothing was refused."""
    requests = await here.open_many(3)

    async def away(order):
        raise SigningUnavailable("tsa_down", "Chưa có dấu thời gian.", "no time-stamp")

    here.paper.before_sign = away
    async with here.running():
        batch = await here.batch(requests, pin=PIN)

        async def stopped_meanwhile():
            clock.advance(1)
            return (await here.get_batch(batch)).status == "needs_confirmation"

        await until(stopped_meanwhile)
        stopped = await here.get_batch(batch)
        assert (stopped.reason.code, stopped.waiting) == ("tsa_down", 3)
        del here.paper.before_sign
        await here.confirm_batch(batch, pin=PIN)
        assert (await here.settled(batch, "done")).signed == 3


@on_sqlite
async def test_a_file_store_that_is_away_stops_the_batch_and_says_so(here, clock, monkeypatch):
    """As a signing service does; it is not left to a lease that runs out in silence."""
    requests = await here.open_many(2)

    async def away(_store, digest):
        raise FilesUnavailable(digest)

    with monkeypatch.context() as patch:
        async with here.running():
            patch.setattr(FileStore, "get_small", away)
            batch = await here.batch(requests, pin=PIN)

            async def stopped():
                clock.advance(1)
                return (await here.get_batch(batch)).status == "needs_confirmation"

            await until(stopped)
    seen = await here.get_batch(batch)
    assert (seen.reason.code, seen.waiting) == ("service_unavailable", 2)
    async with here.running():
        await here.confirm_batch(batch, pin=PIN)
        assert (await here.settled(batch, "done")).signed == 2


@on_sqlite
async def test_no_more_than_a_few_are_signed_at_once(here):
    """A key, or its time-stamping authority, is not asked everything at once."""
    requests = await here.open_many(12)
    now, most = 0, 0

    async def count(order):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)

    async def uncount(order):
        nonlocal now
        now -= 1

    here.paper.before_sign, here.paper.after_sign = count, uncount
    async with here.running():
        await here.settled(await here.batch(requests, pin=PIN), "done")
    assert 2 <= most <= 4


@on_sqlite
async def test_a_stopping_process_puts_its_batches_down(here):
    """A restart in working hours asks for a new confirmation at once, not after a lease."""
    requests = await here.open_many(3)

    async def hang(order):
        if here.paper.signed:
            await asyncio.Event().wait()

    here.paper.before_sign = hang
    async with here.running():
        batch = await here.batch(requests, pin=PIN)
        await until(partial(signed_of, here, batch, 1))
    stopped = await here.get_batch(batch)
    assert (stopped.status, stopped.signed) == ("needs_confirmation", 1)


@on_sqlite
async def test_only_its_official_lets_a_batch_go_on_or_ends_it(here):
    """Running, ended and somebody else's batches refuse, each with its own code."""
    batch = await here.batch(await here.open_many(2), pin=PIN)
    await refused(here.confirm_batch(batch, pin=PIN), "batch_running")
    await refused(here.cancel_batch(batch, DEPUTY), "not_your_step")
    await refused(here.cancel_batch(batch, None), "official_required")
    cancelled = await here.cancel_batch(batch)
    assert (cancelled.status, cancelled.refused) == ("cancelled", 2)
    await refused(here.confirm_batch(batch, pin=PIN), "batch_closed")
    async with here.running():
        await asyncio.sleep(0.05)
    assert here.paper.signed == []
    await refused(here.batch([], None), "official_required")
