"""What a file may cost; at the limit an answer with its reason, not an error."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.commands.check import validate_paths
from signing.commands.checking_process import Limits
from signing.contract import Verdict
from signing.processes.pool import SignerPool
from signing.validation import validate_pdf
from signing.validation.difference import Deadline, OutOfTime, StrictPolicy
from signing.validation.digests import hash_signed_bytes
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign

ROOTS = (pki().root.der,)


@pytest.fixture(scope="module")
def many():
    """Twenty-five visible signatures, one after the other."""
    pdf = make_pdf()
    for number in range(25):
        left, bottom = 20 + 50 * (number % 10), 20 + 60 * (number // 10)
        box = (left, bottom, left + 40, bottom + 40)
        pdf = sign(pdf, field=f"Ky{number}", box=box, store=number == 0)
    return pdf


def test_a_file_with_25_signatures_is_judged_within_the_limit(many):
    validation = validate_pdf(many, ROOTS, NOW, time_limit_s=25.0)
    assert len(validation.signatures) == 25
    assert all(s.integrity for s in validation.signatures)
    assert {s.reason for s in validation.signatures} == {"intact"}


def test_revisions_are_compared_once_for_all_signatures(many, monkeypatch):
    compared = []
    apply = StrictPolicy.apply

    def counted(self, old, new, *rest):
        compared.append((old.revision, new.revision))
        return apply(self, old, new, *rest)

    monkeypatch.setattr(StrictPolicy, "apply", counted)
    validate_pdf(many, ROOTS, NOW)
    assert len(compared) == len(set(compared))
    assert all(new == old + 1 for old, new in compared)


def test_time_that_runs_out_within_a_signature_leaves_it_undecided(many, monkeypatch):
    """The limit is looked at before each comparison, not only between signatures."""
    left = iter(range(3))

    def check(_self):
        if next(left, None) is None:
            raise OutOfTime

    monkeypatch.setattr(Deadline, "check", check)
    validation = validate_pdf(many, ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "time_limit"
    assert {s.reason for s in validation.signatures} == {"time_limit"}
    assert "Hết thời gian" in validation.summary


def test_the_command_answers_for_a_file_that_takes_too_long(tmp_path, many):
    path = tmp_path / "many.pdf"
    path.write_bytes(many)
    told, limits = [], Limits(seconds=0.001)
    status = validate_paths([path], ROOTS, True, write=told.append, now=NOW, limits=limits)
    assert status == 1
    (line,) = told
    assert '"verdict": "indeterminate"' in line
    assert '"reason": "time_limit"' in line
    assert "quá thời gian" in line


async def test_the_pool_answers_for_a_file_that_takes_too_long(server, many):
    async with SignerPool(server.signer_config()) as pool:
        pool._validation_limit_s = 0.001
        validation = await pool.validate(many)
        assert (validation.verdict, validation.reason) == (Verdict.INDETERMINATE, "time_limit")
        assert validation.size == len(many)
        assert "Hết thời gian" in validation.summary
        assert pool.reader_pids == ()  # the child that was still at it is gone


def test_signed_bytes_are_hashed_once_and_rightly(many):
    """One running state gives every signature the digest that the library works out alone."""
    whole, alone = (PdfFileReader(io.BytesIO(many)).embedded_signatures for _ in range(2))
    hash_signed_bytes(many, reversed(whole))
    for ours, theirs in zip(whole, alone, strict=True):
        assert ours.external_digests == {"sha256": theirs.compute_digest()}


def test_odd_byte_ranges_are_left_to_the_library(many):
    first, *_ = PdfFileReader(io.BytesIO(many)).embedded_signatures
    first.byte_range = [5, 10, 20, 30]
    hash_signed_bytes(many, [first])
    assert first.external_digests == {}
