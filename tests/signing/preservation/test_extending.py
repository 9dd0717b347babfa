"""Raising levels of files that are already signed, judged by our validator and by others."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from signing.contract import CheckOutcome, DocumentRefused, Level, SigningUnavailable, Verdict
from tests.signing import oracles

LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")


@pytest.mark.oracle
@pytest.mark.parametrize("start", LEVELS)
async def test_every_level_is_raised_to_b_lta_and_valid_for_everybody(
    signed, keeper, own_pki, tmp_path, start
):
    """Our validator, pyHanko's engine offline, pdfsig, qpdf and openssl accept the new revision."""
    before = await signed(start)
    after = await keeper.extend(before.pdf, Level.B_LTA)
    assert after.pdf.startswith(before.pdf)
    assert after.sha256 == hashlib.sha256(after.pdf).hexdigest()
    assert (after.level, after.shortfall, after.missing) == (Level.B_LTA, "", ())
    assert len(after.timestamp_fields) == 1
    verdict = await keeper.validate(after.pdf)
    assert verdict.verdict is Verdict.VALID, verdict.summary
    assert verdict.signatures[0].level == "B-LTA"
    if start != "B-B":  # its long-term engine knows no signature without a time-stamp of its own
        judged = await asyncio.to_thread(oracles.lta_verdicts, after.pdf, own_pki.pki.root_pem)
        assert set(judged) == {oracles.AdESPassed.OK}
    path = tmp_path / "x.pdf"
    path.write_bytes(after.pdf)
    verdicts, text = oracles.pdfsig_verdicts(path)
    assert ("Invisible1", "Signature is Valid.") in verdicts
    assert "Total document signed" in text
    assert oracles.qpdf_accepts(path)
    assert oracles.openssl_accepts(after.pdf, own_pki.pki.root_pem, tmp_path)


@pytest.mark.parametrize("start", LEVELS)
@pytest.mark.parametrize("wanted", LEVELS[1:])
async def test_the_asked_level_is_reached_and_nothing_more_is_added(signed, keeper, start, wanted):
    """A level that is there already adds nothing, except B-LTA, which renews."""
    before = await signed(start)
    after = await keeper.extend(before.pdf, Level(wanted))
    assert after.level is max(Level(start), Level(wanted), key=lambda level: level.rank)
    unchanged = Level(start).rank >= Level(wanted).rank and wanted != "B-LTA"
    assert (after.pdf == before.pdf) == unchanged
    assert bool(after.timestamp_fields) == (wanted == "B-LTA" or start == "B-B")


async def test_an_extension_leaves_exactly_the_proof_that_it_embedded(signed, keeper):
    """Token, OCSP, CRL and certificates as they stand in the file; a time-stamp alone: no more."""
    before = await signed("B-B")
    after = await keeper.extend(before.pdf, Level.B_LTA)
    left, added = after.evidence, after.pdf[len(before.pdf) :]
    assert len(left.timestamps) == len(after.timestamp_fields) == 1
    assert left.timestamps[0].hex().encode() in added.lower()
    assert left.ocsps or left.crls
    assert left.certificates
    assert left.authority_certificates
    codes = [(check.code, check.outcome) for check in left.checks]
    passed = CheckOutcome.PASSED
    wanted = ("revocation", "archive_timestamp", "self_check")
    assert codes == [(code, passed) for code in wanted]
    stamped = (await keeper.extend(before.pdf, Level.B_T)).evidence
    assert (stamped.certificates, stamped.ocsps, stamped.crls) == ((), (), ())
    assert len(stamped.timestamps) == 1


async def test_a_b_b_signature_is_proven_by_a_time_stamp_over_the_document(signed, keeper):
    """Its own bytes may not change any more; the archive time-stamp proves the time instead."""
    after = await keeper.extend((await signed("B-B")).pdf, Level.B_LTA)
    (person, archive) = (await keeper.validate(after.pdf)).signatures
    assert person.verdict is Verdict.VALID
    assert archive.field_name == "ArchiveTime1"
    assert archive.proven_time is not None


async def test_levels_come_step_by_step_as_services_come_back(signed, keeper, own_pki):
    """TSA first: B-T; then OCSP: B-LTA. Each step says what is still missing."""
    before = await signed("B-B")
    own_pki.faults.ocsp_down = own_pki.faults.crl_down = own_pki.faults.tsa_down = True
    keeper._revocation._answers.clear()
    with pytest.raises(SigningUnavailable):
        await keeper.extend(before.pdf, Level.B_LTA)
    own_pki.faults.tsa_down = False
    timed = await keeper.extend(before.pdf, Level.B_LTA)
    assert (timed.level, timed.shortfall) == (Level.B_T, "revocation_unavailable")
    own_pki.faults.ocsp_down = own_pki.faults.crl_down = False
    own_pki.faults.tsa_down = True
    known = await keeper.extend(timed.pdf, Level.B_LTA)
    assert (known.level, known.shortfall) == (Level.B_LT, "timestamp_unavailable")
    own_pki.faults.tsa_down = False
    done = await keeper.extend(known.pdf, Level.B_LTA)
    assert (done.level, done.shortfall) == (Level.B_LTA, "")
    assert (await keeper.validate(done.pdf)).verdict is Verdict.VALID


async def test_two_signers_are_both_raised(signed, keeper):
    """The lowest level among the signatures is the file's."""
    first = await signed("B-B")
    second = await signed("B-LTA", first.pdf, "official-ec")
    assert (await keeper.provability(second.pdf)).level is Level.B_T
    after = await keeper.extend(second.pdf, Level.B_LTA)
    verdict = await keeper.validate(after.pdf)
    assert after.level is Level.B_LTA
    assert verdict.verdict is Verdict.VALID, verdict.summary
    assert [s.level for s in verdict.signatures if s.level] == ["B-LTA", "B-LTA"]


async def test_a_signature_nobody_answers_for_is_named(signed, keeper, moved, own_pki):
    """A certificate that has expired: the time is proven, the rest is said to be missing."""

    before = await signed("B-T")
    moved.by = timedelta(days=365 * 3 + 30)
    after = await keeper.extend(before.pdf, Level.B_LTA)
    assert after.shortfall == "validation_data_missing"
    assert after.missing == ("Invisible1",)


async def test_a_revoked_authority_seals_nothing(signed, keeper, own_pki):
    """Its stamp would prove nothing; what is there stays as it is."""
    before = await signed("B-T")
    own_pki.revoke(own_pki.pki.tsa.certificate.serial_number)
    keeper._revocation._answers.clear()
    after = await keeper.extend(before.pdf, Level.B_LTA)
    assert (after.level, after.shortfall) == (Level.B_LT, "timestamp_authority_status")
    assert after.timestamp_fields == ()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda pdf: pdf, "unsigned"),
        (lambda pdf: b"GIF89a", "not_a_pdf"),
        (lambda pdf: b"%PDF-1.7\n%%EOF", "unreadable"),
    ],
)
async def test_what_has_no_signature_is_refused(keeper, decision_pdf, make, code):
    with pytest.raises(DocumentRefused) as refused:
        await keeper.extend(make(decision_pdf), Level.B_LTA)
    assert refused.value.code == code
    unproven = await keeper.provability(make(decision_pdf))
    assert (unproven.until, unproven.reason, unproven.level) == (None, code, None)
