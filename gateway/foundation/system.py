"""Health, readiness, metrics and the contract's own pages.

``/healthz`` says that the process runs; ``/readyz`` asks every dependency and gives latencies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Any

import msgspec
import sqlalchemy as sa
from aiohttp import web

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.metrics import Metrics
from gateway.foundation.web import Page

Check = Callable[[], Awaitable[bool]]

# Shown, but not needed to serve: a load balancer must not take us out for want of a hint-giver,
# nor payments with it when documents are away.
_OPTIONAL = frozenset({"redis", "files"})


def database_check(database: Database) -> Check:
    """Whether the database answers a query."""

    async def check() -> bool:
        return await database.read(lambda c: c.execute(sa.text("SELECT 1")).scalar() == 1)

    return check


def routes(
    clock: Clock,
    metrics: Metrics,
    checks: Mapping[str, Check],
    contract: Callable[[], Mapping[str, Any]],
) -> list[Page]:
    """The pages of this module; ``contract`` gives the OpenAPI document."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        found: dict[str, Any] = {}
        for name, check in checks.items():
            started = clock.monotonic()
            try:
                ok = await check()
            except Exception:
                ok = False
            latency = round((clock.monotonic() - started) * 1000, 1)
            found[name] = {"ok": ok, "latency_ms": latency}
        ready = all(entry["ok"] for name, entry in found.items() if name not in _OPTIONAL)
        body = {"status": "ready" if ready else "not_ready", "checks": found}
        return web.json_response(body, status=200 if ready else 503)

    async def measures(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.page(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    async def openapi(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(contract()), content_type="application/json")

    async def docs(_request: web.Request) -> web.Response:
        return web.Response(text=reference_page(contract()), content_type="text/html")

    return [
        Page("GET", "/healthz", healthz),
        Page("GET", "/readyz", readyz),
        Page("GET", "/metrics", measures),
        Page("GET", "/openapi.json", openapi),
        Page("GET", "/docs", docs),
    ]


def reference_page(contract: Mapping[str, Any]) -> str:
    """A plain reference of every operation, readable without JavaScript."""
    rows = []
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            rows.append(
                f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
                f"<td>{escape(operation['summary'])}</td>"
                f"<td><code>{escape(operation['x-scope'])}</code></td></tr>"
            )
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>API của Motcua</title></head><body>"
        "<h1>API của Motcua / Motcua API</h1><p>OpenAPI 3.1: "
        '<a href="/openapi.json">/openapi.json</a></p><table><thead><tr>'
        "<th>Phương thức / Method</th><th>Địa chỉ / Path</th><th>Việc / Summary</th>"
        "<th>Quyền / Scope</th></tr></thead><tbody>"
        + "".join(rows)
        + "</tbody></table></body></html>"
    )
