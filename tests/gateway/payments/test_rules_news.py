"""What a portal is told when evidence changes a payment, and when the plan of asking ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.contract import Meaning
from gateway.payments.news import Known, payment_news
from gateway.payments.schedule import next_ask
from tests.gateway.payments.payment_stories import (
    answer,
    bank,
    call,
    callback,
    cancel,
    minute,
    statement,
    story,
    story_of_two,
    tick,
)


def news(before, after):
    """The events between two foldings."""
    known = Known(before.status.value, before.collected, before.surplus, before.settled_at)
    return payment_news(known, after)


NOTHING = story(attempts=())
TRYING = story(call())
PAID = story(call(), callback())
PART = story_of_two(call(), bank(amount=1_000))
REVERSED = story(call(), callback(), answer(Meaning.REVERSED))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (NOTHING, TRYING, ("payment.processing",)),
        (TRYING, TRYING, ()),
        (TRYING, PAID, ("payment.paid",)),
        (PAID, PAID, ()),
        (TRYING, story(call(), callback(Meaning.FAILED)), ()),
        (TRYING, PART, ("payment.partially_paid",)),
        (PART, PART, ()),
        (
            PART,
            story_of_two(call(), bank(amount=1_000), bank(amount=5, tid="FT2")),
            ("payment.partially_paid",),
        ),
        (PART, story_of_two(call(), bank()), ("payment.paid",)),
        (PAID, story_of_two(callback(), bank()), ("payment.surplus",)),
        (TRYING, story(call(), callback(amount=30_000)), ("payment.paid", "payment.surplus")),
        (PAID, REVERSED, ("payment.partially_paid",)),
        (PAID, story(call(), callback(), statement()), ("payment.settled",)),
        (TRYING, story(call(), cancel()), ("payment.cancelled",)),
        (NOTHING, story(tick(60), attempts=()), ("payment.expired",)),
        (story(tick(60), attempts=()), story(tick(60), attempts=()), ()),
    ],
)
def test_what_is_told_between_two_states(before, after, told):
    assert news(before, after) == told


def ask(now, **changes):
    plan = {"after_s": (120, 300), "for_days": 2, **changes}
    return next_ask(minute(0), minute(15), minute(0) + timedelta(seconds=now), **plan)


def test_the_plan_of_asking_has_its_moments_and_an_end():
    moments, now = [], 0
    while (found := ask(now)) is not None:
        now = int((found - minute(0)).total_seconds())
        moments.append(now)
    assert moments == [120, 300, 900, 86_400, 172_800]
