"""Simulators of remote signing services, and the two halves of an act as a caller keeps them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.clock import SystemClock
from signing.contract import KeyConfig, Level, RemoteItem, Role, SignOrder
from signing.devpki.smartca_simulator import SmartCaSimulator
from signing.service import SigningService

SECRET = b"s" * 32


@dataclasses.dataclass
class LaterClock:
    """The machine's time, moved on by a test; picklable."""

    later: timedelta = timedelta()

    def now(self):
        return SystemClock().now() + self.later


@pytest.fixture
def later():
    return LaterClock()


@pytest.fixture
async def smartca(server):
    async with SmartCaSimulator(server.pki) as simulator:
        yield simulator


@pytest.fixture
async def fresh_service(server, later):
    """Make a service as a new process would: from the configuration alone."""
    made = []

    def make(*keys, **changes):
        config = dataclasses.replace(
            server.signer_config(), keys=keys, state_secrets=(SECRET,), **changes
        )
        made.append(SigningService(config, later))
        return made[-1]

    yield make
    for service in made:
        await service.close()


@pytest.fixture
def vgca_key(server, tmp_path):
    """A desk key as an operator configures it: the certificate alone."""

    def make(name="official-rsa", *others, **changes):
        path = tmp_path / f"{name}.cert.pem"
        pki = server.pki
        path.write_bytes(
            b"".join(pki.certificate(one).public_bytes(Encoding.PEM) for one in (*others, name))
        )
        return KeyConfig("vgca", "vgca", str(path), **{"allow_pkcs1v15": True, **changes})

    return make


def order(pdf, key="smartca", level=Level.B_B, role=Role.INVISIBLE, **changes):
    return SignOrder(pdf, key, role, level, **changes)


def item_of(prepared, name="doc-1"):
    return RemoteItem(name, prepared.to_be_signed, "Quyết định 12/QĐ-UBND")


def present():
    return datetime.now(UTC)
