"""The other side: an aiohttp handler that reads a JSON body and answers JSON, nothing else."""

from __future__ import annotations

import sys

from aiohttp import web


async def _echo(request: web.Request) -> web.Response:
    body = await request.json()
    return web.json_response({"id": "pay_1", "reference": body["reference"]}, status=201)


async def _ready(_: web.Request) -> web.Response:
    return web.Response()


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/v1/payments", _echo)
    app.router.add_get("/", _ready)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
