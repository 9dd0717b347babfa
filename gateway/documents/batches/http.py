"""Routes of signing batches: confirmed by an official, followed by whoever may sign or read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway.documents.batches.answers import BatchAnswer, BatchList
from gateway.documents.batches.events import BatchEvents
from gateway.documents.batches.runs import BatchRuns, Run
from gateway.documents.batches.service import MOST, Batches, Confirmed
from gateway.documents.confirmations.tickets import TOPIC
from gateway.documents.request_http import actor_of
from gateway.foundation import listing
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Waker
from gateway.foundation.web import Call, Page, Reply, Route, with_content

_FOLLOW = "documents:read|documents:sign"  # whoever confirmed a batch may follow it
_FILTERS = ("status", "official", "signer")
Pin = Annotated[str, msgspec.Meta(max_length=128)]
RequestId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signature requests that one confirmation covers, in the order the official saw."""

    requests: Annotated[list[RequestId], msgspec.Meta(min_length=1, max_length=MOST)]
    pin: Pin | None = None

    def __repr__(self) -> str:
        """Never the PIN."""
        return "BatchBody(…)"


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new confirmation of what is left of a batch."""

    pin: Pin | None = None

    def __repr__(self) -> str:
        """Never the PIN."""
        return "ConfirmBody(…)"


@dataclass(frozen=True)
class Streamed(Reply):
    """A reply that was sent while it was made."""

    stream: web.StreamResponse | None = None

    def response(self) -> web.StreamResponse:
        """What was streamed."""
        assert self.stream is not None
        return self.stream


def routes(
    batches: Batches, runs: BatchRuns, events: BatchEvents, waker: Waker
) -> list[Route | Page]:
    """Everything under ``/v1/signing-batches``."""
    handlers = _Handlers(batches, runs, events, waker)
    base, one = "/v1/signing-batches", "/v1/signing-batches/{id}"
    query = dict.fromkeys(_FILTERS, "equals")
    return [
        Route("POST", base, handlers.open, "documents:sign",
              "Sign many documents under one confirmation", body=BatchBody, reply=BatchAnswer,
              status=201, idempotent=True),
        Route("GET", base, handlers.page, _FOLLOW, "List signing batches",
              reply=BatchList, query=listing.WINDOW_QUERY | query),
        Route("GET", one, handlers.get, _FOLLOW, "One signing batch", reply=BatchAnswer),
        Route("POST", one + "/confirm", handlers.confirm, "documents:sign",
              "Go on with a batch that needs a new confirmation", body=ConfirmBody,
              reply=BatchAnswer, idempotent=True),
        Route("POST", one + "/cancel", handlers.cancel, "documents:sign",
              "Sign no more of a batch", reply=BatchAnswer, idempotent=True),
        Route("GET", one + "/events", handlers.events, _FOLLOW,
              "Progress as server-sent events; Last-Event-ID resumes"),
    ]  # fmt: skip


class _Handlers:
    def __init__(
        self, batches: Batches, runs: BatchRuns, events: BatchEvents, waker: Waker
    ) -> None:
        self._batches = batches
        self._runs = runs
        self._events = events
        self._waker = waker

    async def open(self, call: Call[BatchBody]) -> Reply:
        # As with single signatures, the stored fingerprint must not cover the PIN.
        listed = "\n".join(call.body.requests).encode()
        call = with_content(call, hashlib.sha256(b"batch\n" + listed).digest())
        actor, requests = actor_of(call), call.body.requests
        pin = call.body.pin
        return await self._begin(
            call, pin, 201, lambda c: self._batches.open(c, actor, requests, pin)
        )

    async def confirm(self, call: Call[ConfirmBody]) -> Reply:
        call = with_content(call, hashlib.sha256(b"confirm").digest())
        actor, batch_id = actor_of(call), call.path("id")
        pin = call.body.pin
        return await self._begin(
            call, pin, 200, lambda c: self._batches.confirm(c, actor, batch_id, pin)
        )

    async def _begin(self, call: Call[Any], pin: str | None, status: int, work: Any) -> Reply:
        """Confirm in one transaction, then sign: a replay confirms and signs nothing."""
        made: list[Confirmed] = []

        def unit(connection: Any) -> Reply:
            made[:] = [work(connection)]
            return Reply(made[0].answer, status=status)

        reply = await call.once(unit)
        for confirmed in made:
            if confirmed.is_here:
                answer = confirmed.answer
                actor = replace(actor_of(call), channel="batch")
                self._runs.start(Run(answer.id, actor, answer.signer, confirmed.fence, pin))
        self._waker.wake(TOPIC)
        return reply

    async def page(self, call: Call[None]) -> Reply:
        window = listing.read_window(call.request.query, _FILTERS, of="bat")
        return Reply(await self._batches.page(call.tenant, window))

    async def get(self, call: Call[None]) -> Reply:
        return Reply(await self._batches.get(call.tenant, call.path("id")))

    async def cancel(self, call: Call[None]) -> Reply:
        actor, batch_id = actor_of(call), call.path("id")
        reply = await call.once(lambda c: Reply(self._batches.cancel(c, actor, batch_id)))
        self._waker.wake(TOPIC)
        return reply

    async def events(self, call: Call[None]) -> Reply:
        batch = await self._batches.get(call.tenant, call.path("id"))
        last = call.request.headers.get("Last-Event-ID", "0")
        if not (last.isascii() and last.isdigit() and len(last) < 10):
            raise Problem("invalid_request", "Last-Event-ID là số của sự kiện cuối đã nhận.")
        stream = await self._events.stream(call.request, batch.id, int(last))
        return Streamed(stream=stream)
