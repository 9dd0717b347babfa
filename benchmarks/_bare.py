"""The other side: an aiohttp handler that reads a JSON body and answers JSON, nothing else.

On the event loop that ``motcua serve`` takes, so that the loop is not what is compared.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

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
    loop = import_module("uvloop").new_event_loop() if find_spec("uvloop") else None
    web.run_app(
        app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=loop
    )
