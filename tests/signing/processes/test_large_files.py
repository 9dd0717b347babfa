"""Documents too large to be handed about: signed where they lie, with memory that stays flat."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import signal
import threading
from pathlib import Path

import pytest

from signing.clock import SystemClock
from signing.contract import (
    DocumentRefused,
    LargeFiles,
    Level,
    Placement,
    Role,
    SigningPath,
    SigningUnavailable,
    SignOrder,
    Verdict,
)
from signing.processes.pool import SignerPool
from signing.service import SigningService
from tests.signing.validation.signing_kit import make_pdf
from tests.support.scans import write_scans

MEGABYTES = 60


def order(level=Level.B_B, key="official-ec", role=Role.INVISIBLE, **more):
    return SignOrder(b"", key, role, level, **more)


class Watched:
    """The most anonymous memory that processes had above what they had at first, in MB."""

    def __init__(self, *pids):
        self._before = {pid: self._anonymous(pid) for pid in pids}
        self.extra = dict.fromkeys(pids, 0.0)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(0.002):
            for pid, before in self._before.items():
                self.extra[pid] = max(self.extra[pid], self._anonymous(pid) - before)

    @staticmethod
    def _anonymous(pid):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) / 1024


@pytest.mark.long
async def test_a_large_file_is_signed_with_flat_memory(server, tmp_path):
    """60 MB at B-LTA, visible: neither this process nor the one with keys holds the document."""
    source, target = tmp_path / "large.pdf", tmp_path / "signed.pdf"
    write_scans(source, MEGABYTES)
    small = tmp_path / "small.pdf"
    small.write_bytes(make_pdf())
    look = {"role": Role.PERSON, "placement": Placement(page=1, rect_mm=(100, 100, 60, 30))}
    async with SignerPool(server.signer_config()) as pool:
        assert isinstance(pool, LargeFiles)
        await pool.sign_file(order(Level.B_LTA, **look), small, target)  # libraries are loaded now
        signer, reader = pool.pids[0], pool.reader_pids[0]
        with Watched(os.getpid(), signer) as memory:
            signed = await pool.sign_file(order(Level.B_LTA, **look), source, target)
        assert (pool.pids, pool.reader_pids) == ((signer,), (reader,))
        assert max(memory.extra.values()) < MEGABYTES / 3, memory.extra
        assert (signed.path, signed.level) == (SigningPath.LANE, Level.B_LTA)
        whole = target.read_bytes()
        assert whole.startswith(source.read_bytes())
        assert (signed.size, signed.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
        verdict = await pool.validate_file(target)
        assert verdict.verdict is Verdict.VALID
        assert (await pool.provability_file(target)).level is Level.B_LTA


@pytest.mark.long
async def test_a_reader_looks_at_400_mb_and_judges_them_without_holding_them(server, tmp_path):
    """Inspection and verdict on pages of scans: a small part of the file at a time."""
    source, target, small = (tmp_path / f"{name}.pdf" for name in ("scans", "signed", "small"))
    write_scans(source, 398)
    small.write_bytes(make_pdf())
    async with SignerPool(server.signer_config()) as pool:
        await pool.sign_file(order(Level.B_LTA), small, target)
        await pool.validate_file(target)  # libraries are loaded now
        (reader,) = pool.reader_pids
        with Watched(reader) as memory:
            await pool.sign_file(order(Level.B_LTA), source, target)
            verdict = await pool.validate_file(target)
        assert pool.reader_pids == (reader,)
    assert len(verdict.signatures) == 2
    assert all(one.integrity for one in verdict.signatures)
    assert memory.extra[reader] < 120, memory.extra


@pytest.mark.long
async def test_a_reader_lost_over_a_large_file_is_a_finding(server, tmp_path):
    """Killed in the middle: the file is named, nothing is signed, the next one is served."""
    source, target = tmp_path / "source.pdf", tmp_path / "signed.pdf"
    source.write_bytes(make_pdf())
    async with SignerPool(server.signer_config()) as pool:
        await pool.inspect_file(source)
        (reader,) = pool.reader_pids
        os.kill(reader, signal.SIGSTOP)  # so that it has the job and cannot finish it
        jobs = asyncio.gather(
            pool.sign_file(order(), source, target),
            return_exceptions=True,
        )
        await asyncio.sleep(0.1)
        os.kill(reader, signal.SIGKILL)
        (refused,) = await jobs
        assert isinstance(refused, DocumentRefused)
        assert refused.code == "inspection_crashed"
        assert not target.exists()
        assert pool.pids == ()
        (other,) = [*pool.reader_pids, None][:1]
        assert other != reader
        signed = await pool.sign_file(order(), source, target)
        assert signed.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


async def test_a_reader_lost_over_a_verdict_leaves_it_undecided(server, tmp_path):
    """Of a file on the disk as of bytes: its hash, and that nobody knows."""
    source = tmp_path / "source.pdf"
    source.write_bytes(make_pdf())
    async with SignerPool(server.signer_config()) as pool:
        await pool.inspect_file(source)
        (reader,) = pool.reader_pids
        os.kill(reader, signal.SIGSTOP)
        judging = asyncio.ensure_future(pool.validate_file(source))
        await asyncio.sleep(0.1)
        os.kill(reader, signal.SIGKILL)
        verdict = await judging
    assert (verdict.verdict, verdict.reason) == (Verdict.INDETERMINATE, "checker_lost")
    assert verdict.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.long
async def test_a_signer_lost_over_a_large_file_leaves_none(server, tmp_path):
    """The copy that it was appending to is gone with it."""
    source, target = tmp_path / "source.pdf", tmp_path / "signed.pdf"
    source.write_bytes(make_pdf())
    async with SignerPool(server.signer_config()) as pool:
        await pool.sign_file(order(), source, target)
        (signer,) = pool.pids
        target.unlink()
        server.faults.tsa_delay_s = 4.0
        before = server.calls.tsa
        job = asyncio.ensure_future(pool.sign_file(order(Level.B_T), source, target))
        while server.calls.tsa == before:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.02)
        os.kill(signer, signal.SIGKILL)
        with pytest.raises(SigningUnavailable) as lost:
            await job
        server.faults.tsa_delay_s = 0.0
    assert lost.value.code == "signer_died"
    assert not target.exists()


@pytest.fixture
def small_is_large(monkeypatch):
    """As if 1 MiB were more than pyHanko may hold."""
    monkeypatch.setattr("signing.pades.refusals._COPIED_AT_MOST", 2**20)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
async def test_what_the_lane_does_not_sign_is_signed_in_a_copy_when_it_is_large(
    server, tmp_path, level, small_is_large
):
    """pyHanko writes its revision there and holds none of it; with a key of another digest."""
    source, target = tmp_path / "large.pdf", tmp_path / "signed.pdf"
    write_scans(source, 2)
    keys = tuple(dataclasses.replace(k, digest="sha512") for k in server.signer_config().keys)
    service = SigningService(dataclasses.replace(server.signer_config(), keys=keys), SystemClock())
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    try:
        signed = await service.sign_file(order(level), source, target, digest)
        assert (signed.level, signed.path) == (level, SigningPath.ORDINARY)
        with target.open("rb") as after, source.open("rb") as before:
            assert hashlib.sha256(after.read(source.stat().st_size)).hexdigest() == digest
            assert hashlib.file_digest(before, "sha256").hexdigest() == digest
        verdict = await service.validate_file(target)
    finally:
        await service.close()
    assert {one.integrity for one in verdict.signatures} == {True}
    assert verdict.sha256 == signed.sha256


async def test_what_the_lane_does_not_sign_is_refused_in_memory_when_it_is_large(
    server, tmp_path, small_is_large
):
    """There pyHanko would hold it several times: refused by name before a key is used."""
    source = tmp_path / "large.pdf"
    write_scans(source, 2)
    keys = tuple(dataclasses.replace(k, digest="sha512") for k in server.signer_config().keys)
    service = SigningService(dataclasses.replace(server.signer_config(), keys=keys), SystemClock())
    asked = dataclasses.replace(order(), pdf=source.read_bytes())
    try:
        with pytest.raises(DocumentRefused) as refused:
            await service.sign(asked, inspected=True)
    finally:
        await service.close()
    assert refused.value.code == "large_file_not_plain"
    assert "1 MiB" in refused.value.message_vi
