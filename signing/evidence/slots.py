"""At most N requests at one service at once, also over several processes of one machine.

Owns two ways of counting: a semaphore for one process, and lock files in a folder that processes
share. The kernel gives a lock file back when its holder is killed, so that a lost signer process
blocks nobody. Processes with different folders, and other machines, are not counted.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.01, 0.25


class NoSlot(Exception):
    """Every slot stayed taken for as long as the caller would wait."""


class Slots(Protocol):
    """Leave to send one request."""

    def taken(self, wait_s: float) -> AbstractAsyncContextManager[None]:
        """Hold a slot; raises ``NoSlot``."""
        ...


def slots_for(name: str, count: int, folder: str) -> Slots:
    """Slots of one service; shared through ``folder``, or this process's own without one."""
    return FileSlots(Path(folder), name, count) if folder else ProcessSlots(count)


class ProcessSlots:
    """Slots of this process alone."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    def taken(self, wait_s: float) -> AbstractAsyncContextManager[None]:
        """Hold one; first come, first served."""
        return _Held(self._free, wait_s)


class _Held(AbstractAsyncContextManager[None]):
    """One slot of a process; a class, for a generator costs twice as much a request."""

    __slots__ = ("_free", "_wait_s")

    def __init__(self, free: asyncio.Semaphore, wait_s: float) -> None:
        self._free = free
        self._wait_s = wait_s

    async def __aenter__(self) -> None:
        try:
            if self._free.locked():
                await asyncio.wait_for(self._free.acquire(), self._wait_s)
            else:  # nobody waits: this does not wait either, and needs no task and no timer
                await self._free.acquire()
        except TimeoutError:
            raise NoSlot from None

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


class FileSlots:
    """Slots that are lock files (``flock``); looked at again and again while none is free."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        self._paths = [folder / f"{mark}.{number}" for number in range(count)]

    @asynccontextmanager
    async def taken(self, wait_s: float) -> AsyncIterator[None]:
        """Hold one."""
        held = self._try_all()
        if held is None:  # only who must wait pays for a task and a timer
            try:
                held = await asyncio.wait_for(self._wait(), wait_s)
            except TimeoutError:
                raise NoSlot from None
        try:
            yield
        finally:
            os.close(held)

    async def _wait(self) -> int:
        pause = _FIRST_LOOK_S
        while True:
            await asyncio.sleep(pause)
            held = self._try_all()
            if held is not None:
                return held
            pause = min(pause * 2, _LONGEST_LOOK_S)

    def _try_all(self) -> int | None:
        for path in self._paths:
            held = _try_lock(path)
            if held is not None:
                return held
        return None


def _try_lock(path: Path) -> int | None:
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held
