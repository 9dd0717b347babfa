"""Background tasks with one owner: named, watched, drained at shutdown.

A task that dies is logged and takes the process down: a gateway without its worker must not
look healthy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

import structlog

from gateway.foundation.database import DatabaseUnavailable

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Tasks:
    """Owns every background task of a process."""

    def __init__(self, on_death: Callable[[str, BaseException], None] | None = None) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._on_death = on_death
        self._closing = False

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine under a name that is unique while it runs."""
        if name in self._tasks:
            work.close()
            raise ValueError(f"task {name} is already running")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._finished)
        return task

    @property
    def names(self) -> tuple[str, ...]:
        """What is running."""
        return tuple(self._tasks)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        name = task.get_name()
        self._tasks.pop(name, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        _log.critical("task_died", task=name, error=type(error).__name__, exc_info=error)
        if self._on_death and not self._closing:
            self._on_death(name, error)

    async def close(self, grace_s: float = 10.0) -> None:
        """Cancel, and wait for each to put its work down."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)


async def all_ended(*work: Awaitable[T]) -> list[T]:
    """Do things at once; come back when every one has ended, also when cancelled meanwhile.

    ``gather`` by itself comes back with the first failure, or the first thing that a cancellation
    reached, and leaves the others at work with nobody who waits for them.

    Raises:
        BaseException: the first one's, in the order given, whatever became of the others.
    """
    ended = await asyncio.gather(*work, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    return cast("list[T]", ended)


async def for_ever(
    once: Callable[[], Awaitable[int]],
    rest: Callable[[], Awaitable[object]],
    broken: str | None = None,
) -> None:
    """Work on a queue without end; where there was nothing to do, rest before the next look.

    Args:
        once: one look; how much was worked on.
        rest: waits after a look that found nothing, and while the database is away: a clock's
            sleep, or a waker's wait.
        broken: what the log calls a look that failed; such a queue's leases run out by themselves.
            Without it a failure ends the task.
    """
    while True:
        try:
            worked = await once()
        except DatabaseUnavailable:
            _log.warning("worker_waits_for_database")
            worked = 0
        except Exception:
            if broken is None:
                raise
            _log.exception(broken)
            worked = 0
        if not worked:
            await rest()
