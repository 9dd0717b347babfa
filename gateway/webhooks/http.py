"""Routes of webhooks: parse → call → render, by the API contract's "Webhooks to portals".

Answers that show a secret are sealed before they become an idempotency record, so that no secret
lies in the database in the clear and a repeated request still gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET
from sqlalchemy import Connection

from gateway.foundation import idempotency
from gateway.foundation.database import Database
from gateway.foundation.idempotency import Answer
from gateway.foundation.problems import FieldError, Problem, invalid
from gateway.foundation.waker import Waker
from gateway.foundation.web import Call, Page, Reply, Route
from gateway.webhooks import rules, views
from gateway.webhooks.dispatch import DELIVERIES_TOPIC
from gateway.webhooks.history import History
from gateway.webhooks.outbox import TOPIC
from gateway.webhooks.service import Endpoints
from gateway.webhooks.views import EndpointChanges, NewEndpoint, Recovery

_PAGE = {"limit": "1–100", "after": "id of the last object seen"}


class Handlers:
    """The handlers; each is one request."""

    def __init__(
        self, database: Database, waker: Waker, endpoints: Endpoints, history: History
    ) -> None:
        self._database = database
        self._waker = waker
        self._endpoints = endpoints
        self._history = history

    async def create(self, call: Call[NewEndpoint]) -> Reply:
        """Register an endpoint."""
        values = msgspec.structs.asdict(call.body)
        await self._check(call, values)
        return await self._once_sealed(
            call, lambda c: Reply(self._endpoints.create(c, call.tenant, values), 201)
        )

    async def list_all(self, call: Call[None]) -> Reply:
        """The tenant's endpoints."""
        limit, after = limit_of(call), call.query("after")
        return await self._ask(
            lambda c: self._endpoints.endpoints(c, call.tenant, limit=limit, after=after)
        )

    async def read(self, call: Call[None]) -> Reply:
        """One endpoint."""
        return await self._ask(lambda c: self._endpoints.endpoint(c, call.tenant, call.path("id")))

    async def update(self, call: Call[EndpointChanges]) -> Reply:
        """Change an endpoint."""
        given = msgspec.structs.asdict(call.body)
        changes = {name: value for name, value in given.items() if value is not UNSET}
        await self._check(call, changes)
        return await self._do(
            lambda c: self._endpoints.update(c, call.tenant, call.path("id"), changes)
        )

    async def delete(self, call: Call[None]) -> Reply:
        """Forget an endpoint."""
        endpoint_id = call.path("id")
        await self._database.write(lambda c: self._endpoints.delete(c, call.tenant, endpoint_id))
        return Reply(status=204)

    async def rotate(self, call: Call[None]) -> Reply:
        """A new secret beside the old one."""
        endpoint_id = call.path("id")
        return await self._once_sealed(
            call, lambda c: Reply(self._endpoints.rotate(c, call.tenant, endpoint_id), 201)
        )

    async def enable(self, call: Call[None]) -> Reply:
        """Take up deliveries again."""
        reply = await self._do(lambda c: self._endpoints.enable(c, call.tenant, call.path("id")))
        self._waker.wake(DELIVERIES_TOPIC)
        return reply

    async def disable(self, call: Call[None]) -> Reply:
        """Hold deliveries."""
        reply = await self._do(lambda c: self._endpoints.disable(c, call.tenant, call.path("id")))
        self._waker.wake(TOPIC)
        return reply

    async def test(self, call: Call[None]) -> Reply:
        """Send a test event to this endpoint."""

        def unit(connection: Connection) -> views.EventView:
            event_id = self._endpoints.test(connection, call.tenant, call.path("id"))
            return self._history.event(connection, call.tenant, event_id)

        reply = await self._do(unit, status=202)
        self._waker.wake(TOPIC)
        return reply

    async def deliveries(self, call: Call[None]) -> Reply:
        """The delivery log."""
        state = call.query("status")
        if state is not None and state not in set(rules.DeliveryState):
            raise _bad_query("status")
        return await self._ask(
            lambda c: self._history.deliveries(
                c,
                call.tenant,
                call.path("id"),
                limit=limit_of(call),
                after=call.query("after"),
                state=state,
            )
        )

    async def recover(self, call: Call[Recovery]) -> Reply:
        """Queue again what failed since a moment."""
        since = call.body.since
        if since.tzinfo is None:
            raise invalid([FieldError("/since", "invalid", "Cần thời điểm có múi giờ.")])
        reply = await self._do(
            lambda c: self._history.recover(c, call.tenant, call.path("id"), since), status=202
        )
        self._waker.wake(DELIVERIES_TOPIC)
        return reply

    async def events(self, call: Call[None]) -> Reply:
        """Pull instead of push."""
        pattern = call.query("type")
        if pattern is not None and rules.unknown_patterns([pattern]):
            raise _bad_query("type")
        types = (
            None if pattern is None else [t for t in rules.EVENT_TYPES if rules.wants([pattern], t)]
        )
        return await self._ask(
            lambda c: self._history.events(
                c,
                call.tenant,
                after=call.query("after") or None,
                limit=limit_of(call),
                full=call.query("mode") == "full",
                types=types,
                reference=call.query("reference"),
            )
        )

    async def event(self, call: Call[None]) -> Reply:
        """One event."""
        full = call.query("mode") == "full"
        return await self._ask(
            lambda c: self._history.event(c, call.tenant, call.path("id"), full=full)
        )

    async def resend(self, call: Call[None]) -> Reply:
        """Send an event again."""
        endpoint_id = call.query("endpoint")
        reply = await self._do(
            lambda c: self._history.resend(c, call.tenant, call.path("id"), endpoint_id),
            status=202,
        )
        self._waker.wake(DELIVERIES_TOPIC)
        return reply

    async def published_keys(self, _request: web.Request) -> web.Response:
        """The public keys, for anyone."""
        document = await self._database.read(self._endpoints.published_keys)
        return web.Response(
            body=msgspec.json.encode(document),
            content_type="application/json",
            headers={"Cache-Control": "public, max-age=300"},
        )

    # -------------------------------------------------------------- parts

    async def _check(self, call: Call[Any], values: dict[str, Any]) -> None:
        """Every wrong field at once: unknown event types, and the URL with where it leads."""
        problems = [
            FieldError("/events", "unknown_event", f"Không có loại sự kiện “{pattern}”.")
            for pattern in rules.unknown_patterns(values.get("events", ()))
        ]
        if "url" in values:
            test_mode = call.principal.mode == "test"
            problems += await self._endpoints.check_target(values["url"], test_mode=test_mode)
        if problems:
            raise invalid(problems)

    async def _ask(self, question: Callable[[Connection], Any]) -> Reply:
        return Reply(await self._database.read(question))

    async def _do(self, unit: Callable[[Connection], Any], *, status: int = 200) -> Reply:
        return Reply(await self._database.write(unit), status)

    async def _once_sealed(self, call: Call[Any], work: Callable[[Connection], Reply]) -> Reply:
        claim, keys = call.claim, self._endpoints.keys
        if claim is None:
            raise RuntimeError("this route was not declared idempotent")

        def sealed(connection: Connection) -> Answer:
            answer = work(connection).answer()
            return replace(answer, body=keys.seal_answer(answer.body, claim.scope, claim.key))

        answer = await self._database.write(lambda c: idempotency.once(c, claim, lambda: sealed(c)))
        body = keys.open_answer(answer.body, claim.scope, claim.key)
        return Reply.of(replace(answer, body=body))


