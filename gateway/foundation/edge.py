"""The outermost middleware: request ids, problems, metrics, security headers, access log."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.foundation.clock import Clock
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import MEDIA_TYPE, Problem
from gateway.foundation.web import TRACE, UNAVAILABLE, language_of

_log = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_AIOHTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
# Names of other methods are the caller's invention: each would be a series of its own for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def middleware(
    clock: Clock,
    metrics: Metrics,
    render_page: Callable[[web.Request, Problem, str], web.Response] | None = None,
) -> Middleware:
    """The one place where exceptions become answers.

    ``render_page`` shows problems as pages to browsers on page routes; APIs get RFC 9457.
    """

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("X-Request-Id", "")
        trace = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        request[TRACE] = trace
        started = clock.monotonic()
        structlog.contextvars.bind_contextvars(trace_id=trace)
        try:
            response = await _answer(request, handler)
        except Problem as problem:
            response = _problem_response(request, problem, trace, render_page)
        finally:
            structlog.contextvars.unbind_contextvars("trace_id")
        method = request.method if request.method in _METHODS else "other"
        metrics.answered(_route_of(request), method, response.status, clock.monotonic() - started)
        if not response.prepared:
            response.headers.setdefault("X-Request-Id", trace)
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.setdefault("Server", "motcua")  # and not which libraries of what age
        return response

    return handle


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    _refuse_nul(request)
    try:
        return await handler(request)
    except Problem:
        raise
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        code = _AIOHTTP_CODES.get(error.status, "invalid_request")
        raise Problem(code, headers=headers) from error
    except UNAVAILABLE as error:
        _log.warning("unavailable", what=type(error).__name__, route=_route_of(request))
        raise Problem("service_unavailable", headers={"Retry-After": "2"}) from error
    except Exception as error:
        _log.exception("unhandled", route=_route_of(request))
        raise Problem("internal_error") from error


def _refuse_nul(request: web.Request) -> None:
    """No id and no filter holds a NUL, and no column could; a provider's message is its own.

    Pages look after their own addresses, because all that lead nowhere have to look the same.

    Raises:
        Problem: ``not_found`` for an address, ``invalid_request`` for a parameter.
    """
    if "%00" not in request.raw_path:
        return
    if "\x00" in request.path and request.path.startswith("/v1/"):
        raise Problem("not_found")
    query = request.raw_path.partition("?")[2]
    if "%00" in query and not request.path.startswith("/callbacks/"):
        raise Problem("invalid_request", "Có ký tự NUL.", "A NUL character.")


def _problem_response(
    request: web.Request,
    problem: Problem,
    trace: str,
    render_page: Callable[[web.Request, Problem, str], web.Response] | None,
) -> web.Response:
    wants_page = "text/html" in request.headers.get("Accept", "")
    if render_page and wants_page and not request.path.startswith(("/v1/", "/callbacks/")):
        response = render_page(request, problem, trace)
    else:
        document = problem.document(language_of(request), trace)
        response = web.Response(
            status=problem.status, body=msgspec.json.encode(document), content_type=MEDIA_TYPE
        )
    response.headers.update(problem.headers)
    return response


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"
