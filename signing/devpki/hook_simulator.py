"""A bridge over loopback, as a province would write one, with scripted misbehaviour.

Believes nothing without a MAC, keeps requests by our reference, answers a repeated start with the
standing of the first. Follows ``docs/signing-keys.md`` §"Cầu nối".
"""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp import web

from signing.contract import KeyConfig, RemoteState
from signing.devpki.loopback import der_text
from signing.devpki.remote_desk import RemoteDesk, Transaction
from signing.key_config import RemoteConfig
from signing.keys import hook_messages as messages
from signing.keys.confirmed import read_object
from signing.keys.hook_messages import Shared, Standing

CLIENT, SECRET = "motcua", "bi-mat-cua-cau-noi-phat-trien-32-ky-tu"
_STATES = {
    "waiting": RemoteState.WAITING_USER,
    "confirmed": RemoteState.DONE,
    "cancelled": RemoteState.REJECTED,
}


class HookSimulator(RemoteDesk):
    """One development identity behind a bridge."""

    def key_config(self, **changes: Any) -> KeyConfig:
        """A key as an operator would configure it."""
        remote = {
            "url": self.base_url,
            "client_id": CLIENT,
            "client_secret": SECRET,
            **changes,
        }
        rest = {"allow_pkcs1v15": remote.pop("allow_pkcs1v15", False)}
        return KeyConfig("hook", "hook", remote=RemoteConfig(**remote), **rest)

    def application(self) -> web.Application:
        """The four calls."""
        app = web.Application()
        app.router.add_post(messages.CERTIFICATE_PATH, self._certificate)
        app.router.add_post(messages.START_PATH, self._start)
        app.router.add_post(messages.ASK_PATH, self._ask)
        app.router.add_post(messages.CANCEL_PATH, self._cancel)
        return app

    def callback(self, reference: str, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
        """Headers and body pushed when a request is over."""
        body = messages.write(messages.standing_body(self._standing(reference)))
        now = self.pki.clock.now()
        shared = Shared(CLIENT, secret)
        return shared.headers(messages.CALLBACK_PATH, body, now), body

    async def tell(self, session: aiohttp.ClientSession, one: Transaction, *, forged: bool) -> None:
        """A standing, with the MAC of who knows the secret or of who does not."""
        headers, body = self.callback(one.reference, SECRET[::-1] if forged else SECRET)
        async with session.post(self.callback_url, data=body, headers=headers):
            pass

    async def _certificate(self, request: web.Request) -> web.Response:
        self.calls.certificate += 1
        await self._asked(request)
        if self.faults.take("broken_answer"):
            return web.Response(text="<html>", content_type="text/html")
        chain = (self.pki.issuing.certificate, self.pki.root.certificate)
        told = {
            "certificate": der_text(self.pki.certificate(self.identity)),
            "chain": [der_text(one) for one in chain],
        }
        return web.json_response(told)

    async def _start(self, request: web.Request) -> web.Response:
        self.calls.start += 1
        if self.faults.take("silent_before_work"):
            await self.lose_answer()
        asked = await self._asked(request)
        self.calls.bodies.append(asked)
        reference = asked["reference"]
        digests = {one["item"]: bytes.fromhex(one["digest"]) for one in asked["items"]}
        one = Transaction(reference, digests, title=asked["items"][0]["title"])
        one.pss = asked["scheme"] == "rsassa-pss"
        self.transactions.setdefault(reference, one)
        if self.faults.take("silent_after_work"):
            await self.lose_answer()
        return self._answer(reference)

    async def _ask(self, request: web.Request) -> web.Response:
        self.calls.ask += 1
        return self._answer((await self._asked(request))["reference"])

    async def _cancel(self, request: web.Request) -> web.Response:
        self.calls.cancel += 1
        reference = (await self._asked(request))["reference"]
        one = self.transactions.get(reference)
        if one is not None and one.state == "waiting":
            one.state = "cancelled"
        return self._answer(reference)

    def _answer(self, reference: str) -> web.Response:
        if self.faults.take("server_error"):
            raise web.HTTPInternalServerError
        if self.faults.take("broken_answer"):
            return web.Response(text="<html>", content_type="text/html")
        if self.faults.take("unknown_code"):
            return web.json_response({"reference": reference, "state": "half_done"})
        return web.json_response(messages.standing_body(self._standing(reference)))

    def _standing(self, reference: str) -> Standing:
        one = self.transactions.get(reference)
        if one is None:
            return Standing(RemoteState.UNKNOWN, reference, code=messages.NOT_FOUND)
        state = _STATES.get(one.state) or RemoteState(one.state)
        return Standing(state, reference, f"bridge-{reference}", signatures=one.signatures)

    async def _asked(self, request: web.Request) -> dict[str, Any]:
        body = await request.read()
        now = self.pki.clock.now()
        path = request.path[request.path.rindex("/v1/") :]  # without where it is mounted
        proven = Shared(CLIENT, SECRET).holds(request.headers, path, body, now)
        if not proven or self.faults.take("account_refused"):
            raise web.HTTPUnauthorized
        return dict(read_object(body))
