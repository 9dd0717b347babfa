"""A development PKI on loopback, a signing service over it, a Vietnamese decision to sign."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from signing.clock import SystemClock
from signing.devpki.server import Calls, Faults
from signing.service import SigningService
from tests.signing.decision import decision
from tests.support.devpki import serve_pki

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "sign"


@pytest.fixture(scope="session")
def running_pki(tmp_path_factory):
    """Keys and certificates are slow to make: one PKI a session."""
    with serve_pki(tmp_path_factory.mktemp("pki")) as server:
        yield server


@pytest.fixture
def server(running_pki):
    """The running PKI, well-behaved at the start of every test."""
    running_pki.faults = Faults()
    running_pki.calls = Calls()
    running_pki.pki.clock = SystemClock()
    running_pki.pki.forget_revocations()
    return running_pki


@pytest.fixture
async def make_service(server):
    """Build services over the running PKI; the test may change the configuration."""
    made = []

    def make(**changes):
        config = dataclasses.replace(server.signer_config(), **changes)
        service = SigningService(config, changes.pop("clock", SystemClock()))
        made.append(service)
        return service

    yield make
    for service in made:
        await service.close()


@pytest.fixture
def service(make_service):
    return make_service()


@pytest.fixture(scope="session")
def decision_pdf():
    return decision()


@pytest.fixture
def corpus():
    """Reads a file of the corpus, or skips the test by the file's name."""

    def read(name):
        path = CORPUS / name
        if not path.exists():
            pytest.skip(f"corpus file {name} is not on this machine")
        return path.read_bytes()

    return read
