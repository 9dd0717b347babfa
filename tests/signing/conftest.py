"""A development PKI on loopback, a signing service over it, a Vietnamese decision to sign."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from signing.clock import SystemClock
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService
from tests.signing.decision import decision

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "sign"


@pytest.fixture(scope="session")
def pki_template(tmp_path_factory):
    """Keys are slow to make: once a session, copied for each test."""
    directory = tmp_path_factory.mktemp("pki-template")
    pki = DevPki.create(directory, SystemClock())
    pki.issue_for("http://127.0.0.1:1")
    return directory


@pytest.fixture
def pki(pki_template, tmp_path):
    directory = tmp_path / "pki"
    shutil.copytree(pki_template, directory)
    return DevPki.create(directory, SystemClock())


@pytest.fixture
async def server(pki):
    async with DevPkiServer(pki) as running:
        yield running


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
