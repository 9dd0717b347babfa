"""The one way to the database: units of work on writer threads, many in one commit.

A *unit* is a plain function of a SQLAlchemy ``Connection``; it may run more than once, so it
touches nothing but the connection. ``write`` answers after the commit. What one turn of the event
loop asks for is handed over together; writer threads take whatever is waiting and run it in one
transaction, a savepoint each; a ``SetUnit`` goes further and handles all its waiting items with
one statement a table. Reads run on their own threads.

Engines: SQLite (WAL, ``synchronous=FULL``, ``BEGIN IMMEDIATE``, one writer) and PostgreSQL
through psycopg (two writers). The same SQL runs on both.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.foundation.columns import metadata
from gateway.foundation.engines import is_contention, is_disconnect, make_engine

_log = structlog.get_logger(__name__)

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - item of a set unit
O = TypeVar("O")  # noqa: E741 - outcome of a set unit

_BATCH = 256
_PATIENCE_S = 5.0
_CONTENTION_TRIES = 8


class DatabaseUnavailable(Exception):
    """The database cannot be reached, or a commit's outcome is unknown; safe to ask again."""


@dataclass(frozen=True)
class SetUnit(Generic[I, O]):
    """Work on many items at once: one statement a table for all that wait.

    ``run`` gets the connection and the items and returns an outcome (or an exception) for
    each, in order. If it raises, the items are run one by one, so one bad item hurts nobody.
    """

    name: str
    run: Callable[[Connection, Sequence[I]], Sequence[O | Exception]]


@dataclass(slots=True)
class _Job:
    unit: Callable[[Connection], Any] | None
    set_unit: SetUnit[Any, Any] | None
    item: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    tries: int = 0
    outcome: Any = None
    failed: bool = False


_Stop = object()


class _StartAgain(Exception):
    """A set failed that had no savepoint: the transaction is run again with savepoints."""


