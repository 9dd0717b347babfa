"""Sends a simulated provider's callbacks, repeats them by that provider's rule, obeys the faults.

Owns the tasks that send (each is kept, watched and ended by ``close``) and a record of every
sending, so that a tester sees cause and effect. Leaves to each simulator how its message looks
and which answer ends the repeats.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from connectors.simulators.faults import Fault, FaultScript

_LOG = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
Build = Callable[[], "Message"]  # called for every try: some providers sign each one anew


@dataclass(frozen=True, slots=True)
class Message:
    """One callback ready to go: complete wire form, signature and all."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class Sending:
    """One try: what was sent for which subject, and the answer (status 0 = no answer)."""

    subject: str
    url: str
    status: int
    answer: str


class CallbackSender:
    """The outgoing side of one simulator.

    Args:
        faults: The simulator's script.
        settled: Does this answer (status, text) end the repeats?
        delays_s: Waiting times between the tries; their number is the number of repeats.
        sleep: Waiting, so that a test may make it virtual.
    """

    def __init__(
        self,
        faults: FaultScript,
        settled: Callable[[int, str], bool],
        delays_s: tuple[float, ...],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.delays_s = delays_s
        self.log: list[Sending] = []
        self._faults = faults
        self._settled = settled
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[tuple[str, Build]] = []
        self._session: aiohttp.ClientSession | None = None

    def post(self, subject: str, build: Build) -> None:
        """Hand over one callback; the script decides if, when and how often it goes out."""
        url = build().url
        if not url or self._faults.take(Fault.LOSE_CALLBACK) is not None:
            self.log.append(Sending(subject, url, 0, "lost" if url else "no address"))
            return
        if self._faults.take(Fault.REORDER_CALLBACKS) is not None:
            self._held.append((subject, build))
            return
        delay = self._faults.take(Fault.DELAY_CALLBACK)
        wait_s = float(delay.get("seconds", 1.0)) if delay is not None else 0.0
        double = self._faults.take(Fault.DUPLICATE_CALLBACK)
        copies = int(double.get("times", 2)) if double is not None else 1
        held, self._held = self._held, []
        self._start(self._run(subject, build, copies, wait_s, held))

    async def settle(self) -> None:
        """Wait until nothing is on its way any more; held messages are sent at last."""
        held, self._held = self._held, []
        for subject, build in held:
            self._start(self._run(subject, build, 1, 0.0, []))
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, patience_s: float = 5.0) -> None:
        """Let pending callbacks go out for a while, then end them and the connections."""
        try:
            async with asyncio.timeout(patience_s):
                await self.settle()
        except TimeoutError:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        # connectors stand alone: this owner watches what it starts
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("a simulated callback died", exc_info=task.exception())

    async def _run(
        self,
        subject: str,
        build: Build,
        copies: int,
        wait_s: float,
        after: list[tuple[str, Build]],
    ) -> None:
        if wait_s:
            await self._sleep(wait_s)
        for _ in range(copies):
            await self._deliver(subject, build)
        for other, late in after:
            await self._deliver(other, late)

    async def _deliver(self, subject: str, build: Build) -> None:
        for delay_s in (*self.delays_s, None):
            sending = await self._send(subject, build())
            self.log.append(sending)
            if self._settled(sending.status, sending.answer) or delay_s is None:
                return
            await self._sleep(delay_s)

    async def _send(self, subject: str, message: Message) -> Sending:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        try:
            async with self._session.request(
                message.method,
                URL(message.url, encoded=True),  # the query keeps the encoding that was signed
                headers=message.headers,
                data=message.body or None,
                allow_redirects=False,
            ) as reply:
                text = await reply.text("utf-8", "replace")
                return Sending(subject, message.url, reply.status, text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Sending(subject, message.url, 0, type(error).__name__)
