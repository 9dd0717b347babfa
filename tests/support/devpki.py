"""The development PKI on loopback for gateway tests: real keys, real PAdES, worthless names."""

from __future__ import annotations

import asyncio
import threading

import pytest

from signing.clock import SystemClock
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService


@pytest.fixture(scope="session")
def running_pki(tmp_path_factory):
    """One PKI a session, served from its own thread: making keys is slow."""
    server = DevPkiServer(DevPki.create(tmp_path_factory.mktemp("pki"), SystemClock()))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
    yield server
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
async def real_signatures(running_pki):
    """The product's signing service over the development PKI."""
    service = SigningService(running_pki.signer_config(), SystemClock())
    yield service
    await service.close()
