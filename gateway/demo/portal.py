"""The portal of the demo: calls the API with a key, receives webhooks and checks each of them.

A stand-in for a province's dossier system, outside the gateway in every respect: it speaks HTTP
only and verifies deliveries with nothing but its endpoint's secret.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from gateway.development import listen
from gateway.foundation.clock import Clock
from gateway.webhooks.signature import SignatureInvalid, SymmetricKey, verify


class StepFailed(Exception):
    """A step of the demo did not hold."""


def need(holds: object, sentence: str) -> None:
    """Stop the demo unless something really holds."""
    if not holds:
        raise StepFailed(sentence)


@dataclass
class Caller:
    """Calls the gateway with one key."""

    session: aiohttp.ClientSession
    base: str
    secret: str

    async def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        """POST JSON under a fresh idempotency key; returns the answer.

        Raises:
            StepFailed: another status.
        """
        return await self._call("POST", path, status, json=body if body is not None else {})

    async def upload(
        self, path: str, content: bytes, name: str, status: int = 201, **fields: str
    ) -> Any:
        """POST a file as multipart."""
        form = aiohttp.FormData()
        for key, value in fields.items():
            form.add_field(key, value)
        form.add_field("file", content, filename=name, content_type="application/pdf")
        return await self._call("POST", path, status, data=form)

    async def get(self, path: str, status: int = 200) -> Any:
        """GET JSON."""
        return await self._call("GET", path, status)

    async def fetch(self, url: str, accept: str = "*/*") -> tuple[int, str, bytes]:
        """GET any address as it is: status, content type, bytes."""
        target = url if url.startswith("http") else self.base + url
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": accept}
        async with self.session.get(target, headers=headers) as response:
            return response.status, response.content_type, await response.read()

    async def _call(self, method: str, path: str, status: int, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        async with self.session.request(
            method, self.base + path, headers=headers, **more
        ) as response:
            raw = await response.read()
            if response.status != status:
                raise StepFailed(
                    f"{method} {path}: {response.status} {raw[:500].decode(errors='replace')}"
                )
            return msgspec.json.decode(raw)


@dataclass
class Receiver:
    """Receives webhooks over a real socket; keeps only what verifies."""

    clock: Clock
    secret: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    _runner: web.AppRunner | None = None
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> str:
        """Listen; gives the address to register."""
        app = web.Application()
        app.router.add_post("/webhooks", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        socket = listen()
        await web.SockSite(self._runner, socket).start()
        return f"http://127.0.0.1:{socket.getsockname()[1]}/webhooks"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {k.lower(): v for k, v in request.headers.items()}
        try:
            key = SymmetricKey.parse(self.secret)
            verify([key], headers, raw, now=int(self.clock.now().timestamp()))
        except SignatureInvalid:
            self.refused += 1
            return web.Response(status=401)
        entry = {
            "headers": {k: v for k, v in headers.items() if k.startswith(("webhook-", "content-"))},
            "body": msgspec.json.decode(raw),
        }
        async with self._arrived:
            known = {e["headers"]["webhook-id"] for e in self.received}
            if headers["webhook-id"] not in known:  # at least once: a repeat is no news
                self.received.append(entry)
            self._arrived.notify_all()
        return web.Response(status=204)

    async def wait_for(self, kind: str, subject: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """The event of a type about a subject, waiting for it when need be.

        Raises:
            StepFailed: it did not come.
        """

        def found() -> dict[str, Any] | None:
            for entry in self.received:
                body = entry["body"]
                if body["type"] == kind and body["subject"] == subject:
                    return dict(body)
            return None

        async with self._arrived:
            try:
                await asyncio.wait_for(
                    self._arrived.wait_for(lambda: found() is not None), timeout_s
                )
            except TimeoutError as error:
                raise StepFailed(f"webhook {kind} for {subject} did not arrive") from error
            event = found()
        assert event is not None
        return event
