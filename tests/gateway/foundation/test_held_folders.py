"""Temporary folders that others share: swept when their process is gone, never before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from gateway.foundation.clock import FakeClock
from gateway.foundation.files import FileStore
from gateway.foundation.held_folders import make_held, sweep_held
from gateway.housekeeping import housekeeping

SPOOLING = """
import asyncio, tempfile
from gateway.foundation.files import FileStore

async def main():
    async with FileStore("memory:///", 1).spool() as spool:
        path = await spool.new()
        path.write_bytes(b"%PDF of somebody")
        print(path, flush=True)
        await asyncio.sleep(600)

tempfile.tempdir = {folder!r}
asyncio.run(main())
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A store that keeps its files on no disk of this machine."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return FileStore("memory:///", 1024)


@pytest.fixture
def process(tmp_path):
    """Another process in the middle of an upload: the process, and its file."""
    code = SPOOLING.format(folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as one:
        yield one, tmp_path.joinpath(one.stdout.readline().strip())
        one.kill()


async def test_a_killed_processs_files_go_and_a_living_ones_stay(
    elsewhere, process, clock, tmp_path
):
    """Whatever their age: the upload of a living process may be a second or a day old."""
    other, file = process
    async with elsewhere.spool() as spool:
        own = await spool.new()
        own.write_bytes(b"%PDF of ours")
        assert await elsewhere.sweep(clock.now() + timedelta(days=900)) == 0
        assert file.read_bytes() == b"%PDF of somebody"
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        assert await elsewhere.sweep(clock.now() - timedelta(days=1)) == 1
        assert not file.parent.exists()
        assert own.read_bytes() == b"%PDF of ours"
    assert list(tmp_path.iterdir()) == []


async def test_the_gateway_sweeps_when_it_starts(elsewhere, process):
    """Not a minute or a day later."""
    other, file = process
    os.kill(other.pid, signal.SIGKILL)
    other.wait()

    class Started(Exception):
        pass

    class FirstSleep(FakeClock):
        async def sleep(self, seconds):
            raise Started

    with pytest.raises(Started):
        await housekeeping(None, FirstSleep(), None, elsewhere)
    assert not file.parent.exists()


def test_names_links_and_files_of_others_stay(tmp_path):
    """Only folders of this name, never through a link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "1").write_bytes(b"kept")
    below = tmp_path / "below"
    below.mkdir()
    (below / "motcua-spool-held-link").symlink_to(outside)
    (below / "motcua-spool-held-file").write_bytes(b"kept")
    (below / "other-held-1").mkdir()
    assert sweep_held(below, "motcua-spool-", 0.0) == 0
    assert (outside / "1").read_bytes() == b"kept"
    assert len(list(below.iterdir())) == 3


def test_a_folder_between_its_making_and_its_lock_is_not_swept(tmp_path):
    """Its maker is about to lock it; one that was left so is swept when it is old."""
    made = tmp_path / "motcua-spool-new-1"
    made.mkdir()
    born = made.stat().st_mtime
    assert sweep_held(tmp_path, "motcua-spool-", born) == 0
    assert sweep_held(tmp_path, "motcua-spool-", born + 1) == 1
    assert not made.exists()


def test_a_removed_folder_gives_its_lock_back(tmp_path):
    held = make_held(tmp_path, "x-")
    (held.path / "deep").mkdir()
    assert oct(held.path.stat().st_mode & 0o777) == "0o700"
    held.remove()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held.lock)
