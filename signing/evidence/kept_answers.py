"""CRLs and OCSP answers as they were received, kept for every process of a machine.

Owns a folder that processes share: a file an answer, bounded in number and bytes, the oldest thrown
out; and whose turn it is to ask, so that many processes ask once. Nothing here is believed:
``revocation`` verifies what it gets from here as it verifies what came over the network, so that
somebody who writes into the folder can delay an answer and forge none. Without a folder the bytes
are kept in this process alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from signing.contract import Clock

MOST_FILES, MOST_BYTES = 4_000, 256 * 1024 * 1024
_MOST_HERE = 32 * 1024 * 1024  # in the memory of one process
_TURNS = 64
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer and when it was received."""

    raw: bytes
    received_at: datetime

    def is_younger_than(self, age: timedelta, now: datetime) -> bool:
        """Whether it was received less than ``age`` ago."""
        return now - self.received_at < age


class KeptAnswers:
    """Raw answers by the question they answer."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._folder = Path(folder) if folder else None
        self._clock = clock
        self._here: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def find(self, question: str) -> Kept | None:
        """The newest answer there is; how old it may be is the caller's to say."""
        if self._folder is None:
            return self._here.get(question)
        path = self._path(self._folder, question)
        here = self._here.get(question)
        try:
            received_at = _received(os.stat(path))  # noqa: PTH116 - the hot path asks the kernel once
            if here is not None and here.received_at == received_at:
                return here
            kept = Kept(path.read_bytes(), received_at)
        except OSError:
            return here
        self._remember(question, kept)
        return kept

    def keep(self, question: str, raw: bytes, received_at: datetime | None = None) -> None:
        """Keep an answer for everybody; a disk that is full or read-only costs sharing only."""
        at = received_at or self._clock.now()
        at = datetime.fromtimestamp(round(at.timestamp() * 1e3) / 1e3, UTC)
        self._remember(question, Kept(raw, at))
        if self._folder is not None:
            with contextlib.suppress(OSError):
                _write(self._path(self._folder, question), raw, at)
                _throw_out(self._folder)

    @asynccontextmanager
    async def turn(self, question: str, patience_s: float) -> AsyncIterator[None]:
        """Wait until no other process is asking this; longer than the patience, ask as well."""
        if self._folder is None:
            yield
            return
        number = int(hashlib.sha256(question.encode()).hexdigest()[:8], 16) % _TURNS
        with _opened(self._folder / f"turn.{number}") as lock:
            for _ in range(round(patience_s / _LOOK_S)):
                if lock is None or _is_ours(lock):
                    break
                await asyncio.sleep(_LOOK_S)
            yield

    @staticmethod
    def _path(folder: Path, question: str) -> Path:
        return folder / f"{hashlib.sha256(question.encode()).hexdigest()}.answer"

    def _remember(self, question: str, kept: Kept) -> None:
        former = self._here.pop(question, None)
        self._bytes += len(kept.raw) - (len(former.raw) if former is not None else 0)
        self._here[question] = kept
        while self._bytes > _MOST_HERE and len(self._here) > 1:
            _, gone = self._here.popitem(last=False)
            self._bytes -= len(gone.raw)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A lock file; the kernel gives it back when its holder is killed. None: no such disk."""
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield None
        return
    try:
        yield held
    finally:
        os.close(held)


def _is_ours(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, raw: bytes, received_at: datetime) -> None:
    """Whole or not at all; the file's time says when its bytes were received."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        moment = round(received_at.timestamp() * 1e3) * 1_000_000
        os.utime(name, ns=(moment, moment))
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _received(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime_ns // 1_000_000 / 1e3, UTC)


def _throw_out(folder: Path) -> None:
    """Keep to the measure, the oldest first."""
    found = sorted(
        ((one.stat().st_mtime_ns, one.stat().st_size, one.path) for one in os.scandir(folder)
         if one.name.endswith(".answer")),
        reverse=True,
    )  # fmt: skip
    total = 0
    for number, (_, size, path) in enumerate(found):
        total += size
        if number and (number >= MOST_FILES or total > MOST_BYTES):
            Path(path).unlink(missing_ok=True)
