"""Signing one file after another with the development PKI, for ``motcua inspect --sign``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from signing.clock import SystemClock
from signing.contract import Level, Role, SignOrder
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService


@contextmanager
def signing_desk() -> Iterator[Callable[[bytes], bytes]]:
    """A function that signs a PDF invisibly at B-LTA; raises ``SigningError`` when refused."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        server = DevPkiServer(DevPki.create(Path(folder), SystemClock()))
        runner.run(server.start())
        service = SigningService(server.signer_config(), SystemClock())

        def sign(pdf: bytes) -> bytes:
            order = SignOrder(pdf, "official-rsa", Role.INVISIBLE, Level.B_LTA)
            return runner.run(service.sign(order)).pdf

        try:
            yield sign
        finally:
            runner.run(service.close())
            runner.run(server.close())
