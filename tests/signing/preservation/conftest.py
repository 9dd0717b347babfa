"""A development PKI of its own, whose clock the test moves, and a service on the same clock."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import Level, Role, SignOrder
from signing.devpki.server import Calls, Faults
from signing.service import SigningService
from tests.support.devpki import serve_pki


@dataclasses.dataclass
class Moved:
    """The system's time moved by some amount."""

    by: timedelta = timedelta()

    def now(self):
        return datetime.now(UTC) + self.by


@pytest.fixture(scope="module")
def own_pki(tmp_path_factory):
    """Its certificates are replaced as years pass, so it is not shared with other tests."""
    with serve_pki(tmp_path_factory.mktemp("years")) as server:
        yield server


@pytest.fixture
def moved(own_pki):
    clock = Moved()
    own_pki.faults, own_pki.calls, own_pki.pki.clock = Faults(), Calls(), clock
    own_pki.pki.forget_revocations()
    own_pki.pki.replace_tsa()
    return clock


@pytest.fixture
async def keeper(own_pki, moved):
    service = SigningService(own_pki.signer_config(), moved)
    yield service
    await service.close()


@pytest.fixture
def signed(keeper, decision_pdf):
    async def sign(level, pdf=None, key="official-rsa", **more):
        order = SignOrder(pdf or decision_pdf, key, Role.INVISIBLE, Level(level), **more)
        return await keeper.sign(order)

    return sign
