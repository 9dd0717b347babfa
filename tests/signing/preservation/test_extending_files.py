"""Signed files extended where they lie, by both writers of proof."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from signing.contract import DocumentRefused, Level, Role, SigningUnavailable, SignOrder, Verdict
from signing.processes.pool import SignerPool
from signing.service import SigningService
from tests.signing import oracles
from tests.support.scans import write_scans


@pytest.fixture(params=[True, False], ids=["lane", "pyhanko"])
async def writer(request, own_pki, moved):
    """A service whose revisions of proof one of the two writers makes."""
    config = dataclasses.replace(own_pki.signer_config(), fast_lane=request.param)
    service = SigningService(config, moved)
    yield service
    await service.close()


@pytest.fixture
def source(tmp_path):
    return tmp_path / "signed.pdf"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "extended.pdf"


@pytest.mark.oracle
@pytest.mark.parametrize("start", ["B-B", "B-T", "B-LTA"])
async def test_a_file_reaches_b_lta_beside_its_source(
    signed, writer, own_pki, source, target, tmp_path, start
):
    """The source stays; our validator, pdfsig, qpdf and openssl accept the longer one."""
    before = (await signed(start)).pdf
    source.write_bytes(before)
    done = await writer.extend_file(source, target, Level.B_LTA)
    after = target.read_bytes()
    assert source.read_bytes() == before
    assert after.startswith(before)
    assert (done.sha256, done.size) == (hashlib.sha256(after).hexdigest(), len(after))
    assert (done.level, done.shortfall, len(done.timestamp_fields)) == (Level.B_LTA, "", 1)
    assert len(done.evidence.timestamps) == 1
    assert (await writer.validate_file(target)).verdict is Verdict.VALID
    assert (await writer.provability_file(target)) == done.provability
    _, text = oracles.pdfsig_verdicts(target)
    assert "Total document signed" in text
    assert oracles.qpdf_accepts(target)
    assert oracles.openssl_accepts(after, own_pki.pki.root_pem, tmp_path)


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
async def test_the_time_stamp_is_by_the_configured_digest(
    signed, own_pki, moved, source, target, digest
):
    """The lane carries a SHA-256; another digest is made over the whole file for itself."""
    config = dataclasses.replace(own_pki.signer_config(), archive_digest=digest)
    service = SigningService(config, moved)
    source.write_bytes((await signed("B-T")).pdf)
    try:
        done = await service.extend_file(source, target, Level.B_LTA)
        verdict = await service.validate_file(target)
        pieces = await service.take_apart_file(target)
    finally:
        await service.close()
    assert verdict.verdict is Verdict.VALID
    archive = next(one for one in pieces.signatures if one.is_archive)
    assert (archive.field_name, archive.digest_algorithm) == (done.timestamp_fields[0], digest)


async def test_what_has_its_level_already_is_copied_as_it_is(signed, writer, source, target):
    """Nothing is added, nothing is asked."""
    before = (await signed("B-T")).pdf
    source.write_bytes(before)
    done = await writer.extend_file(source, target, Level.B_T)
    assert target.read_bytes() == before
    assert (done.timestamp_fields, done.size) == ((), len(before))
    assert done.sha256 == hashlib.sha256(before).hexdigest()


async def test_a_refusal_leaves_no_file(signed, writer, own_pki, source, target, decision_pdf):
    """Unsigned, or nobody answers: named, and the copy is gone."""
    source.write_bytes(decision_pdf)
    with pytest.raises(DocumentRefused) as refused:
        await writer.extend_file(source, target, Level.B_LTA)
    assert refused.value.code == "unsigned"
    assert not target.exists()
    source.write_bytes((await signed("B-B")).pdf)
    own_pki.faults.tsa_down = True
    with pytest.raises(SigningUnavailable) as away:
        await writer.extend_file(source, target, Level.B_LTA)
    assert away.value.code == "timestamp_unavailable"
    assert not target.exists()


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LTA])
async def test_what_the_lane_does_not_take_is_extended_in_its_copy_when_it_is_large(
    keeper, own_pki, moved, source, target, tmp_path, level, monkeypatch
):
    """pyHanko appends to the file itself; in memory it would hold it several times over."""
    monkeypatch.setattr("signing.pades.refusals._COPIED_AT_MOST", 2**20)
    plain = tmp_path / "scans.pdf"
    write_scans(plain, 2)
    order = SignOrder(b"", "official-ec", Role.INVISIBLE, Level.B_B)
    await keeper.sign_file(order, plain, source, hashlib.sha256(plain.read_bytes()).hexdigest())
    service = SigningService(dataclasses.replace(own_pki.signer_config(), fast_lane=False), moved)
    try:
        done = await service.extend_file(source, target, level)
        assert (done.level, done.size) == (level, target.stat().st_size)
        before, after = source.read_bytes(), target.read_bytes()
        assert after[: len(before)] == before
        assert hashlib.sha256(after).hexdigest() == done.sha256
        with pytest.raises(DocumentRefused) as refused:
            await service.extend(before, level)
    finally:
        await service.close()
    assert refused.value.code == "large_file_not_plain"


async def test_pyhanko_leaves_the_copy_as_it_was_when_an_authority_fails(
    signed, own_pki, moved, source, target
):
    """The next one begins with the same bytes."""
    before = (await signed("B-B")).pdf
    source.write_bytes(before)
    config = dataclasses.replace(own_pki.signer_config(), fast_lane=False)
    lying = f"{own_pki.base_url}/nobody"
    config = dataclasses.replace(config, timestamp_urls=(lying, *config.timestamp_urls))
    service = SigningService(config, moved)
    try:
        done = await service.extend_file(source, target, Level.B_T)
    finally:
        await service.close()
    after = target.read_bytes()
    assert after.startswith(before)
    assert after.count(b"/ETSI.RFC3161") == before.count(b"/ETSI.RFC3161") + 1
    assert hashlib.sha256(after).hexdigest() == done.sha256


@pytest.mark.long
async def test_400_mb_are_signed_and_extended_by_processes_that_do_not_hold_them(server, tmp_path):
    """Their whole peak, libraries and mapped pages included, is far below the file."""
    plain, source, target = (tmp_path / f"{name}.pdf" for name in ("scans", "signed", "extended"))
    write_scans(plain, 398)
    order = SignOrder(b"", "official-ec", Role.INVISIBLE, Level.B_B)
    async with SignerPool(server.signer_config()) as pool:
        signed = await pool.sign_file(order, plain, source)
        done = await pool.extend_file(source, target, Level.B_LTA)
        peaks = [_peak_mb(pid) for pid in (*pool.pids, *pool._archivists.pids)]
    assert (signed.level, done.level) == (Level.B_B, Level.B_LTA)
    assert done.sha256 == _sha256(target)
    assert done.size > 398 * 2**20
    assert len(peaks) == 2
    assert max(peaks) < 200, peaks


def _peak_mb(pid):
    """The most that a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
