"""A breaker whose state several processes share: what one found out, the others need not.

Owns a file of a folder that processes of one machine share (the one of ``slots``). Same states and
figures as ``breaker``; the probe after a rest is one process's, and one that is killed over it
blocks the others for no longer than a probe may last. A file that is damaged or cannot be written
is a closed breaker: sharing is a courtesy, asking is not forbidden by a broken disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, timedelta
from math import isfinite
from pathlib import Path

from signing.contract import BreakerState, Clock
from signing.evidence.breaker import FAILURES, LONGEST_REST, REST, Breaker

_SUFFIX = ".breaker"


class SharedBreaker(Breaker):
    """``Breaker`` over a file.

    ``probe``: how long one asking may take, so that a killed prober is not waited for for ever.
    """

    def __init__(self, clock: Clock, path: Path, probe: timedelta) -> None:
        super().__init__(clock)
        self._path = path
        self._probe = probe
        self._seen: tuple[int, int, int] | None = None
        self._state = BreakerState()
        self._mine = False  # whether this process is probing

    @property
    def is_open(self) -> bool:
        """Whether asking is pointless now: resting, or somebody is trying it already."""
        return _is_open(self._read(), self._now())

    @property
    def is_troubled(self) -> bool:
        """Whether it failed lately: others are asked before it."""
        return self._now() < self._read().failed_at + REST.total_seconds()

    def enter(self) -> bool:
        """Take leave to ask; the first one after a rest is the probe, the others wait for it."""
        state = self._read()
        if not state.open_until:  # the commonest case writes nothing
            return True
        with self._changing() as held:
            state, now = self._read(), self._now()
            if not state.open_until:
                return True
            if _is_open(state, now):
                return False
            self._mine = True
            self._write(replace(state, probe_until=now + self._probe.total_seconds()), held=held)
            return True

    def leave(self) -> None:
        """The asking ended without a verdict (given up by the caller)."""
        if self._mine:
            self._mine = False
            with self._changing() as held:
                self._write(replace(self._read(), probe_until=0.0), held=held)

    def succeeded(self) -> None:
        """It works: closed, nothing held against it."""
        self._mine = False
        if self._read() != BreakerState():
            with self._changing() as held:
                self._write(BreakerState(), held=held)

    def failed(self) -> bool:
        """It did not; whether that opened the breaker."""
        self._mine = False
        with self._changing() as held:
            state, now = self._read(), self._now()
            state = replace(state, failures=state.failures + 1, failed_at=now, probe_until=0.0)
            if state.open_until:  # the probe failed, or somebody who began before it opened
                probed = now >= state.open_until
                rest = min(state.rest_s * 2, LONGEST_REST.total_seconds())
                state = replace(state, rest_s=rest) if probed else state
            elif state.failures < FAILURES:
                self._write(state, held=held)
                return False
            self._write(replace(state, open_until=now + state.rest_s), held=held)
            return True

    # -------------------------------------------------------------- the file

    def _now(self) -> float:
        return self._clock.now().astimezone(UTC).timestamp()

    def _read(self) -> BreakerState:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked on every signing
        except OSError:
            return self._state if self._seen is None else BreakerState()
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._seen, self._state = seen, self._within_limits(_load(self._path))
        return self._state

    def _within_limits(self, state: BreakerState) -> BreakerState:
        """No rest is longer than ours are, whatever wrote it: a clock that was ahead, say."""
        now = self._now()
        return BreakerState(
            failures=state.failures,
            rest_s=min(max(state.rest_s, REST.total_seconds()), LONGEST_REST.total_seconds()),
            failed_at=min(state.failed_at, now),
            open_until=min(state.open_until, now + LONGEST_REST.total_seconds()),
            probe_until=min(state.probe_until, now + self._probe.total_seconds()),
        )

    def _write(self, state: BreakerState, *, held: bool) -> None:
        self._state = state
        if held:
            _store(self._path, state)

    def _changing(self) -> AbstractContextManager[bool]:
        return _alone(self._path)


class BreakerFolder:
    """``BreakerStates`` of one machine: the files that its ``SharedBreaker``s keep."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def read(self) -> dict[str, tuple[BreakerState, float]]:
        """Every state there is, by its file's name, with the moment of its last change."""
        found = {}
        for path in self._folder.glob(f"*{_SUFFIX}"):
            state = _parsed(path)  # what is damaged is no news for others
            with contextlib.suppress(OSError):
                if state is not None:
                    found[path.stem] = state, path.stat().st_mtime
        return found

    def impose(self, name: str, state: BreakerState, known: BreakerState | None) -> bool:
        """Put what another machine knows in the place of what is ``known`` here."""
        path = self._folder / f"{name}{_SUFFIX}"
        with _alone(path) as held:
            present = _load(path) if path.exists() else None
            if not held or present != known:
                return False
            return _store(path, state)


def _store(path: Path, state: BreakerState) -> bool:
    """Whole or not at all; for whoever is alone at it."""
    part = path.with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(asdict(state)), "utf-8")
        part.replace(path)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Nobody else changes it meanwhile; False when the folder cannot be used."""
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held for a moment only; freed when killed
        yield True
    finally:
        os.close(lock)


def breaker_for(name: str, clock: Clock, folder: str, probe: timedelta) -> Breaker:
    """The breaker of one service; shared through ``folder``, or this process's own without one."""
    if not folder:
        return Breaker(clock)
    mark = hashlib.sha256(name.encode()).hexdigest()[:16]
    return SharedBreaker(clock, Path(folder) / f"{mark}{_SUFFIX}", probe)


def _is_open(state: BreakerState, now: float) -> bool:
    return bool(state.open_until) and (now < state.open_until or now < state.probe_until)


def _load(path: Path) -> BreakerState:
    return _parsed(path) or BreakerState()


def _parsed(path: Path) -> BreakerState | None:
    try:
        said = BreakerState(**json.loads(path.read_text("utf-8")))
        usable = all(isfinite(value) for value in asdict(said).values())
    except (OSError, ValueError, TypeError):
        return None
    return said if usable else None
