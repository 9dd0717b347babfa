"""All simulators behind one address: ``/sim/<name>/``, an index, and scripts for faults.

Owns mounting, the index page, ``GET/POST /sim/<name>/_faults``, start and stop. Leaves what a
provider does to its simulator. For development and demonstrations only; nothing here is secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any, Protocol

from aiohttp import web

from connectors.simulators.pages import page


class Script(Protocol):
    """What goes wrong on purpose, and how often."""

    def names(self) -> list[str]:
        """The faults that can be scripted."""
        ...

    def pending(self) -> dict[str, int]:
        """How many of each are still to come."""
        ...

    def script(self, name: str, times: int = 1, **arguments: Any) -> None:
        """Let a fault happen at the next occasions; ValueError when there is no such fault."""
        ...


class Simulator(Protocol):
    """What every stand-in offers, of a provider, a carrier or a signing service."""

    @property
    def faults(self) -> Script:
        """Its script."""
        ...

    @property
    def name(self) -> str:
        """Its place under ``/sim/``."""
        ...

    def app(self) -> web.Application:
        """Its addresses."""
        ...

    async def close(self) -> None:
        """Send what is pending, then stop."""
        ...


def title_of(simulator: Simulator) -> str:
    """What people read; its name when it has no title of its own."""
    return str(getattr(simulator, "title", simulator.name))


class SimulatorServer:
    """A server on one port for any number of simulators.

    Args:
        simulators: Each is mounted under its name.
        host: Loopback unless the operator wants otherwise.
        port: 0 takes a free one; ``port`` then tells which.
    """

    def __init__(
        self, simulators: Sequence[Simulator], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.simulators = {simulator.name: simulator for simulator in simulators}
        self.host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """The address of the index, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def url_of(self, name: str) -> str:
        """The address a simulator is mounted at."""
        return f"{self.base_url}/sim/{name}"

    def app(self) -> web.Application:
        """The whole application."""
        app = web.Application()
        app.router.add_get("/", self._index)
        for name, simulator in self.simulators.items():
            app.router.add_get(f"/sim/{name}/_faults", partial(_show_faults, simulator))
            app.router.add_post(f"/sim/{name}/_faults", partial(_add_fault, simulator))
            app.add_subapp(f"/sim/{name}/", simulator.app())
        return app

    async def start(self) -> None:
        """Listen."""
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Let pending callbacks go out, then stop listening."""
        for simulator in self.simulators.values():
            await simulator.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> SimulatorServer:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _index(self, request: web.Request) -> web.Response:
        del request
        items = "".join(
            f'<li><a href="/sim/{escape(name)}/">{escape(title_of(simulator))}</a> · '
            f'<a href="/sim/{escape(name)}/_faults">Kịch bản lỗi / Faults</a></li>'
            for name, simulator in self.simulators.items()
        )
        return page("Các hệ thống mô phỏng / Simulators", f"<ul>{items}</ul>")


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _show_faults(simulator: Simulator, request: web.Request) -> web.Response:
    pending, names = simulator.faults.pending(), simulator.faults.names()
    if not _wants_page(request):
        return web.json_response({"pending": pending, "faults": names})
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    waiting = "".join(f"<li>{escape(name)}: {count}</li>" for name, count in pending.items())
    body = (
        f'<ul>{waiting}</ul><form method="post"><label for="fault">Lỗi / Fault</label>'
        f'<select id="fault" name="fault">{options}</select>'
        '<label for="times">Số lần / Times</label>'
        '<input id="times" name="times" type="number" min="1" max="100" value="1">'
        "<button>Thêm / Add</button></form>"
    )
    return page(f"Kịch bản lỗi: {title_of(simulator)}", body)


async def _add_fault(simulator: Simulator, request: web.Request) -> web.Response:
    as_json = request.content_type == "application/json"
    asked: Any = await (request.json() if as_json else request.post())
    try:
        times = min(max(int(asked.get("times", 1)), 1), 100)
        arguments = {str(k): v for k, v in (asked.get("arguments") or {}).items()}
        simulator.faults.script(str(asked.get("fault", "")), times, **arguments)
    except (ValueError, TypeError, AttributeError):
        return web.json_response({"error": "unknown fault"}, status=422)
    if not as_json:
        raise web.HTTPSeeOther(request.path)
    return web.json_response({"pending": simulator.faults.pending()}, status=201)
