"""A simulator on a loopback port: starting, stopping, and never answering."""

from __future__ import annotations

import asyncio
import base64
from abc import ABC, abstractmethod
from typing import Self

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_PATIENCE_S = 1.0  # for calls held open when it stops


class LoopbackServer(ABC):
    """Serves ``application``; use it as an async context."""

    def __init__(self) -> None:
        self.base_url = ""
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self.application(), access_log=None, shutdown_timeout=_PATIENCE_S
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def close(self) -> None:
        """Where somebody else listens: let the calls that are held open end."""
        self._stopping.set()

    @abstractmethod
    def application(self) -> web.Application:
        """The routes."""

    async def lose_answer(self) -> None:
        """Never answer, as far as any client can tell."""
        await self._stopping.wait()


def der_text(certificate: x509.Certificate) -> str:
    """A certificate as services send it."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
