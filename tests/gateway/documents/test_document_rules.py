"""Who may sign what, and when: every branch of the rules, without input or output."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from gateway.documents.rules import (
    Authority,
    RequestStatus,
    check_order,
    is_symbol,
    refusal_of_file,
    seal_problem,
    visible_status,
    why_not_act,
)

NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
A, B, SEAL = "official:a", "official:b", "agency:H55.12"
AUTHORITY = Authority({A: "a", SEAL: "seal"}, {SEAL: frozenset({B})})


@pytest.mark.parametrize(
    ("steps", "numbered"),
    [
        ([("person", A)], False),
        ([("initial", B), ("initial", A), ("person", A), ("agency", SEAL)], True),
        ([("person", A), ("person", B), ("agency", SEAL)], False),
        ([("copy", SEAL)], False),
        ([("annex", SEAL)], False),
    ],
)
def test_these_orders_are_how_officials_sign(steps, numbered):
    """Initials, then persons, then one seal; copies and annexes alone."""
    check_order(steps, numbered=numbered)


@pytest.mark.parametrize(
    ("steps", "numbered", "says"),
    [
        ([], False, "ít nhất"),
        ([("agency", SEAL), ("person", A)], True, "Thứ tự"),
        ([("person", A), ("initial", B)], False, "Thứ tự"),
        ([("agency", SEAL)], True, "sau chữ ký"),
        ([("initial", A), ("agency", SEAL)], True, "sau chữ ký"),
        ([("person", A), ("agency", SEAL), ("agency", SEAL)], True, "một lần"),
        ([("person", A)], True, "văn thư"),
        ([("person", SEAL)], False, "official:"),
        ([("person", A), ("agency", B)], False, "agency:"),
        ([("copy", SEAL), ("person", A)], False, "một bước"),
        ([("copy", SEAL)], True, "văn thư"),
    ],
)
def test_other_orders_are_refused_with_the_reason(steps, numbered, says):
    """The seal never comes first, and never without a person."""
    with pytest.raises(ValueError, match=says):
        check_order(steps, numbered=numbered)


@pytest.mark.parametrize(
    ("stored", "lease", "deadline", "seen"),
    [
        ("waiting", None, None, "waiting"),
        ("waiting", None, LATER, "waiting"),
        ("waiting", None, NOW, "expired"),
        ("signing", LATER, None, "signing"),
        ("signing", LATER, NOW, "signing"),
        ("signing", NOW, None, "waiting"),
        ("signing", NOW, NOW, "expired"),
        ("signed", None, NOW, "signed"),
        ("rejected", None, NOW, "rejected"),
    ],
)
def test_the_visible_status_follows_lease_and_deadline(stored, lease, deadline, seen):
    """A signing under way beats the deadline; a dead one waits or has expired; ends stay ends."""
    assert visible_status(RequestStatus(stored), lease, deadline, NOW) == seen


@pytest.mark.parametrize(
    ("status", "signer", "official", "code"),
    [
        ("waiting", A, A, None),
        ("waiting", SEAL, B, None),
        ("waiting", SEAL, A, "not_your_step"),
        ("waiting", A, B, "not_your_step"),
        ("signing", A, B, "not_your_step"),
        ("waiting", A, None, "official_required"),
        ("signing", A, A, "signing_in_progress"),
        ("expired", A, A, "request_expired"),
        ("signed", None, A, "request_closed"),
        ("rejected", None, A, "request_closed"),
    ],
)
def test_only_the_steps_own_signer_acts_and_only_while_it_waits(status, signer, official, code):
    """Who asks is judged before the state is told."""
    assert why_not_act(RequestStatus(status), signer, official, AUTHORITY) == code


def test_an_agency_nobody_was_entrusted_with_has_no_clerk():
    """An unknown seal is nobody's."""
    assert not AUTHORITY.may_act(B, "agency:H55.99")


@pytest.mark.parametrize(
    ("fields", "verdicts", "code"),
    [
        (["P1"], {"P1": "valid"}, None),
        (["P1", "P2"], {"P1": "valid", "P2": "indeterminate"}, "person_signature_unproven"),
        (["P1"], {"P1": "invalid"}, "person_signature_invalid"),
        (["P1"], {"other": "valid"}, "person_signature_invalid"),
        ([], {"P1": "valid"}, "person_signature_invalid"),
    ],
)
def test_the_seal_needs_a_proven_signature_of_a_person(fields, verdicts, code):
    """A signature that vanished is as bad as a broken one."""
    assert seal_problem(fields, verdicts) == code


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([], None),
        (["javascript", "fonts_not_embedded"], None),
        (["empty_file"], "file_empty"),
        (["lax_reading", "truncated"], "file_truncated"),
        (["encrypted", "unreadable"], "file_encrypted"),
        (["decode_limit"], "file_unreadable"),
    ],
)
def test_only_files_that_nobody_could_read_are_turned_away(found, code):
    """Forbidden content is kept as evidence; an unreadable file is not a document."""
    assert refusal_of_file(found) == code


@pytest.mark.parametrize(
    ("symbol", "holds"),
    [
        ("QĐ-UBND", True),
        (unicodedata.normalize("NFD", "12/QĐ-ỦBNDỆ"), True),
        ("NQ-HĐND (K10), đợt 2 & 3", True),
        ("QĐ\tUBND", False),
        ("QĐ\nUBND", False),
        ("QĐ\u202eUBND", False),
        ("QĐ\u200bUBND", False),
        ("QĐ中", False),
        ("-/-", False),
    ],
)
def test_a_symbol_is_what_can_be_printed(symbol, holds):
    """Letters of Vietnamese in either form; nothing invisible, nothing that turns the line."""
    assert is_symbol(symbol) is holds
