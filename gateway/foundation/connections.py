"""Connections: what arrives and is no request that could be handled is refused in our words too.

Owns the answers given before ``edge.middleware`` sees anything: lines and heads that are too long,
lines that are no HTTP, bad chunks, an ``Expect`` nobody knows, and faults behind the middleware.
aiohttp would answer them as English text that quotes the request, and log a traceback with it,
keys included; here the log says which error it was and nothing of what was sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from gateway.foundation.problems import MEDIA_TYPE, Problem

# aiohttp names only the limit that was passed, so that the two differ: 414 is not 431.
LONGEST_ADDRESS: Final = 8190
LONGEST_HEADER: Final = 8192
_TOO_MANY: Final = "Too many headers"

_log = structlog.get_logger(__name__)
_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Runner(web.AppRunner):
    """Runs an application; its options are those of ``aiohttp.web.AppRunner``."""

    def __init__(self, application: web.Application, **options: Any) -> None:
        limits: dict[str, Any] = {
            "max_line_size": LONGEST_ADDRESS,
            "max_field_size": LONGEST_HEADER,
        }
        super().__init__(application, **limits, **options)

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        handler = _answering(server.request_handler)
        return _Server(handler, request_factory=server.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Take what arrives; a body that goes wrong on its way reaches whoever waits for it.

        aiohttp only queues the error behind the request, whose handler would wait until the
        sender hangs up.
        """
        super().data_received(data)
        request = self._current_request
        if request is None or not self._messages or request.content.is_eof():
            return
        if not isinstance(self._messages[-1][0], RawRequestMessage):
            self._messages.pop()
            request.content.set_exception(web.RequestPayloadError("malformed"))
            request.content.feed_eof()
            self.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read, or could not be answered; the connection ends."""
        del message  # quotes what was sent
        trace = secrets.token_hex(8)
        if isinstance(exc, BadHttpMessage):
            problem = _unreadable(exc)
            _log.info("unreadable_request", kind=type(exc).__name__, trace_id=trace)
        else:
            problem = Problem("internal_error" if status == 500 else "service_unavailable")
            _log.error("unhandled", trace_id=trace, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun")
        response = _response(problem, trace)
        response.force_close()
        return response


def _answering(handler: Any) -> _Handler:
    """What aiohttp refuses before any middleware: an ``Expect`` that it does not know."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as error:
            if error.status != web.HTTPExpectationFailed.status_code:
                raise
            return _response(Problem("expectation_failed"), secrets.token_hex(8))
        return response

    return answer


def _unreadable(error: BadHttpMessage) -> Problem:
    if isinstance(error, LineTooLong):
        limit = int(error.args[1])
        if limit == LONGEST_ADDRESS:
            return Problem(
                "address_too_long",
                f"Địa chỉ dài quá {limit} byte.",
                f"The address is longer than {limit} bytes.",
            )
        return Problem(
            "headers_too_large",
            f"Một tiêu đề (header) dài quá {limit} byte.",
            f"A header is longer than {limit} bytes.",
        )
    if error.message.startswith(_TOO_MANY):
        return Problem("headers_too_large", "Quá nhiều tiêu đề (header).", "Too many headers.")
    return Problem(
        "invalid_request",
        "Không đọc được yêu cầu theo HTTP/1.1: dòng đầu, tiêu đề hoặc cách chia khúc nội dung sai.",
        "This is no HTTP/1.1: the request line, a header or the chunks of the body are malformed.",
    )


def _response(problem: Problem, trace: str) -> web.Response:
    """In Vietnamese: which language is asked for stands in a head that was not read."""
    document = problem.document("vi", trace)
    headers = {
        "X-Request-Id": trace,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Server": "motcua",
    }
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(document),
        content_type=MEDIA_TYPE,
        headers=headers,
    )
