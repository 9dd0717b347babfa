"""Batches: judged before anything is signed, signed exactly once, resumed after a crash."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

import pytest

from gateway.documents.batches import store as batch_store
from gateway.foundation.files import FileStore, FilesUnavailable
from gateway.foundation.problems import Problem
from signing.contract import CredentialRefused, DocumentRefused, RemoteState, SigningUnavailable
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, TENANT, on_sqlite, until
from tests.gateway.documents.elsewhere import (
    ALL_HANDED,
    ALL_REMOTE,
    TWO_STEPS,
    NewStep,
    RemoteDesk,
)
from tests.support.remote_paper import RemotePaper

pytestmark = pytest.mark.long_on_postgresql

PIN = "246810"
CLERK_WHO_SIGNS = DEPUTY  # holds a key, and the agency's


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


@pytest.fixture
def here(database, clock, tmp_path) -> RemoteDesk:
    """Keys that open here with a PIN."""
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(pins={"official-rsa": PIN}), {})


@pytest.fixture
def elsewhere(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_REMOTE)


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
