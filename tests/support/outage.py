"""Takes a throw-away PostgreSQL down and brings the same one back, data and all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time

import psycopg

from tests.support.postgres import Postgres


async def take_down(server: Postgres) -> None:
    """Stop at once (SIGQUIT: connections are cut, recovery follows at the next start)."""
    process = server.stop
    assert isinstance(process, subprocess.Popen)
    process.send_signal(signal.SIGQUIT)
    await asyncio.to_thread(process.wait, 10)


async def bring_back(server: Postgres) -> None:
    """Start it again where it was."""
    await asyncio.to_thread(_start_again, server)


def _start_again(server: Postgres) -> None:
    old = server.stop
    assert isinstance(old, subprocess.Popen)
    owner = server.folder.stat().st_uid
    other = {"user": owner} if owner != os.geteuid() else {}
    with (server.folder / "log").open("ab") as log:
        server.stop = subprocess.Popen(
            old.args, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "HOME": str(server.folder), "LC_ALL": "C", "TZ": "UTC"}, **other,
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while not _answers(server):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _answers(server: Postgres) -> bool:
    try:
        server.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
