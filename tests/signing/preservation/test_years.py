"""A clock moved years ahead: two renewals, and what is provable until when."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import Level, Verdict
from signing.service import SigningService
from tests.signing import oracles

YEAR = timedelta(days=365)


@pytest.mark.oracle
@pytest.mark.parametrize("start", ["B-B", "B-LTA"])
async def test_two_renewals_keep_a_signature_valid_for_ten_years(
    signed, keeper, moved, own_pki, tmp_path, start
):
    """Signer's and first authority's certificates are long expired; the chain of stamps holds."""
    pdf = (await keeper.extend((await signed(start)).pdf, Level.B_LTA)).pdf
    for renewal in (4, 8):
        moved.by = renewal * YEAR
        assert (await keeper.validate(pdf)).verdict is Verdict.VALID
        own_pki.pki.replace_tsa()
        renewed = await keeper.extend(pdf, Level.B_LTA)
        assert (renewed.level, renewed.shortfall) == (Level.B_LTA, "")
        assert renewed.pdf.startswith(pdf)
        pdf = renewed.pdf
    moved.by = 9 * YEAR
    verdict = await keeper.validate(pdf)
    assert verdict.verdict is Verdict.VALID, verdict.summary
    assert all(s.proven_time is not None for s in verdict.signatures)
    path = tmp_path / "x.pdf"
    path.write_bytes(pdf)
    verdicts, text = oracles.pdfsig_verdicts(path)
    assert ("Invisible1", "Signature is Valid.") in verdicts
    assert "Total document signed" in text
    assert oracles.qpdf_accepts(path)


async def test_without_renewal_the_proof_ends_when_it_was_said(signed, keeper, moved):
    """A day before the reckoned end the file is valid, a day after it is not."""
    before = await signed("B-LTA")
    until = (await keeper.provability(before.pdf)).until
    for days, wanted in ((-1, Verdict.VALID), (1, Verdict.INDETERMINATE)):
        moved.by = until + timedelta(days=days) - datetime.now(UTC)
        assert (await keeper.validate(before.pdf)).verdict is wanted
    late = await keeper.extend(before.pdf, Level.B_T)
    assert late.pdf == before.pdf


@pytest.mark.parametrize(
    ("level", "reason", "years"),
    [
        ("B-B", "signer_certificate", 3),
        ("B-T", "signer_certificate", 3),
        ("B-LT", "timestamp_certificate", 5),
        ("B-LTA", "timestamp_certificate", 5),
    ],
)
async def test_what_ends_the_proof_depends_on_the_level(signed, keeper, level, reason, years):
    """Without revocation data the signer's certificate, else the time-stamp's."""
    found = await keeper.provability((await signed(level)).pdf)
    assert found.reason == reason
    assert abs(found.until - datetime.now(UTC) - years * YEAR) < timedelta(days=2)
    assert found.level is Level(level)
    assert found.detail.startswith("Chứng minh được đến ngày ")


@pytest.mark.parametrize(
    ("name", "ends"), [("rsa-2048", True), ("sha256", True), ("rsa-1024", False), ("sha1", False)]
)
async def test_an_algorithm_may_end_before_the_certificate(signed, own_pki, moved, name, ends):
    """The operator's table says when; a smaller key's or another hash's end is none of ours."""
    before = await signed("B-LTA")
    end = datetime.now(UTC) + YEAR
    config = dataclasses.replace(own_pki.signer_config(), algorithm_ends=((name, end),))
    service = SigningService(config, moved)
    found = await service.provability(before.pdf)
    await service.close()
    assert (found.reason == "algorithm") == ends
    assert (found.until == end) == ends


async def test_renewal_may_use_a_stronger_digest(signed, own_pki, moved):
    """When SHA-256 ends, archive time-stamps are asked for SHA-512."""
    config = dataclasses.replace(own_pki.signer_config(), archive_digest="sha512")
    service = SigningService(config, moved)
    renewed = await service.extend((await signed("B-LTA")).pdf, Level.B_LTA)
    der, _, is_timestamp = oracles.messages(renewed.pdf)[-1]
    await service.close()
    info = oracles.cms.ContentInfo.load(der)["content"]["encap_content_info"]["content"].parsed
    assert is_timestamp
    assert info["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha512"


async def test_a_revocation_is_not_judged_away_by_older_stamps(signed, keeper, moved, own_pki):
    """Revoked before the document time-stamp proves the time: never valid."""
    before = await signed("B-B")
    own_pki.revoke(own_pki.pki.certificate("official-rsa").serial_number)
    moved.by = timedelta(hours=2)  # the good answer of the signing is forgotten
    after = await keeper.extend(before.pdf, Level.B_LTA)
    moved.by = timedelta(hours=3)
    assert (await keeper.validate(after.pdf)).verdict is not Verdict.VALID
