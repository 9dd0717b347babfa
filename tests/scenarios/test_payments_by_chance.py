"""Seeded days at a province: faults everywhere, and in the evening every đồng is where it belongs.

Citizens pay by two providers while callbacks are lost, doubled, delayed, reordered and changed,
portals cancel, the clock jumps and the worker comes when it likes. Nothing here looks at single
payments: the invariants are of the whole.
"""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from connectors.simulators.faults import Fault
from gateway.payments.evidence_store import load_evidence
from gateway.payments.ledger import implied_balances
from gateway.payments.recording import state_of
from gateway.payments.statuses import PaymentStatus
from gateway.payments.tables import ledger_entries, payments
from gateway.webhooks.outbox import events
from tests.gateway.payments.desk import VIETQR, VNPAY, open_desk

STEPS = 60
FAULTS = (
    Fault.LOSE_CALLBACK,
    Fault.DUPLICATE_CALLBACK,
    Fault.REORDER_CALLBACKS,
    Fault.CHANGE_AMOUNT,
)


class Day:
    """One seeded day."""

    def __init__(self, desk, seed):
        self.desk = desk
        self.chance = random.Random(seed)
        self.payments = []
        self.attempts = []

    async def live(self):
        doings = [
            (self.open, 4),
            (self.try_paying, 5),
            (self.pay, 6),
            (self.misspell, 1),
            (self.cancel, 1),
            (self.break_something, 3),
            (self.let_time_pass, 4),
        ]
        names, weights = zip(*doings, strict=True)
        for _ in range(STEPS):
            await self.chance.choices(names, weights)[0]()

    async def open(self):
        amount = self.chance.choice([0, 7_000, 21_000, 21_000, 500_000])
        self.payments.append(await self.desk.open(amount, expires_in=7_200))

    async def try_paying(self):
        if not self.payments:
            return
        payment = self.chance.choice(self.payments)
        body = {"account": self.chance.choice([VNPAY, VIETQR])}
        path = f"/v1/payments/{payment['id']}/attempts"
        status, attempt, _ = await self.desk.portal.post(path, body)
        assert status in (201, 409), attempt
        if status == 201:
            self.attempts.append(attempt)

    async def pay(self):
        if not self.attempts:
            return
        attempt = self.chance.choice(self.attempts)
        if attempt["provider"] == "vietqr":
            paid = (
                self.chance.choice([1, 1, 1, 2])
                * attempt["amount"]
                // self.chance.choice([1, 1, 2])
            )
            self.desk.bank.transfer(max(1, paid), attempt["action"]["memo"])
            return
        body = {
            "pay_url": attempt["action"]["url"],
            "response_code": self.chance.choice(["00", "00", "00", "24", "51", "07"]),
        }
        url = f"{self.desk.sim('vnpay')}/control/pay"
        async with self.desk.session.post(url, json=body) as answer:
            if answer.status == 200 and self.chance.random() < 0.5:
                address = (await answer.json())["return_url"]
                await self.desk.session.get(address, allow_redirects=False)

    async def misspell(self):
        self.desk.bank.transfer(21_000, "nop le phi cho con")

    async def cancel(self):
        if self.payments:
            payment = self.chance.choice(self.payments)
            await self.desk.portal.post(f"/v1/payments/{payment['id']}/cancel")

    async def break_something(self):
        simulator = self.chance.choice([self.desk.vnpay, self.desk.bank])
        arguments = {"amount_vnd": self.chance.choice([1_000, 33_000])}
        simulator.faults.add(self.chance.choice(FAULTS), **arguments)

    async def let_time_pass(self):
        self.desk.clock.advance(self.chance.choice([1, 30, 130, 600, 1_000, 4_000]))
        if self.chance.random() < 0.7:
            await self.desk.work()

    async def evening(self):
        """Everything on its way arrives, and the worker asks until nobody is left to ask."""
        for simulator in (self.desk.vnpay, self.desk.bank):
            simulator.faults.clear()
            await simulator.callbacks.settle()
        for seconds in (130, 700, 900, 4_000, 7_300, 90_000, 90_000):
            await self.desk.wait(seconds)
            await self.desk.work(2)


async def rows_of(desk, table, *where):
    return await desk.database.read(lambda c: c.execute(sa.select(table).where(*where)).all())


async def check_money(desk):
    """What the providers took is what we collected, hold, or keep as orphans."""
    at_vnpay = sum(
        t.amount // 100 for t in desk.vnpay.transactions.values() if t.status in ("00", "07")
    )
    at_bank = sum(line.amount_vnd for line in desk.bank.statement if line.incoming)
    states = await states_of(desk)
    ours = {"vnpay-main": 0, "vietqr-main": 0}
    for state in states.values():
        for fact in state.facts:
            ours[fact.account] += fact.amount + fact.held
    kept = sum(row.amount for row in await desk.payments.orphans())
    assert ours["vnpay-main"] == at_vnpay
    assert ours["vietqr-main"] + kept + lost_transfers(desk) == at_bank


def lost_transfers(desk):
    """Transfers that neither service ever reported: only a statement will find them."""
    heard = {entry.subject.rpartition(" ")[2] for entry in desk.bank.callbacks.log if entry.status}
    return sum(x.amount_vnd for x in desk.bank.statement if x.reference not in heard)


async def states_of(desk):
    found = await rows_of(desk, payments)
    return await desk.database.read(lambda c: {row.id: state_of(c, row) for row in found})


async def check_books(desk):
    """Trial balance zero, every entry balanced, every payment's books what its state implies."""
    entries = await rows_of(desk, ledger_entries)
    assert sum(line.amount for line in entries) == 0
    by_entry, by_payment = {}, {}
    for line in entries:
        by_entry[line.entry] = by_entry.get(line.entry, 0) + line.amount
        books = by_payment.setdefault(line.payment_id, {})
        books[line.account] = books.get(line.account, 0) + line.amount
    assert not any(by_entry.values())
    states = await states_of(desk)
    for row in await rows_of(desk, payments):
        books = {name: sum_ for name, sum_ in by_payment.get(row.id, {}).items() if sum_}
        assert books == implied_balances(states[row.id], row.agency_code) == row.posted


async def check_what_is_kept(desk):
    """The derived columns are what the evidence says, in whatever order it came."""
    states = await states_of(desk)
    told = await desk.database.read(lambda c: load_evidence(c, states))
    for row in await rows_of(desk, payments):
        state = states[row.id]
        kept = (row.status, row.collected, row.surplus, row.late, row.paid_at)
        folded = (state.status, state.collected, state.surplus, state.late, state.paid_at)
        assert kept == folded
        if row.status == PaymentStatus.PENDING:
            assert row.look_at is not None
        if not told[row.id]:
            assert row.status in ("pending", "not_due", "expired")


async def check_events(desk):
    """Every payment's events are numbered without a gap and end with its status."""
    counted = {}
    for event in sorted(await rows_of(desk, events), key=lambda e: e.number):
        counted.setdefault(event.subject, []).append(event.sequence)
    for row in await rows_of(desk, payments):
        assert counted[row.id] == list(range(1, row.sequence + 1))


@pytest.mark.parametrize("seed", range(4))
async def test_in_the_evening_every_dong_is_where_it_belongs(database, clock, seed):
    async with open_desk(database, clock) as desk:
        day = Day(desk, seed)
        await day.live()
        await day.evening()
        await check_money(desk)
        await check_books(desk)
        await check_what_is_kept(desk)
        await check_events(desk)
        open_ones = [s for s in await rows_of(desk, payments) if s.status == "pending"]
        assert open_ones == []