def limit_of(call: Call[Any]) -> int:
    """The ``limit`` of a list, 20 unless given.

    Raises:
        Problem: ``invalid_request`` unless it is 1 to 100.
    """
    text = call.query("limit") or "20"
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise _bad_query("limit")
    return int(text)


def _bad_query(name: str) -> Problem:
    return Problem(
        "invalid_request", f"Tham số {name} không hợp lệ.", f"Query parameter {name} is not valid."
    )


def routes(handlers: Handlers) -> list[Route | Page]:
    """Every route of webhooks."""
    h, read, write = handlers, "webhooks:read", "webhooks:write"
    base = "/v1/webhook-endpoints"
    one = base + "/{id}"
    shown, secret = views.EndpointView, views.EndpointWithSecret
    return [
        Route(
            "POST",
            base,
            h.create,
            write,
            "Register an endpoint",
            NewEndpoint,
            secret,
            201,
            idempotent=True,
        ),
        Route(
            "GET", base, h.list_all, read, "List endpoints", None, views.EndpointList, query=_PAGE
        ),
        Route("GET", one, h.read, read, "An endpoint", None, shown),
        Route("PATCH", one, h.update, write, "Change an endpoint", EndpointChanges, shown),
        Route("DELETE", one, h.delete, write, "Delete an endpoint", status=204),
        Route(
            "POST",
            one + "/rotate-secret",
            h.rotate,
            write,
            "A new secret",
            None,
            secret,
            201,
            idempotent=True,
        ),
        Route("POST", one + "/enable", h.enable, write, "Enable", None, shown),
        Route("POST", one + "/disable", h.disable, write, "Disable", None, shown),
        Route(
            "POST", one + "/test", h.test, write, "Send a test event", None, views.EventView, 202
        ),
        Route(
            "POST",
            one + "/recover",
            h.recover,
            write,
            "Send again since",
            Recovery,
            views.Requeued,
            202,
        ),
        Route(
            "GET",
            one + "/deliveries",
            h.deliveries,
            read,
            "The delivery log",
            None,
            views.DeliveryList,
            query={**_PAGE, "status": "pending, delivered, failed or held"},
        ),
        Route(
            "GET",
            "/v1/events",
            h.events,
            read,
            "Events after one, gap-free",
            None,
            views.EventList,
            query={
                **_PAGE,
                "type": "a type or family.*",
                "reference": "the dossier",
                "mode": "thin or full",
            },
        ),
        Route(
            "GET",
            "/v1/events/{id}",
            h.event,
            read,
            "An event",
            None,
            views.EventView,
            query={"mode": "thin or full"},
        ),
        Route(
            "POST",
            "/v1/events/{id}/resend",
            h.resend,
            write,
            "Send an event again",
            None,
            views.Requeued,
            202,
            query={"endpoint": "only to this one"},
        ),
        Page("GET", "/.well-known/motcua/webhook-keys.json", h.published_keys),
    ]
