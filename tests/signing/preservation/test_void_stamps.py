"""Time-stamps of a revoked authority: left out of the reckoning, told apart, and put right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes

from signing.contract import Level, VoidStamps
from signing.processes.pool import SignerPool

YEAR = timedelta(days=365)


def sha256_of(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


async def test_a_void_stamp_carries_nothing(signed, keeper, own_pki):
    """What is left is the signer's own certificate: nobody else's word fixes the time."""
    file = await signed("B-LTA")
    void = (VoidStamps(sha256_of(own_pki.pki.tsa.certificate), None),)
    found = await keeper.provability(file.pdf, void)
    assert found.reason == "timestamp_revoked"
    assert abs(found.until - datetime.now(UTC) - 3 * YEAR) < timedelta(days=2)
    assert "thu hồi" in found.detail
    assert found.level is Level.B_LTA


@pytest.mark.parametrize(("hours", "void"), [(-1, True), (1, False)])
async def test_stamps_from_before_a_harmless_revocation_stay_good(
    signed, keeper, own_pki, hours, void
):
    """By the time-stamp's own time."""
    file = await signed("B-LTA")
    since = datetime.now(UTC) + timedelta(hours=hours)
    stamps = (VoidStamps(sha256_of(own_pki.pki.tsa.certificate), since),)
    found = await keeper.provability(file.pdf, stamps)
    assert (found.reason == "timestamp_revoked") == void
    assert (found == await keeper.provability(file.pdf)) == (not void)


async def test_another_authoritys_certificate_changes_nothing(signed, keeper):
    file = await signed("B-LTA")
    assert await keeper.provability(file.pdf, (VoidStamps("0" * 64, None),)) == (
        await keeper.provability(file.pdf)
    )


async def test_a_renewal_by_another_authority_puts_it_right(signed, keeper, own_pki):
    """The new time-stamp covers everything; the void one is not missed."""
    file = await signed("B-LTA")
    void = (VoidStamps(sha256_of(own_pki.pki.tsa.certificate), None),)
    own_pki.pki.replace_tsa()
    longer = await keeper.extend(file.pdf, Level.B_LTA)
    found = await keeper.provability(longer.pdf, void)
    assert found.reason == "timestamp_certificate"
    assert found.until == longer.provability.until


async def test_an_extension_says_until_when_without_them(signed, keeper, own_pki):
    """In this process, with the question; the next one is answered as if nothing had been said."""
    file = await signed("B-LTA")
    void = (VoidStamps(sha256_of(own_pki.pki.tsa.certificate), None),)
    longer = await keeper.extend(file.pdf, Level.B_LTA, void)
    assert longer.provability.reason == "timestamp_revoked"
    assert longer.provability == await keeper.provability(longer.pdf, void)
    assert (await keeper.extend(file.pdf, Level.B_LTA)).provability.reason != "timestamp_revoked"


@pytest.mark.long
async def test_a_pool_answers_each_caller_by_what_they_believe(signed, own_pki, tmp_path):
    """In memory and on the disk, and what an extension says of itself; nothing is remembered."""
    file = await signed("B-LTA")
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(file.pdf)
    void = (VoidStamps(sha256_of(own_pki.pki.tsa.certificate), None),)
    async with SignerPool(own_pki.signer_config()) as pool:
        assert (await pool.provability(file.pdf)).reason == "timestamp_certificate"
        assert (await pool.provability(file.pdf, void)).reason == "timestamp_revoked"
        assert (await pool.provability_file(source, void)).reason == "timestamp_revoked"
        longer = await pool.extend(file.pdf, Level.B_LTA, void)
        assert longer.provability.reason == "timestamp_revoked"
        longer = await pool.extend_file(source, target, Level.B_LTA, void)
        assert longer.provability.reason == "timestamp_revoked"
        assert (await pool.provability(file.pdf)).reason == "timestamp_certificate"
