"""What a provider answers when asked is kept byte for byte, beside the reading of it."""

from __future__ import annotations

import sqlalchemy as sa

from connectors.contract import OutcomeUnknown
from connectors.simulators.faults import Fault
from gateway.payments.tables import evidence, messages
from tests.gateway.payments.desk import VNPAY
from tests.gateway.payments.test_payment_refunds import ask_back, paid
from tests.gateway.payments.test_payment_worker import started
from tests.support.wire import overheard


async def kept(desk, about):
    """The messages kept about an attempt or a refund, oldest first: (leg, body)."""
    query = sa.select(messages).where(messages.c.note == about).order_by(messages.c.id)
    rows = await desk.database.read(lambda c: c.execute(query).all())
    return [(row.leg, bytes(row.body)) for row in rows]


async def sources(desk, channel):
    """Legs of the messages that the evidence of a channel names, in order."""
    query = (
        sa.select(messages.c.leg)
        .join(evidence, evidence.c.message_id == messages.c.id)
        .where(evidence.c.channel == channel)
        .order_by(evidence.c.number)
    )
    return await desk.database.read(lambda c: list(c.execute(query).scalars()))


async def test_every_answer_to_a_question_is_kept_as_it_came(both):
    _, attempt = await started(both)
    heard = overheard(both.payments.accounts.payment[VNPAY])
    both.vnpay.faults.add(Fault.LOSE_CALLBACK)
    await both.wait(121)
    await both.pay_at_vnpay(attempt)
    await both.wait(1_000)
    assert len(heard) == 2
    assert await kept(both, attempt["id"]) == [("query", body) for body in heard]
    assert await sources(both, "answer") == ["query", "query"]


async def test_the_answers_about_a_refund_are_kept_as_they_came(both):
    payment = await paid(both)
    heard = overheard(both.payments.accounts.payment[VNPAY])
    _, refund, _ = await ask_back(both, payment, 21_000)
    await both.work()
    await both.wait(61)
    assert await kept(both, refund["id"]) == list(
        zip(("refund", "refund_query"), heard, strict=True)
    )
    assert await sources(both, "refund") == ["refund", "refund", "refund_query"]


async def test_no_answer_is_nothing_to_keep(desk):
    _, attempt = await started(desk)

    async def silent(_):
        raise OutcomeUnknown("time-out")

    desk.payments.accounts.payment[VNPAY].query = silent
    await desk.wait(121)
    assert await kept(desk, attempt["id"]) == []
