"""Answers of children: of their job's own types, and nothing that reaches beyond the answer."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
from datetime import UTC, datetime

import msgspec
import pytest

from signing.contract import (
    CredentialRefused,
    DocumentRefused,
    Finding,
    Inspection,
    Level,
    Prepared,
    Provability,
    Repaired,
    Severity,
    SignedPdf,
    SignerConfig,
    SigningUnavailable,
    TimestampTrip,
)
from signing.processes.answers import ANSWERS, AnswerForms, AnswerUnreadable, write_answer
from signing.processes.pool import SignerPool
from signing.processes.signer import JOBS, TALK

FORMS = AnswerForms()
CLEAN = Inspection("ab" * 32, 7, 1, "1.7", (), ())


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


def global_(module, name):
    return f"c{module}\n{name}\n".encode()


def poison():
    """A pickle of nothing but our own values that sets an attribute of a class of ours."""
    change = b"N}" + b"X\x04\0\0\0rank" + b"K\x03s\x86"
    end = pickle.dumps(((), "done", None), 2)[2:]
    return b"\x80\x02" + global_("signing.contract.orders", "Level") + change + b"b0" + end


def raw(kind, value, trips=()):
    return msgspec.msgpack.encode([trips, kind, value])


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(((), "done", Evil())),
        poison(),
        b"",
        b"\x80\x04junk",
        raw("Inspection", {"sha256": "ab"}),
        raw("Inspection", dataclasses.asdict(CLEAN) | {"findings": ["x"]}),
        raw("Inspection", dataclasses.asdict(CLEAN) | {"pages": "1"}),
        raw("Validation", dataclasses.asdict(CLEAN)),
        raw("refused", ["OSError", "a", "b", "c"]),
        raw("refused", ["DocumentRefused", "a", 5, "c"]),
        write_answer(Provability(None, "unsigned", "", None)),
        b"\xdd\xff\xff\xff\xff" * 20,
        b"\x91" * 100_000,
    ],
)
def test_the_parent_reads_nothing_but_an_answer_to_the_job(data):
    """A child taken over by a hostile PDF runs no code in the parent, and changes none of it."""
    with pytest.raises(AnswerUnreadable):
        FORMS.read("inspect", data)
    assert [level.rank for level in Level] == [0, 1, 2, 3]


def test_refusals_keep_their_kind_and_words():
    """What the child raised is what the caller sees."""
    for kind in (DocumentRefused, CredentialRefused, SigningUnavailable):
        with pytest.raises(kind) as seen:
            FORMS.read("inspect", write_answer(kind("code", "lý do", "reason")))
        assert (seen.value.code, seen.value.message_vi) == ("code", "lý do")


def test_every_job_has_its_types_and_one_kind_of_child():
    assert set(ANSWERS) == JOBS | TALK
    assert not JOBS & TALK


def test_a_job_with_two_outcomes_tells_them_apart():
    """``finish`` gives the signed file, or the next part; times keep their moment."""
    moment = datetime(2026, 11, 25, 8, 30, 15, 250000, tzinfo=UTC)
    signed = SignedPdf(b"x", "ab", Level.B_T, ("a",), b"c", moment, {"lane": 1.5})
    prepared = Prepared(b"x", b"s", b"d", 1, 4)
    assert FORMS.read("finish", write_answer(signed)) == signed
    assert FORMS.read("finish", write_answer(prepared)) == prepared
    with pytest.raises(AnswerUnreadable):
        FORMS.read("sign", write_answer(prepared))
    assert FORMS.read("keep_list", write_answer(None)) is None


def test_figures_arrive_with_answers_and_refusals():
    seen = []
    trips = (TimestampTrip("tsa.vn", "granted", 0.25),)
    FORMS.read("inspect", write_answer(CLEAN, trips), seen.extend)
    with pytest.raises(DocumentRefused):
        FORMS.read("inspect", write_answer(DocumentRefused("a", "b"), trips), seen.extend)
    assert seen == list(trips) * 2


class LibraryText(str):
    """Readers of PDF give strings of their own kind."""

    __slots__ = ()


def test_what_a_file_writes_strangely_still_arrives():
    """Strings of a library's own kind, and half letters that no encoding has."""
    odd = (Finding("js", Severity.BLOCK, LibraryText("trang 1"), "chữ \ud83d lạ"),)
    found = FORMS.read("inspect", write_answer(dataclasses.replace(CLEAN, findings=odd)))
    (finding,) = found.findings
    assert (finding.where, finding.detail, type(finding.where)) == ("trang 1", "chữ ? lạ", str)
    assert found.blocked


async def test_a_reader_vouches_for_no_other_file(monkeypatch):
    """Which file is clean is what the pool hashed, not what the reader says it read."""
    other, repaired = b"%PDF another", b"%PDF written anew"
    lie = dataclasses.replace(
        CLEAN,
        sha256=hashlib.sha256(other).hexdigest(),
        repaired=Repaired(repaired, hashlib.sha256(other).hexdigest()),
    )
    async with SignerPool(SignerConfig()) as pool:

        async def read(*_):
            return lie

        monkeypatch.setattr(pool, "_read", read)
        found = await pool.inspect(b"%PDF this one")
        assert found.sha256 == hashlib.sha256(b"%PDF this one").hexdigest()
        assert found.repaired.sha256 == hashlib.sha256(repaired).hexdigest()
        assert hashlib.sha256(other).digest() not in pool._clean
        assert hashlib.sha256(repaired).digest() in pool._clean
