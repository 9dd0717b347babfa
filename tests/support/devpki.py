"""The development PKI on loopback for gateway tests: real keys, real PAdES, worthless names."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import pytest

from signing.clock import SystemClock
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService


@contextmanager
def serve_pki(directory):
    """A new PKI in a directory, served from its own thread."""
    server = DevPkiServer(DevPki.create(directory, SystemClock()))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
    yield server
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def running_pki(tmp_path_factory):
    """One PKI a session: making keys is slow."""
    with serve_pki(tmp_path_factory.mktemp("pki")) as server:
        yield server


@pytest.fixture
async def real_signatures(running_pki):
    """The product's signing service over the development PKI."""
    service = SigningService(running_pki.signer_config(), SystemClock())
    yield service
    await service.close()
