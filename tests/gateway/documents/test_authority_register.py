"""Who may sign, as pure rules: examples from NĐ 30/2020, art. 13, and any rows at any moment."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.authority.rules import Mandate, Wish, judge, problem_of_new
from gateway.foundation.clock import vietnam_day
from signing.contract import CertificateBinding

HEAD, DEPUTY, CLERK = "official:truong", "official:pho", "official:van.thu"
AGENCY, OTHER = "H55.12", "H55.13"
NOON = datetime(2026, 11, 2, 5, tzinfo=UTC)


TODAY = date(2026, 11, 2)


def mandate(**changes):
    plain = Mandate(
        id="aut_1",
        agency_code=AGENCY,
        official=HEAD,
        role="person",
        capacities=(None,),
        title="Chủ tịch",
        document_kinds=frozenset(),
        valid_from=date(2026, 1, 1),
        valid_to=None,
        decision_number="12/QĐ-UBND",
        decision_date=date(2025, 12, 30),
    )
    return dataclasses.replace(plain, **changes)


def wish(**changes):
    plain = Wish(HEAD, "person", None, "Chủ tịch", AGENCY, "quyet-dinh", "khoa-truong", NOON)
    return dataclasses.replace(plain, **changes)


DELEGATED = mandate(
    id="aut_2",
    official=DEPUTY,
    capacities=("TUQ.",),
    title=None,
    valid_to=date(2026, 12, 31),
    document_kinds=frozenset({"giay-moi"}),
    granted_by=HEAD,
)


def test_the_head_signs_by_the_register():
    """The ground is the row, so that evidence can cite its decision."""
    ruling = judge(wish(), [mandate()])
    assert (ruling.refusal, [m.id for m in ruling.grounds]) == (None, ["aut_1"])


def test_an_agency_without_rows_is_left_to_the_configuration():
    """Unless the operator asks for the register everywhere."""
    rows = [mandate(agency_code=OTHER)]
    assert judge(wish(), rows) == judge(wish(), [])
    assert judge(wish(), []).refusal is None
    assert judge(wish(), [], required=True).refusal.code == "authority_missing"


def test_a_request_that_names_no_agency_is_bound_by_any_row():
    """Leaving the agency out is no way around the register."""
    assert judge(wish(agency_code=None), [mandate(agency_code=OTHER)]).grounds
    stranger = wish(agency_code=None, official=DEPUTY)
    assert judge(stranger, [mandate(agency_code=OTHER)]).refusal.code == "authority_missing"


REFUSED = {
    "authority_missing": [
        (wish(official=DEPUTY), mandate()),
        (wish(role="agency", official=CLERK), mandate(official=CLERK)),
        (wish(role="person", official=CLERK), mandate(official=CLERK, role="agency")),
        (wish(), mandate(role="initial")),
    ],
    "authority_document_kind": [(wish(), mandate(document_kinds=frozenset({"giay-moi"})))],
    "authority_capacity": [
        (wish(capacity="KT."), mandate()),
        (wish(capacity=None), mandate(capacities=("KT.", "TL."))),
    ],
    "authority_title": [(wish(title="Phó Chủ tịch"), mandate())],
    "authority_credential": [(wish(), mandate(credential="khoa-khac"))],
    "authority_not_in_force": [
        (wish(), mandate(valid_to=date(2026, 11, 1))),
        (wish(), mandate(valid_from=date(2026, 11, 3))),
        (wish(), mandate(ended_at=NOON)),
    ],
}


@pytest.mark.parametrize(
    ("code", "asked", "row"), [(c, *pair) for c, pairs in REFUSED.items() for pair in pairs]
)
def test_what_a_row_does_not_cover_is_refused_by_name(code, asked, row):
    """Each reason has its code and a Vietnamese sentence."""
    refusal = judge(asked, [row]).refusal
    assert refusal.code == code
    assert refusal.sentence.endswith(".")


def test_the_sentence_names_the_day():
    """Ended, run out and not begun yet are told apart, with the decision behind them."""
    ended = mandate(ended_at=NOON - timedelta(days=3), end_reason="nghỉ hưu")
    for row, words in (
        (ended, "đã hết ngày 30.10.2026 (theo 12/QĐ-UBND ngày 30.12.2025; lý do: nghỉ hưu)"),
        (mandate(valid_to=date(2026, 11, 1)), "đã hết ngày 01.11.2026"),
        (mandate(valid_from=date(2026, 11, 3)), "chỉ bắt đầu từ ngày 03.11.2026"),
    ):
        assert words in judge(wish(), [row]).refusal.sentence


def test_days_are_vietnamese_and_include_both_ends():
    """23:59 in Vietnam is still the last day; 00:00 is the next."""
    row = mandate(valid_from=date(2026, 11, 2), valid_to=date(2026, 11, 2))
    first = datetime(2026, 11, 1, 17, tzinfo=UTC)
    assert row.acts_at(first)
    assert not row.acts_at(first - timedelta(microseconds=1))
    assert row.acts_at(first + timedelta(hours=24, microseconds=-1))
    assert not row.acts_at(first + timedelta(hours=24))


def test_titles_are_compared_as_people_read_them():
    """Capitals, spaces and the way of composing letters do not matter; a row may leave it open."""
    assert judge(wish(title="CHỦ  TỊCH"), [mandate(title="Chủ tịch")]).grounds
    assert judge(wish(title="Cục trưởng"), [mandate(title=None)]).grounds
    assert judge(wish(title=None), [mandate()]).grounds


def test_an_initial_needs_no_capacity_of_its_own():
    """Who may sign may also initial; who may only initial may not sign."""
    for row in (mandate(role="initial"), mandate(capacities=("KT.",))):
        assert judge(wish(role="initial", title="Chuyên viên"), [row]).grounds
    assert judge(wish(), [mandate(role="initial")]).refusal


def test_the_clerk_seals_copies_and_annexes_by_one_row():
    """All three are acts with the agency's key."""
    row = mandate(official=CLERK, role="agency", title=None)
    for role in ("agency", "copy", "annex"):
        assert judge(wish(official=CLERK, role=role, title=None), [row]).grounds


