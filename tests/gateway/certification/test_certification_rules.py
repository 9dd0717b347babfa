"""The register's laws, a copy's states and the dated texts, without input or output."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.certification.attestation import TemplateError, fill_in, load_templates
from gateway.certification.rules import (
    FileMatch,
    Register,
    Status,
    book_in_path,
    file_verdict,
    printed_number,
    printed_volume,
    why_not_sign,
)
from tests.gateway.certification.bureau import AGENCY, CERTIFIER, DEPUTY, OFFICES, TEMPLATES

NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(("until", "held"), [(None, False), (NOW, False), (LATER, True)])
def test_a_register_is_held_until_its_lease_runs_out(until, held):
    """At the very moment it runs out, the next may take it."""
    assert Register(4, 1, until).is_held(NOW) is held


@pytest.mark.parametrize(
    ("register", "allowed"),
    [
        (Register(4, 7, LATER), True),
        (Register(4, 7, NOW - timedelta(days=1)), True),  # run out, but nobody took it since
        (Register(4, 8, LATER), False),
        (Register(5, 7, LATER), False),
        (Register(4, 7, None), False),
    ],
)
def test_a_number_is_entered_only_under_the_fence_it_was_printed_with(register, allowed):
    """Number 5, printed under fence 7, over a register that last gave 4."""
    assert register.allows(7, 5) is allowed


@pytest.mark.parametrize(
    ("status", "official", "code"),
    [
        (Status.DRAFT, CERTIFIER, None),
        (Status.DRAFT, DEPUTY, "not_your_certification"),
        (Status.DRAFT, None, "official_required"),
        (Status.ISSUED, CERTIFIER, "certification_closed"),
        (Status.REVOKED, CERTIFIER, "certification_closed"),
    ],
)
def test_only_the_named_certifier_signs_and_only_a_draft(status, official, code):
    """Who asks is judged first."""
    assert why_not_sign(status, CERTIFIER, official) == code


@pytest.mark.parametrize(
    ("certifier", "agency", "wrong"),
    [
        (CERTIFIER, AGENCY, set()),
        (DEPUTY, AGENCY, {"/certifier"}),
        ("official:x", AGENCY, {"/certifier"}),
        ("official:x", "H99", {"/certifier", "/agency_code"}),
    ],
)
def test_people_certify_where_they_are_entrusted(certifier, agency, wrong):
    """Unknown people, unknown agencies, and people of another agency."""
    assert set(OFFICES.unknown(certifier, agency)) == wrong


@pytest.mark.parametrize("segment", ["SCT-BS", "SCT/BS"])
def test_a_book_is_addressed_with_dash_or_slash(segment):
    """The symbol has a slash, addresses do not like it."""
    assert book_in_path(segment) == "SCT/BS"


def test_numbers_are_printed_as_the_forms_have_them():
    """The first of a year is 01; the hundredth is 100."""
    assert [printed_number(n) for n in (1, 10, 100)] == ["01", "10", "100"]
    assert printed_volume(1, 2026) == "01/2026"


@pytest.mark.parametrize(
    ("match", "verdict", "same", "says"),
    [
        (FileMatch.SAME, None, False, "ok"),
        (FileMatch.OTHER, "valid", True, "changed"),
        (FileMatch.EXTENDED, "valid", True, "newer"),
        (FileMatch.EXTENDED, "valid", False, "changed"),
        (FileMatch.EXTENDED, "invalid", True, "changed"),
        (FileMatch.EXTENDED, "indeterminate", True, "unclear"),
        (FileMatch.EXTENDED, "indeterminate", False, "changed"),
        (FileMatch.EXTENDED, None, False, "unchecked"),
    ],
)
def test_a_file_is_called_false_only_with_evidence(match, verdict, same, says):
    """What could not be asked is unchecked, never changed."""
    assert file_verdict(match, verdict, same_signatures=same) == says


@pytest.mark.parametrize("day", [date(2025, 10, 31), date(2025, 11, 1), date(2026, 11, 2)])
def test_each_day_has_its_own_attestation_text(day):
    """The shipped texts follow each other without a hole or an overlap."""
    template = TEMPLATES.find("copy_from_original", "SCT/BS", day)
    assert ("280/2025" in template.legal_basis) == (day >= date(2025, 11, 1))


def test_no_text_is_in_force_for_unknown_books_and_early_days():
    """Nothing is guessed."""
    assert TEMPLATES.find("copy_from_original", "SCT/HĐ", date(2026, 1, 1)) is None
    assert TEMPLATES.find("copy_from_original", "SCT/BS", date(2019, 1, 1)) is None
    assert TEMPLATES.find("signature", "SCT/BS", date(2026, 1, 1)) is None


TEXT = """
kind = "copy_from_original"
books = ["SCT/BS"]
valid_from = {since}
legal_basis = "NĐ"
heading = "H"
lines = ["Số {{{field}}}"]
"""


def write(folder, name, since="2020-01-01", field="number", more=""):
    (folder / name).write_text(TEXT.format(since=since, field=field) + more, "utf-8")


def test_every_wrong_template_stops_the_start(tmp_path):
    """Overlaps, unknown placeholders, unknown keys and broken files are all named."""
    write(tmp_path, "a.toml")
    write(tmp_path, "b.toml", since="2021-01-01")
    write(tmp_path, "c.toml", field="so_chung_thuc")
    write(tmp_path, "d.toml", more='colour = "red"\n')
    (tmp_path / "e.toml").write_text("[", "utf-8")
    with pytest.raises(TemplateError) as caught:
        load_templates(tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "c.toml",
        "d.toml",
        "e.toml",
        "a.toml, b.toml",
    ]


def test_a_folder_without_templates_stops_the_start(tmp_path):
    """Certifying without a text would be found out too late."""
    with pytest.raises(TemplateError):
        load_templates(tmp_path)


def test_texts_that_follow_each_other_may_stand_together(tmp_path):
    """``valid_to`` is the last day of the old text."""
    write(tmp_path, "a.toml", more="valid_to = 2020-12-31\n")
    write(tmp_path, "b.toml", since="2021-01-01")
    templates = load_templates(tmp_path)
    found = templates.find("copy_from_original", "SCT/BS", date(2020, 12, 31))
    assert found.valid_from == date(2020, 1, 1)
    assert fill_in(found, {"number": "07"}).lines == ("Số 07",)
