"""Legal time limits: dated tables, working days, complaints, and tables that must be refused."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shipments.deadlines import (
    LawTableError,
    NoLimit,
    WorkCalendar,
    read_law,
)
from gateway.shipments.law import load_law
from tests.gateway.shipments.stories import LAW

TABLE = """
[scope]
inside_province = "in"
between_big_cities = "out"
between_others = "out"
big_city_provinces = []
[[limit]]
scope = "in"
working_days = 5
working_days_with_slip = 9
valid_from = 2010-01-01
valid_to = 2017-08-14
legal_basis = "cũ"
[[limit]]
scope = "in"
working_days = 2
working_days_with_slip = 4
valid_from = 2017-08-15
legal_basis = "mới"
[[limit]]
scope = "out"
working_days = 4
working_days_with_slip = 8
valid_from = 2017-08-15
legal_basis = "mới"
[[invitation]]
invitations = 3
working_days_apart = 1
valid_from = 2017-08-15
legal_basis = "mới"
[[complaint]]
months = 6
answer_days_inside = 5
answer_days_between = 7
valid_from = 2017-08-15
legal_basis = "mới"
[working_days]
known_until = 2026-12-31
holiday = [{ date = 2026-09-02, name = "Quốc khánh" }]
make_up_day = [{ date = 2026-09-05, name = "làm bù" }]
"""


def test_the_limit_of_the_day_of_acceptance_holds():
    """A new text does not reach back."""
    law = read_law(TABLE)
    assert law.limit("in", date(2017, 8, 14)).legal_basis == "cũ"
    assert law.due_date(date(2017, 8, 14), "in") == date(2017, 8, 21)
    assert law.due_date(date(2017, 8, 15), "in") == date(2017, 8, 17)
    with pytest.raises(NoLimit):
        law.due_date(date(2009, 12, 31), "in")
    with pytest.raises(NoLimit):
        law.due_date(date(2026, 1, 5), "moon")


def test_holidays_do_not_count_and_make_up_days_do():
    """Tuesday before the holiday; the Saturday after it is worked."""
    law = read_law(TABLE)
    assert law.due_date(date(2026, 9, 1), "out") == date(2026, 9, 7)
    assert law.working.is_working(date(2026, 9, 5))
    assert not law.working.is_working(date(2026, 9, 6))


def test_a_paused_day_does_not_count():
    """Each working day on hold is a day more; a paused Sunday costs nothing."""
    paused = frozenset({date(2026, 9, 8), date(2026, 9, 13)})
    assert LAW.due_date(date(2026, 9, 7), "intra_province", paused=paused) == date(2026, 9, 10)


@pytest.mark.parametrize(
    ("sender", "recipient", "scope"),
    [
        ("46", "46", "intra_province"),
        ("01", "79", "inter_big_city"),
        ("01", "30", "inter_other"),
        ("30", "33", "inter_other"),
    ],
)
def test_the_scope_follows_from_two_provinces(sender, recipient, scope):
    """Inside one province never "inside a district" any more."""
    assert LAW.scope_of(sender, recipient) == scope


def test_invitations_too_close_together_count_once():
    """Each counts only when it lies far enough after the last one that counted."""
    law = read_law(TABLE)
    monday = date(2026, 9, 7)
    days = [monday + timedelta(days=n) for n in range(5)]
    assert not law.may_return(days[:2])
    assert not law.may_return([monday, monday, monday])
    assert law.may_return(days[:3])
    assert not law.may_return([])
    assert LAW.may_return([days[0], days[1], days[2]])
    assert not LAW.may_return([days[3], days[4], days[4]])


def test_complaints_have_their_own_limits():
    """Six months after the limit; answered in five or seven working days."""
    assert LAW.complaint_until(date(2026, 8, 31)) == date(2027, 2, 28)
    assert LAW.complaint_until(date(2026, 12, 15)) == date(2027, 6, 15)
    assert LAW.complaint_answer_by(date(2026, 9, 7), inside_province=True) == date(2026, 9, 14)
    assert LAW.complaint_answer_by(date(2026, 9, 7), inside_province=False) == date(2026, 9, 16)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[[complaint]]", "[[complaints]]"), "complaint"),
        (('legal_basis = "cũ"', 'legal_basis = ""'), "legal_basis"),
        (("valid_from = 2010-01-01", 'valid_from = "2010"'), "valid_from"),
        (("valid_to = 2017-08-14", "valid_to = 2017-08-15"), "two rows in force on 2017-08-15"),
        (('between_others = "out"', 'between_others = "moon"'), "no limit for scope moon"),
        (("working_days_apart = 1\n", ""), "working_days_apart"),
        (("months = 6", "monthz = 6"), "monthz"),
        (("[scope]", "[scope"), "TOMLDecodeError"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused(change, told):
    """At start, naming the place."""
    with pytest.raises(LawTableError, match=told):
        read_law(TABLE.replace(*change))


def test_the_shipped_table_names_its_law_and_its_horizon():
    """Every row has a basis; the calendar says how far it is known."""
    rows = [*LAW.limits, *LAW.invitations, *LAW.complaints]
    assert all("Thông tư 17/2017/TT-BTTTT" in row.legal_basis for row in rows)
    assert LAW.working.known_until.year >= 2026
    assert LAW.working.ends_soon(LAW.working.known_until)
    assert not LAW.working.ends_soon(LAW.working.known_until - timedelta(days=30))
    assert not WorkCalendar().ends_soon(date(2026, 1, 1))
    assert load_law() is load_law()


@given(st.dates(date(2018, 1, 1), date(2030, 1, 1)), st.integers(0, 30))
def test_counting_forwards_and_between_agree(start, days):
    """The day n working days later lies n working days after."""
    calendar = WorkCalendar(frozenset({start + timedelta(days=3)}))
    end = calendar.after(start, days)
    assert calendar.between(start, end) == days
    assert days == 0 or calendar.is_working(end)


def test_another_calendar_can_be_put_under_the_tables():
    """What vector files do."""
    law = replace(LAW, working=WorkCalendar(frozenset({date(2026, 9, 8)})))
    assert law.due_date(date(2026, 9, 7), "intra_province") == date(2026, 9, 10)