def test_a_certificate_is_bound_only_where_every_ground_names_one():
    """Two rows, one of which takes any certificate: any will do."""
    bound = mandate(binding=CertificateBinding(sha256="ab" * 32))
    assert judge(wish(), [bound]).bindings == (bound.binding,)
    assert judge(wish(), [bound, mandate()]).bindings == ()
    assert judge(wish(), [bound]).ground_for(b"something else") is None
    assert judge(wish(), [bound, mandate(id="aut_9")]).ground_for(b"x").id == "aut_9"


# ------------------------------------------------------------------ entering rows


def test_a_written_authorisation_is_accepted_when_it_is_one():
    """A head in office, a limit in time, a limit in content, a row of its own."""
    assert problem_of_new(DELEGATED, [mandate()], TODAY) == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_to": None}, "valid_to"),
        ({"document_kinds": frozenset()}, "document_kinds"),
        ({"granted_by": None}, "granted_by"),
        ({"granted_by": DEPUTY}, "granted_by"),
        ({"granted_by": CLERK}, "granted_by"),
        ({"capacities": ("TUQ.", "KT.")}, "capacities"),
    ],
)
def test_a_careless_authorisation_is_not(changes, field):
    """NĐ 30/2020, art. 13 §3: in writing, limited in time and content."""
    new = dataclasses.replace(DELEGATED, **changes)
    assert list(problem_of_new(new, [mandate()], TODAY)) == [field]


@pytest.mark.parametrize(
    "grantor",
    [
        dataclasses.replace(DELEGATED, official=HEAD, granted_by="official:ai.do"),
        mandate(capacities=("KT.",)),
        mandate(capacities=("TL.",)),
        mandate(role="initial"),
        mandate(agency_code=OTHER),
        mandate(valid_from=date(2026, 1, 2)),
        mandate(ended_at=datetime(2025, 12, 1, tzinfo=UTC)),
    ],
    ids=["delegate", "deputy", "by order", "initials only", "elsewhere", "later", "ended before"],
)
def test_what_was_delegated_is_not_delegated_again(grantor):
    """Only a head of that agency, in office on the first day, may authorise."""
    assert list(problem_of_new(DELEGATED, [grantor], TODAY)) == ["granted_by"]


