"""Server processes for benchmarks: the real command ``motcua serve``, and a bare handler.

Owns starting, waiting until they answer, stopping, and a throw-away PostgreSQL when asked for one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_START_S = 30.0


@dataclass(frozen=True)
class Served:
    """A process that answers on a port of loopback."""

    port: int
    pid: int
    key: str = ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def gateway(folder: Path, database: str, more: str = "") -> Iterator[Served]:
    """``motcua serve`` with its workers on a fresh, migrated database, and a key of a portal."""
    port, config = free_port(), folder / "motcua.toml"
    master, pepper = secrets.token_hex(32), secrets.token_hex(32)
    config.write_text(
        f'[server]\nport = {port}\npublic_url = "http://127.0.0.1:{port}"\n'
        "requests_per_second = 1000000\n"
        f'[database]\nurl = "{database}"\n[files]\nurl = "{folder}/files"\n'
        f'[secrets]\nmaster_keys = ["{master}"]\npepper = "{pepper}"\n'
        f"{more}"
    )
    _motcua(config, "migrate")
    made = _motcua(config, "keys", "create", "--portal", "benchmark", "--mode", "test")
    command = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)]
    with _running(command, port, "/readyz", folder / "gateway.log") as process:
        yield Served(port, process.pid, made.split()[1])


@contextlib.contextmanager
def bare(folder: Path, module: str = "benchmarks._bare") -> Iterator[Served]:
    """A server of this folder that takes its port as its argument."""
    port = free_port()
    command = [sys.executable, "-m", module, str(port)]
    with _running(command, port, "/", folder / "bare.log") as process:
        yield Served(port, process.pid)


@contextlib.contextmanager
def store(folder: Path, postgresql: str | None) -> Iterator[str]:
    """A database's address: SQLite in the folder, a given PostgreSQL, or ``auto``: one started."""
    if postgresql is None:
        yield f"sqlite:///{folder}/motcua.db"
        return
    if postgresql != "auto":
        yield postgresql
        return
    from tests.support import postgres  # noqa: PLC0415 - only when asked for

    server = postgres.start(durable=True)
    if server is None:
        raise SystemExit("no PostgreSQL on this machine")
    try:
        server.execute("CREATE DATABASE benchmark")
        yield server.url("benchmark")
    finally:
        postgres.stop(server)


@contextlib.contextmanager
def _running(
    command: list[str], port: int, path: str, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + _START_S
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()[-2000:])
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _motcua(config: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "gateway.cli", *arguments, "--config", str(config)]
    done = subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def post(path: str, value: object, headers: dict[str, str]) -> bytes:
    """A whole HTTP/1.1 request with a JSON body."""
    body = json.dumps(value, ensure_ascii=False).encode()
    head = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = "".join(f"{name}: {text}\r\n" for name, text in head.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
