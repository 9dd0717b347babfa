"""The answers that a process has at hand are bounded in time and in number."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from signing.clock import SystemClock
from signing.contract import Level, Role, SignOrder
from signing.evidence.answers_at_hand import AnswersAtHand
from signing.evidence.kept_answers import KeptAnswers
from signing.evidence.revocation import Answer, Status

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


class NothingKept(KeptAnswers):
    """No second memory behind the first."""

    def __init__(self):
        super().__init__("", SystemClock())

    def find(self, question):
        return None


def answer(minutes=60):
    return Answer(Status.GOOD, NOW + timedelta(minutes=minutes))


def name(number):
    return b"issuer", b"%d" % number


def test_an_answer_is_given_until_it_is_out_of_date_and_not_kept_longer():
    """At ``valid_until`` it no longer holds."""
    kept = AnswersAtHand()
    kept.keep(name(1), answer(10), NOW)
    assert kept.find(name(1), NOW + timedelta(minutes=10, microseconds=-1)) == answer(10)
    assert kept.find(name(1), NOW + timedelta(minutes=10)) is None
    assert len(kept) == 0


def test_there_are_never_more_than_the_most():
    """Years of certificates, each asked for once."""
    kept = AnswersAtHand(most=10)
    for number in range(1_000):
        kept.keep(name(number), answer(), NOW)
        assert len(kept) <= 10
    assert [n for n in range(1_000) if kept.find(name(n), NOW)] == list(range(990, 1_000))


def test_what_is_out_of_date_goes_before_what_holds():
    """However lately it came."""
    kept = AnswersAtHand(most=3)
    kept.keep(name(1), answer(60), NOW)
    kept.keep(name(2), answer(1), NOW)
    kept.keep(name(3), answer(60), NOW)
    kept.keep(name(4), answer(60), NOW + timedelta(minutes=2))
    later = NOW + timedelta(minutes=2)
    assert [bool(kept.find(name(n), later)) for n in (1, 2, 3, 4)] == [True, False, True, True]


def test_what_is_asked_for_stays_longest():
    """The agencies' own certificates are asked for with every act."""
    kept = AnswersAtHand(most=2)
    kept.keep(name(1), answer(), NOW)
    kept.keep(name(2), answer(), NOW)
    assert kept.find(name(1), NOW)
    kept.keep(name(3), answer(), NOW)
    assert [bool(kept.find(name(n), NOW)) for n in (1, 2, 3)] == [True, False, True]


def test_a_newer_answer_takes_the_place_of_the_older():
    kept = AnswersAtHand(most=2)
    kept.keep(name(1), answer(), NOW)
    kept.keep(name(2), answer(), NOW)
    revoked = dataclasses.replace(answer(), status=Status.REVOKED)
    kept.keep(name(1), revoked, NOW)
    assert kept.find(name(1), NOW) is revoked
    assert kept.find(name(2), NOW)


@pytest.mark.parametrize(("most", "asked_again"), [(1, True), (2_000, False)])
async def test_a_bound_costs_questions_and_never_an_answer(
    make_service, server, decision_pdf, most, asked_again
):
    """Without room the same is asked with every act; the signatures are the same."""
    service = make_service()
    service._revocation.kept = NothingKept()
    service._revocation._answers = AnswersAtHand(most)
    order = SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_LTA)
    assert (await service.sign(order)).level is Level.B_LTA
    asked = server.calls.ocsp + server.calls.crl
    assert (await service.sign(order)).level is Level.B_LTA
    assert (server.calls.ocsp + server.calls.crl > asked) is asked_again
    assert len(service._revocation._answers) <= most