def test_a_row_that_ends_before_it_begins_and_a_clerk_with_a_capacity_are_refused():
    """Both are typing errors."""
    assert list(problem_of_new(mandate(valid_to=date(2025, 1, 1)), [], TODAY)) == ["valid_to"]
    clerk = mandate(role="agency", capacities=("TM.",))
    assert list(problem_of_new(clerk, [], TODAY)) == ["capacities"]


# ------------------------------------------------------------------ any rows, any moment

_days = st.dates(date(2026, 10, 20), date(2026, 11, 20))
_moments = st.integers(-18 * 1440, 23 * 1440).map(lambda m: NOON + timedelta(minutes=m))
_capacities = st.lists(
    st.sampled_from([None, "TM.", "KT.", "TL.", "TUQ.", "Q."]), min_size=1, max_size=3
)
_mandates = st.builds(
    mandate,
    id=st.uuids().map(str),
    agency_code=st.sampled_from([AGENCY, OTHER]),
    official=st.sampled_from([HEAD, DEPUTY]),
    role=st.sampled_from(["initial", "person", "agency"]),
    capacities=_capacities.map(tuple),
    title=st.sampled_from([None, "Chủ tịch", "Phó Chủ tịch"]),
    document_kinds=st.frozensets(st.sampled_from(["quyet-dinh", "giay-moi"])),
    valid_from=_days,
    valid_to=st.none() | _days,
    ended_at=st.none() | _moments,
    credential=st.sampled_from([None, "khoa-truong", "khoa-pho"]),
)
_wishes = st.builds(
    wish,
    official=st.sampled_from([HEAD, DEPUTY]),
    role=st.sampled_from(["initial", "person", "agency", "copy", "annex"]),
    capacity=st.sampled_from([None, "TM.", "KT.", "TL.", "TUQ.", "Q."]),
    title=st.sampled_from([None, "Chủ tịch", "Phó Chủ tịch"]),
    agency_code=st.sampled_from([AGENCY, OTHER, None]),
    document_kind=st.sampled_from(["quyet-dinh", "giay-moi"]),
    credential=st.sampled_from(["khoa-truong", "khoa-pho"]),
    at=_moments,
)


@given(st.lists(_mandates, max_size=8), _wishes)
def test_an_ended_mandate_never_acts(rows, asked):
    """Whatever else stands in the register, every ground is in force and says what was asked."""
    ruling = judge(asked, rows)
    day = vietnam_day(asked.at)
    for ground in ruling.grounds:
        assert ground.official == asked.official
        assert ground.ended_at is None or asked.at < ground.ended_at
        assert ground.valid_from <= day
        assert ground.valid_to is None or day <= ground.valid_to
        assert asked.agency_code in (None, ground.agency_code)
        assert asked.role in ("initial", "agency", "copy", "annex") or (
            asked.capacity in ground.capacities
        )
    assert not (ruling.grounds and ruling.refusal)


@given(st.lists(_mandates, min_size=1, max_size=8), _wishes)
def test_where_rows_stand_the_register_always_decides(rows, asked):
    """An agency with a row is never left to the configuration, and the order of rows is nothing."""
    ruling = judge(asked, rows)
    if any(asked.agency_code in (None, m.agency_code) for m in rows):
        assert bool(ruling.grounds) != bool(ruling.refusal)
    turned = judge(asked, rows[::-1])
    assert set(turned.grounds) == set(ruling.grounds)
    assert turned.refusal is None or turned.refusal.code == ruling.refusal.code


@given(st.lists(_mandates, max_size=6), _wishes, _moments)
def test_ending_every_mandate_ends_every_authority(rows, asked, at):
    """After everything is ended nothing is allowed, however rows and days lie."""
    ended = [dataclasses.replace(m, ended_at=min(at, m.ended_at or at)) for m in rows]
    later = dataclasses.replace(asked, at=max(at, asked.at))
    ruling = judge(later, ended)
    assert ruling.grounds == ()
    if any(asked.agency_code in (None, m.agency_code) for m in rows):
        assert ruling.refusal is not None
