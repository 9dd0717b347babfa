"""HTTP at the edge: a handler is parse → call → render; everything around it lives here.

Owns routes with their types (from which OpenAPI is generated), authentication, scopes, body
limits, typed bodies, idempotency keys, problems, request ids and timing. Knows no capability.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import hdrs, web
from sqlalchemy import Connection

from gateway.foundation import idempotency
from gateway.foundation.access import Keys, Principal
from gateway.foundation.bodies import read_limited
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.decode import decode, fields_of, read_text
from gateway.foundation.files import FilesUnavailable
from gateway.foundation.idempotency import Answer, Claim, Lease
from gateway.foundation.limits import RateLimiter
from gateway.foundation.problems import MEDIA_TYPE, FieldError, Problem, invalid
from gateway.foundation.signing_problems import OUTCOME_UNKNOWN

B = TypeVar("B")

JSON = "application/json"
TRACE = web.RequestKey("trace", str)  # the id of the running request
_KEPT_HEADERS = ("Location", "ETag", "Content-Type")


@dataclass(frozen=True)
class Edge:
    """What the edge needs to serve any route."""

    clock: Clock
    database: Database
    keys: Keys
    limiter: RateLimiter


@dataclass(frozen=True)
class Call(Generic[B]):
    """One authenticated request, parsed."""

    request: web.Request
    edge: Edge
    principal: Principal
    body: B
    claim: Claim | None
    language: str

    @property
    def tenant(self) -> str:
        """Whose objects this call may see."""
        return self.principal.tenant

    def path(self, name: str) -> str:
        """A path parameter."""
        return self.request.match_info[name]

    def query(self, name: str, default: str | None = None) -> str | None:
        """A query parameter (the last of several)."""
        return self.request.query.get(name, default)

    async def once(self, work: Callable[[Connection], Reply]) -> Reply:
        """Run a unit under this call's idempotency key: record and work commit together."""
        claim = self.claim
        if claim is None:
            return await self.edge.database.write(work)

        def unit(connection: Connection) -> Answer:
            return idempotency.once(connection, claim, lambda: work(connection).answer())

        return Reply.of(await self.edge.database.write(unit))

    async def begin(self) -> Lease | Reply:
        """Take the key before work that calls others; a stored answer is returned instead."""
        claim = self._needed()
        result = await self.edge.database.write(lambda c: idempotency.begin(c, claim))
        return result if isinstance(result, Lease) else Reply.of(result)

    async def finish(self, lease: Lease, work: Callable[[Connection], Reply]) -> Reply:
        """Run the closing unit and store its answer in the same transaction."""

        def unit(connection: Connection) -> Answer:
            answer = work(connection).answer()
            idempotency.finish(connection, lease, answer)
            return answer

        return Reply.of(await self.edge.database.write(unit))

    async def release(self, lease: Lease) -> None:
        """Give the key back after a refusal, so that it may be tried again."""
        await self.edge.database.write(lambda c: idempotency.release(c, lease))

    async def attempt(self, work: Callable[[Lease], Awaitable[Reply]]) -> Reply:
        """``begin``, then the work; a refusal gives the key back, a fault lets it time out.

        A refusal because a signing service may have signed is stored: the same key must never
        send again.
        """
        lease = await self.begin()
        if isinstance(lease, Reply):
            return lease
        try:
            return await work(lease)
        except Problem as problem:
            if problem.extra.get("reason") == OUTCOME_UNKNOWN:
                answer = self.told(problem)
                return await self.finish(lease, lambda _: answer)
            await self.release(lease)
            raise

    def told(self, problem: Problem) -> Reply:
        """A problem as an answer of its own, to be kept under the idempotency key."""
        document = problem.document(self.language, self.request.get(TRACE, ""))
        headers = {"Content-Type": MEDIA_TYPE, **problem.headers}
        return Reply(status=problem.status, headers=headers, raw=msgspec.json.encode(document))

    def _needed(self) -> Claim:
        if self.claim is None:
            raise RuntimeError("this route was not declared idempotent")
        return self.claim


