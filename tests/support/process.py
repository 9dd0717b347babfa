"""The gateway as a real process: started by its command, asked over HTTP, ended by signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def write_config(path: Path, settings: Settings, **server: Any) -> Path:
    """Settings as the TOML file an operator would write."""
    data = msgspec.to_builtins(settings)
    data["server"] |= server
    path.write_text(_toml(data), "utf-8")
    return path


def _toml(data: dict[str, Any]) -> str:
    return "".join(
        f"[{_name(section)}]\n" + "".join(f"{_name(k)} = {_value(v)}\n" for k, v in _said(values))
        for section, values in data.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_name(k)} = {_value(v)}" for k, v in _said(value)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value)  # strings, numbers and booleans read the same in TOML


def _name(key: str) -> str:
    return json.dumps(key)


def _said(values: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(k, v) for k, v in values.items() if v is not None]  # TOML knows no null


@dataclass
class GatewayProcess:
    """One ``motcua serve``; the same object is started again after its end."""

    config: Path
    base_url: str
    later_s: float = 0.0  # how far its clock is ahead
    clock_file: Path | None = None  # says so instead, while it lives (``later``)
    process: subprocess.Popen[bytes] | None = None
    ends: list[int] = field(default_factory=list)

    @property
    def log(self) -> str:
        """Everything it said, over all its lives."""
        path = self._log_path
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def _log_path(self) -> Path:
        return self.config.with_suffix(".log")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it; ``ready`` tells when it serves."""
        command = [sys.executable, "-m", "gateway.cli"]
        ahead = f"@{self.clock_file}" if self.clock_file else str(self.later_s or "")
        if ahead:
            command = [sys.executable, "-m", "tests.support.later", ahead]
        with self._log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "serve", "--config", str(self.config)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={k: v for k, v in os.environ.items() if not k.startswith("MOTCUA_")},
            )

    async def ready(self, within_s: float = 90.0) -> None:
        """Wait until ``/readyz`` says so."""
        deadline = time.monotonic() + within_s
        async with aiohttp.ClientSession() as session:
            while True:
                assert self.process is not None
                assert self.process.poll() is None, self.log[-3000:]
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.base_url}/readyz") as answer:
                        if answer.status == 200:
                            return
                assert time.monotonic() < deadline, self.log[-3000:]
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """``kill -9``: nothing is tidied up."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.ends.append(self.process.wait(10))

    async def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM, as a service manager does; gives the exit status."""
        assert self.process is not None
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.log[-3000:]
            await asyncio.sleep(0.02)
        self.ends.append(self.process.returncode)
        return self.process.returncode

    def end(self) -> None:
        """Leave nothing running behind a test."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def children(self) -> list[int]:
        """Its child processes (Linux)."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in found.read_text().split()] if found.exists() else []


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie (Linux)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
