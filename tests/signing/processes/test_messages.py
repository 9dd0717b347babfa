"""Jobs and answers as bytes: everything arrives, and nothing but values of the known types."""

from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from signing.contract import (
    ActCheck,
    ActEvidence,
    CertificateBinding,
    CheckOutcome,
    DocumentNumber,
    DocumentSurvey,
    Level,
    PageSurvey,
    Placement,
    Role,
    SignedPdf,
    SigningPath,
    SignOrder,
    TimeSource,
    TimestampTrip,
)
from signing.processes.answers import AnswerForms, AnswerUnreadable, write_answer
from signing.processes.messages import JobUnreadable, read_job, write_job

NOW = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)
ORDER = SignOrder(
    pdf=b"%PDF-1.7\x00\xff",
    credential="official",
    role=Role.AGENCY,
    level=Level.B_LT,
    pin="0000",
    otp="111111",
    placement=Placement(1, (10.0, 20.5, 60.0, 30.0), "CHỦ TỊCH", over_text=True),
    document_number=DocumentNumber(5, "QĐ-UBND", "2026-11-02"),
    signer_name="Nguyễn Văn Mẫu",
    capacity="KT.",
    title="Phó Chủ tịch",
    reason="Ban hành",
    location="Phường Mẫu",
    bindings=(CertificateBinding(serial="5a", issuer="CA"), CertificateBinding(sha256="00")),
    text_style="iso",
    accept_lower=True,
)
SURVEY = DocumentSurvey(
    "ab" * 32, (PageSurvey(0, "Số", b"\x00" * 64, b"\x01" * 20, ((1.0, 2.0, 3.0, 4.5),), True),)
)
EVIDENCE = ActEvidence(
    chain=(b"leaf", b"root"),
    authority_certificates=(b"tsa",),
    ocsps=(b"ocsp",),
    crls=(),
    timestamps=(b"token",),
    checks=(ActCheck("revocation", CheckOutcome.WARNED, NOW, "Chưa xác định."),),
    algorithm="RSASSA-PSS SHA-256",
    proven_time=NOW,
    time_source=TimeSource.DOCUMENT,
)
SIGNED = SignedPdf(
    pdf=b"appended",
    sha256="cd" * 32,
    level=Level.B_T,
    field_names=("Sig1", "Sig2"),
    certificate=b"leaf",
    signed_at=NOW,
    timings_ms={"signing": 0.25},
    evidence=EVIDENCE,
    shortfall="tsa_down",
    path=SigningPath.LANE,
)
TRIP = TimestampTrip("tsa.example", "granted", 0.2)


FORMS = AnswerForms()


def read_answer(data, on_trips=None):
    return FORMS.read("sign", data, on_trips)


def is_pickle(message):
    return message[:1] == b"\x80"


@pytest.mark.parametrize("survey", [None, SURVEY])
def test_an_order_arrives_as_it_was_given(survey):
    """Every field, secrets too, and what was read on the pages."""
    message = write_job("sign", (ORDER, True, survey))
    assert not is_pickle(message)
    assert read_job(message) == ("sign", (ORDER, True, survey))
    bare = SignOrder(b"%PDF", "official", Role.INVISIBLE)
    assert read_job(write_job("sign", (bare, True, survey)))[1][0] == bare


def test_no_field_of_an_order_or_answer_is_left_at_its_default_here():
    """So that a field added later is tried too."""
    for value in (ORDER, SIGNED, EVIDENCE):
        for field in dataclasses.fields(value):
            if field.default is not dataclasses.MISSING and field.name != "evidence":
                assert getattr(value, field.name) != field.default, field.name


def test_other_jobs_are_pickled():
    assert is_pickle(write_job("inspect", (b"%PDF", True, False)))
    assert read_job(write_job("keep_list", ("u", b"x", NOW))) == ("keep_list", ("u", b"x", NOW))


def test_a_signed_document_arrives_with_the_figures_of_its_job():
    told = []
    answer = write_answer(SIGNED, (TRIP, TRIP))
    assert not is_pickle(answer)
    found = read_answer(answer, told.append)
    assert found == SIGNED
    assert isinstance(found.evidence.checks[0].outcome, CheckOutcome)
    assert told == [(TRIP, TRIP)]


def test_a_moment_of_another_zone_stays_the_same_moment():
    vietnam = NOW.astimezone(timezone(timedelta(hours=7)))
    found = read_answer(write_answer(dataclasses.replace(SIGNED, signed_at=vietnam)))
    assert found.signed_at == vietnam


def test_text_that_is_not_unicode_still_crosses():
    """Half a surrogate pair, as careless software makes it, cannot be said in UTF-8."""
    order = dataclasses.replace(ORDER, reason="\ud83d")
    assert read_job(write_job("sign", (order, True, None)))[1][0] == order
    signed = dataclasses.replace(SIGNED, shortfall="\ud83d")
    assert read_answer(write_answer(signed)).shortfall == "?"


def test_an_order_of_other_types_is_not_read():
    wrong = dataclasses.replace(ORDER, capacity=5)
    with pytest.raises(JobUnreadable):
        read_job(write_job("sign", (wrong, True, None)))


def packed(value):
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        write_answer(SIGNED)[:-1],
        write_answer(SIGNED) + b"\x00",
        packed(((), "SignedPdf", dataclasses.replace(SIGNED, pdf="text"))),
        packed(((), "SignedPdf", dataclasses.replace(SIGNED, level="B-X"))),
        packed(((), "SignedPdf", ORDER)),
        packed((TRIP, "SignedPdf", SIGNED)),
        packed({}),
        pickle.dumps(SIGNED)[1:],
    ],
)
def test_a_child_is_not_believed_anything_else(data):
    """Cut off, longer, of other types, of other values."""
    told = []
    with pytest.raises(AnswerUnreadable):
        read_answer(data, told.append)
    assert told == []
