"""A batch's progress as server-sent events (WHATWG HTML, section 9.2), told from its rows.

An event's id is its number in the batch: a client that comes back with ``Last-Event-ID`` gets what
it missed, from any process and after any restart. The stream ends when the batch has ended.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from gateway.documents.batches import store as batch_store
from gateway.documents.confirmations.tickets import TOPIC
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker

_HEARTBEAT_S = 15.0
_LOOK_S = 1.0
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


class BatchEvents:
    """Streams of progress; each keeps a connection open, so their number is capped."""

    def __init__(self, database: Database, clock: Clock, waker: Waker, most: int = 200) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._most = most
        self._open = 0
        self._closing = False

    def close(self) -> None:
        """End every stream (shutdown); clients come back to the next process."""
        self._closing = True
        self._waker.wake(TOPIC)

    async def stream(self, request: web.Request, batch_id: str, after: int) -> web.StreamResponse:
        """Tell what happened after an event, then what happens, until the batch has ended.

        Raises:
            Problem: ``rate_limited`` when too many are listening.
        """
        if self._closing or self._open >= self._most:
            raise Problem("rate_limited", headers={"Retry-After": "5"})
        self._open += 1
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):  # the listener went away
                await self._tell(response, batch_id, after)
        finally:
            self._open -= 1
        return response

    async def _tell(self, response: web.StreamResponse, batch_id: str, after: int) -> None:
        await response.write(b"retry: 2000\n\n")
        told_at = self._clock.monotonic()
        while not self._closing:
            query = partial(_news, batch_id=batch_id, after=after)
            rows, ended = await self._database.read(query)
            if rows:
                await response.write(b"".join(_event(row) for row in rows))
                after, told_at = rows[-1].number, self._clock.monotonic()
            elif ended:
                return
            elif self._clock.monotonic() - told_at >= _HEARTBEAT_S:
                await response.write(b": \n\n")
                told_at = self._clock.monotonic()
            else:
                await self._waker.wait(TOPIC, _LOOK_S)


def _news(connection: Any, batch_id: str, after: int) -> tuple[Sequence[Any], bool]:
    """The next events, and whether there can be no more: ended, and nothing left to wait for."""
    rows = batch_store.events_after(connection, batch_id, after)
    batch = batch_store.find_any_batch(connection, batch_id)
    counts = batch_store.counts_of(connection, [batch_id])[batch_id]
    return rows, batch.completed_at is not None and not counts[batch_store.ItemStatus.WAITING]


def _event(row: Any) -> bytes:
    data = msgspec.json.encode({**row.data, "at": iso(row.created_at)})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (row.number, row.type.encode(), data)