class _Held:
    """A writer's own connection, kept: what it prepared and cached serves the next commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The open connection, or a new one."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def close(self) -> None:
        """Give it back; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Database:
    """One database, its writer threads and its readers."""

    def __init__(self, url: str, *, writers: int | None = None, readers: int = 4) -> None:
        self.engine = make_engine(url, pool_size=(writers or 2) + readers + 1)
        self.dialect = self.engine.dialect.name
        self._writer_count = 1 if self.dialect == "sqlite" else (writers or 2)
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        self._threads: list[threading.Thread] = []
        self._mine = threading.local()  # each writer's connection
        self._reader_pool = ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._closed = False
        self.commits = 0  # how much work shared how many commits
        self.units = 0

    def create_all(self) -> None:
        """Create the tables from the metadata (tests; a real store is migrated)."""
        with self.engine.begin() as connection:
            metadata.create_all(connection)

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit in a transaction; returns after the commit.

        Whoever is cancelled while waiting leaves a unit that has not begun undone: it would act for
        somebody who is gone, at a moment that nobody expects.

        Raises:
            DatabaseUnavailable: not reachable, or the commit's outcome is unknown.
            Exception: whatever the unit raised; its changes were rolled back.
        """
        loop = asyncio.get_running_loop()
        return await self._enqueue(_Job(unit, None, None, loop, loop.create_future()))  # type: ignore[no-any-return] # the unit's own type

    async def submit(self, unit: SetUnit[I, O], item: I) -> O:
        """Run one item of a set unit together with its neighbours; returns after the commit."""
        loop = asyncio.get_running_loop()
        return await self._enqueue(_Job(None, unit, item, loop, loop.create_future()))  # type: ignore[no-any-return] # the unit's own type

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a reader's connection; it sees what was committed."""
        if self._closed:
            raise DatabaseUnavailable("closed")
        return await asyncio.get_running_loop().run_in_executor(
            self._reader_pool, self._read_now, query
        )

    def _read_now(self, query: Callable[[Connection], T]) -> T:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with self.engine.connect() as connection:
                    return query(connection)
            except DBAPIError as error:
                if not is_disconnect(error):
                    raise
                if time.monotonic() > deadline or self._closed:
                    raise DatabaseUnavailable("the database cannot be reached") from error
                time.sleep(0.1)

    async def _enqueue(self, job: _Job) -> Any:
        if self._closed:
            raise DatabaseUnavailable("closed")
        if not self._threads:
            self._start()
        gathered = self._gathered.get(job.loop)
        if gathered is None:
            self._gathered[job.loop] = [job]
            job.loop.call_soon(self._hand_over, job.loop)
        else:
            gathered.append(job)
        return await job.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop, None)
        if gathered:
            self._queue.put(gathered)

    def _start(self) -> None:
        for number in range(self._writer_count):
            thread = threading.Thread(target=self._run, name=f"db-write-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    async def close(self) -> None:
        """Finish what waits, then close every connection."""
        if self._closed:
            return
        self._closed = True
        for loop in list(self._gathered):
            self._hand_over(loop)
        for _ in self._threads:
            self._queue.put(_Stop)
        loop = asyncio.get_running_loop()
        for thread in self._threads:
            await loop.run_in_executor(None, thread.join)
        self._give_up_rest()
        self._reader_pool.shutdown(wait=True)
        self.engine.dispose()

    def _give_up_rest(self) -> None:
        """Tell whoever got in behind the last writer, so that nobody waits for ever."""
        while not self._queue.empty():
            jobs = self._queue.get()
            for job in () if jobs is _Stop else jobs:
                job.outcome, job.failed = DatabaseUnavailable("closed"), True
                _answer([job])

    # -------------------------------------------------------------- writer threads

    def _run(self) -> None:
        with contextlib.closing(_Held(self.engine)) as held:
            self._mine.held = held
            self._serve()

    def _serve(self) -> None:
        while True:
            first = self._queue.get()
            if first is _Stop:
                return
            jobs = list(first)
            stop = False
            while len(jobs) < _BATCH:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is _Stop:
                    stop = True
                    break
                jobs += following
            self._commit(jobs)
            if stop:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        held: _Held = self._mine.held
        deadline = time.monotonic() + _PATIENCE_S
        careful = False
        while True:
            jobs = [job for job in jobs if not job.future.cancelled()]
            if not jobs:
                return
            committing = False
            try:
                connection = held.connection()
                with connection.begin() as transaction:
                    self._run_jobs(connection, jobs, careful=careful)
                    committing = True
                    transaction.commit()
                break
            except _StartAgain:
                careful = True
            except Exception as error:
                held.close()
                again = isinstance(error, DBAPIError) and is_disconnect(error) and not committing
                if again and time.monotonic() < deadline and not self._closed:
                    time.sleep(0.1)
                    continue
                _log.error("transaction_failed", error=type(error).__name__, jobs=len(jobs))
                for job in jobs:
                    failure = DatabaseUnavailable("the transaction did not complete")
                    failure.__cause__ = error
                    job.outcome, job.failed = failure, True
                break
        self.commits += 1
        self.units += len(jobs)
        _answer(self._requeue_contended(jobs))

    def _run_jobs(self, connection: Connection, jobs: list[_Job], *, careful: bool) -> None:
        sets: dict[str, list[_Job]] = {}
        for job in jobs:
            job.outcome, job.failed = None, False
            if job.set_unit is not None:
                sets.setdefault(job.set_unit.name, []).append(job)
        alone = not careful and len(sets) == 1 and len(jobs) == len(next(iter(sets.values())))
        for group in sets.values():
            _run_set(connection, group, alone=alone)
        for job in jobs:
            if job.unit is not None:
                _run_unit(connection, job)

    def _requeue_contended(self, jobs: list[_Job]) -> list[_Job]:
        done = []
        for job in jobs:
            contended = job.failed and is_contention(job.outcome)
            if contended and job.tries < _CONTENTION_TRIES and not self._closed:
                job.tries += 1
                self._queue.put([job])
            else:
                done.append(job)
        return done


def _run_unit(connection: Connection, job: _Job) -> None:
    assert job.unit is not None
    savepoint = connection.begin_nested()
    try:
        job.outcome = job.unit(connection)
        savepoint.commit()
    except Exception as error:
        if isinstance(error, DBAPIError) and is_disconnect(error):
            raise
        savepoint.rollback()
        job.outcome, job.failed = error, True


def _run_set(connection: Connection, jobs: list[_Job], *, alone: bool = False) -> None:
    """Run a set; ``alone`` in its transaction it needs no savepoint until something fails."""
    unit = jobs[0].set_unit
    assert unit is not None
    savepoint = contextlib.nullcontext() if alone else connection.begin_nested()
    try:
        with savepoint:
            outcomes = unit.run(connection, [job.item for job in jobs])
    except Exception as error:
        if isinstance(error, DBAPIError) and is_disconnect(error):
            raise
        if alone:
            raise _StartAgain from error
        if len(jobs) == 1:
            jobs[0].outcome, jobs[0].failed = error, True
            return
        for job in jobs:
            _run_set(connection, [job])
        return
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.outcome, job.failed = outcome, isinstance(outcome, Exception)


def _answer(jobs: list[_Job]) -> None:
    """Wake every waiter of a loop with one call into it."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        loops.setdefault(job.loop, []).append(job)
    for loop, group in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:  # the loop is gone; nobody waits any more
            _log.warning("waiter_gone", jobs=len(group))


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.failed:
            job.future.set_exception(job.outcome)
        else:
            job.future.set_result(job.outcome)