@dataclass(frozen=True)
class Reply:
    """An answer: a value to be rendered as JSON, ready bytes, or a large file piece by piece.

    With ``pieces``, ``headers`` say the ``Content-Length``; such an answer cannot be stored.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    pieces: AsyncIterator[bytes] | None = None

    def answer(self) -> Answer:
        """The bytes to store and send."""
        body = self.raw if self.raw is not None else msgspec.json.encode(self.body)
        kept = {k: v for k, v in self.headers.items() if k in _KEPT_HEADERS}
        return Answer(self.status, body, kept)

    @classmethod
    def of(cls, answer: Answer) -> Reply:
        """A reply that repeats stored bytes."""
        headers = dict(answer.headers)
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        return cls(None, answer.status, headers, raw=answer.body)

    def response(self) -> web.StreamResponse:
        """The aiohttp response."""
        headers = dict(self.headers)
        content_type = headers.pop("Content-Type", JSON)
        if self.status == 204:
            return web.Response(status=204, headers=headers)
        headers["Content-Type"] = content_type
        if self.pieces is not None:
            return web.Response(body=self.pieces, status=self.status, headers=headers)
        body = self.raw if self.raw is not None else msgspec.json.encode(self.body)
        return web.Response(body=body, status=self.status, headers=headers)


@dataclass(frozen=True)
class Route:
    """One declared operation; ``body`` and ``reply`` are msgspec types, shown in OpenAPI."""

    method: str
    path: str
    handler: Callable[[Call[Any]], Awaitable[Reply]]
    scope: str
    summary: str
    body: Any = None
    reply: Any = None
    status: int = 200
    idempotent: bool = False
    multipart: bool = False
    form: tuple[str, ...] = ()  # text fields beside the file
    query: Mapping[str, str] = field(default_factory=dict)  # name → description
    max_body: int = 1024 * 1024


@dataclass(frozen=True)
class Page:
    """A route outside the API's conventions: pages, callbacks, health; never authenticated here.

    ``looked_at``: a GET that only shows something, and therefore answers HEAD too (RFC 9110).
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    max_body: int = 64 * 1024
    looked_at: bool = True


def mount(app: web.Application, edge: Edge, routes: list[Route | Page]) -> None:
    """Add routes to an application (whose ``client_max_size`` must cover the largest)."""
    for route in routes:
        if isinstance(route, Page):
            handler, looked_at = _limited(route), route.looked_at
        else:
            handler, looked_at = _served(route, edge), True
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET" and looked_at:
            app.router.add_route("HEAD", route.path, handler)


def _limited(page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if (request.content_length or 0) > page.max_body:
            raise Problem("body_too_large")
        return await page.handler(request)

    return handle


def _served(route: Route, edge: Edge) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        principal = await authenticate(request, edge.keys)
        principal.require(route.scope)
        await edge.limiter.check(principal.portal)
        if request.query_string:
            _check_query(request, route)
        key = _read_key(request, route)
        body, content = await _read_body(request, route)
        claim = _claim(request, route, principal, key=key, content=content, at=edge.clock.now())
        call = Call(request, edge, principal, body, claim, language_of(request))
        return (await route.handler(call)).response()

    return handle


def _check_query(request: web.Request, route: Route) -> None:
    """Refuse parameters that the operation does not have: a typing error is told, not ignored.

    A list with a window of time tells it itself, with everything else that is wrong in its query.
    """
    if "created_from" in route.query:
        return
    unknown = [name for name in dict.fromkeys(request.query) if name not in route.query]
    if unknown:
        raise invalid(
            [FieldError(f"/{n}", "unknown_field", f"Không có tham số “{n}”.") for n in unknown]
        )


async def authenticate(request: web.Request, keys: Keys) -> Principal:
    """The principal of the ``Authorization`` header."""
    kind, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
    return await keys.identify(secret.strip())


async def _read_body(request: web.Request, route: Route) -> tuple[Any, Any]:
    if route.multipart:
        return None, b""
    if route.method == "GET":
        return None, b""
    raw = await read_limited(request, route.max_body)
    if route.body is None:
        return None, raw
    if not raw and not any(f.required for f in fields_of(route.body)):
        return decode(route.body, {}), {}
    if request.content_type != JSON:
        raise Problem("unsupported_media_type", "Cần Content-Type: application/json.")
    data = read_text(raw)
    return decode(route.body, data), data


def _read_key(request: web.Request, route: Route) -> str | None:
    """The idempotency key, asked for before the body is read."""
    if not route.idempotent:
        return None
    return idempotency.read_key(request.headers.get("Idempotency-Key"))


def _claim(
    request: web.Request,
    route: Route,
    principal: Principal,
    *,
    key: str | None,
    content: Any,
    at: datetime,
) -> Claim | None:
    if key is None:
        return None
    scope = f"{principal.tenant}|{route.method} {route.path}"
    mark = idempotency.fingerprint(route.method, request.path, request.query_string, content)
    return Claim(scope, key, mark, at)


def with_content(call: Call[Any], digest: bytes) -> Call[Any]:
    """The same call whose fingerprint covers content read by the handler (an upload)."""
    if call.claim is None:
        return call
    mark = idempotency.fingerprint(
        call.request.method, call.request.path, call.request.query_string, digest
    )
    claim = Claim(call.claim.scope, call.claim.key, mark, call.claim.at)
    return Call(call.request, call.edge, call.principal, call.body, claim, call.language)


def language_of(request: web.Request) -> str:
    """``vi`` unless the caller prefers English (``Accept-Language``)."""
    best, best_quality = "vi", 0.0
    wanted = request.headers.get(hdrs.ACCEPT_LANGUAGE)
    for part in wanted.split(",") if wanted else ():
        tag, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.partition("=")[2] or 1)
        except ValueError:
            continue
        language = tag.lower()[:2]
        if language in ("vi", "en") and quality > best_quality:
            best, best_quality = language, quality
    return best


# A database or a file store that is away: known to the middleware in ``edge.py``.
UNAVAILABLE = (DatabaseUnavailable, FilesUnavailable)
