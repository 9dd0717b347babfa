"""Folders in a place that many processes share, each held by the process that uses it.

Whoever makes a folder keeps a lock on it (``flock``), which the kernel gives back when its process
is killed: a folder that can be locked belongs to nobody any more. A folder gets the name under
which it is looked for only when it is locked already, so that no moment is left between the two.
Names, users and links of others are never touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_UNNAMED = "new-"  # behind the prefix, until it is locked


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A folder of this process; ``remove`` ends it with everything in it."""

    path: Path
    lock: int  # a file descriptor

    def remove(self) -> None:
        """Remove it; also what cannot be removed is given back."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def make_held(below: Path, prefix: str) -> HeldFolder:
    """Make a folder for this user alone and lock it.

    Raises:
        OSError: no room, or not allowed.
    """
    unnamed = Path(tempfile.mkdtemp(prefix=f"{prefix}{_UNNAMED}", dir=below))
    lock = os.open(unnamed, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = unnamed.with_name(unnamed.name.replace(_UNNAMED, "held-", 1))
        return HeldFolder(unnamed.rename(path), lock)
    except OSError:
        os.close(lock)
        shutil.rmtree(unnamed, ignore_errors=True)
        raise


def sweep_held(below: Path, prefix: str, before: float) -> int:
    """Remove folders whose process is gone; say how many.

    ``before``: a timestamp; a folder that never got its lock goes when it is older than that.
    """
    swept = 0
    for path in below.glob(f"{prefix}*"):
        if path.name.startswith(prefix + _UNNAMED) and not _is_older(path, before):
            continue  # not even locked for a moment: its maker is about to
        with _abandoned(path) as ours:
            if ours:
                shutil.rmtree(path, ignore_errors=True)
                swept += 1
    return swept


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime < moment
    except FileNotFoundError:
        return False


@contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Hold an abandoned folder of this user's; False for any other thing or somebody's."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # a file, a link, another user's, or gone by now
        yield False
        return
    try:
        yield os.fstat(lock).st_uid == os.geteuid() and _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
