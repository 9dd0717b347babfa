"""What every simulator of a remote signing service has: faults, a tally, keys, callbacks.

Owns the raw signature by a development key, right or wrong on purpose, and the pushing of what the
owner decided (lost, twice, late or forged on purpose). Leaves listening to ``loopback`` and each
provider's wire format to its own simulator.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.devpki.authority import PASSWORD, DevPki
from signing.devpki.loopback import LoopbackServer
from signing.devpki.scripted import ScriptedFaults

SALT_LENGTH = 32
LATE_S = 10.0


_ENDS = ("rejected", "expired", "quota", "certificate_invalid")
DECISIONS = ("confirmed", "rejected", "expired")


@dataclass(slots=True)
class RemoteFaults(ScriptedFaults):
    """What goes wrong on purpose; each provider says it in its own words."""

    rejected: bool = False  # the owner says no in the application
    expired: bool = False  # the owner is too slow
    quota: bool = False
    certificate_invalid: bool = False
    wrong_signature: bool = False
    silent_after_work: bool = False  # the request is taken, its answer never comes
    silent_before_work: bool = False  # it is lost, and nobody ever heard of it
    broken_answer: bool = False  # not what the protocol knows, to every question
    unknown_code: bool = False
    server_error: bool = False
    account_refused: bool = False
    callback_lost: bool = False
    callback_twice: bool = False
    callback_late: bool = False  # after ``LATE_S``
    callback_forged: bool = False  # by somebody who does not know the secret


@dataclass(slots=True)
class RemoteCalls:
    """How often each thing was asked."""

    certificate: int = 0
    start: int = 0
    ask: int = 0
    cancel: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Transaction:
    """One request as the service keeps it: what is to be signed, by our names."""

    reference: str
    digests: dict[str, bytes]
    state: str = "waiting"  # then confirmed, rejected, expired, cancelled …
    title: str = ""  # what the owner reads in the application
    pss: bool = False
    pushed: bool = True  # whether its end is told by a callback
    signatures: dict[str, bytes] = field(default_factory=dict)


class RemoteDesk(LoopbackServer):
    """A simulator of a remote signing service."""

    identity = "official-rsa"  # whose key it keeps

    def __init__(self, pki: DevPki) -> None:
        super().__init__()
        self.faults = RemoteFaults()
        self.calls = RemoteCalls()
        self.transactions: dict[str, Transaction] = {}
        self.pki = pki
        self.callback_url = ""  # whom the end of a request is told; empty: nobody
        self._pushing: set[asyncio.Task[None]] = set()

    def confirm(self, name: str, pss: bool = False) -> None:
        """The owner of a key confirms everything that waits, unless scripted to do otherwise."""
        for one in self.transactions.values():
            if one.state == "waiting":
                self._settle(one, self._decision(), name, pss=pss)

    def decide(self, reference: str, decision: str) -> Transaction:
        """The owner decides about one request in the application, and the service tells.

        Args:
            reference: as the service keeps it.
            decision: ``confirmed`` (unless a fault is scripted), ``rejected`` or ``expired``.

        Raises:
            KeyError: no such request waits. ValueError: no such decision.
        """
        one = self.transactions[reference]
        if one.state != "waiting":
            raise KeyError(reference)
        if decision not in DECISIONS:
            raise ValueError(decision)
        decided = self._decision() if decision == "confirmed" else decision
        self._settle(one, decided, self.identity, pss=one.pss)
        if self.callback_url and one.pushed:
            task = asyncio.ensure_future(self._push(one))
            self._pushing.add(task)
            task.add_done_callback(self._pushing.discard)
        return one

    def _settle(self, one: Transaction, decided: str, name: str, *, pss: bool) -> None:
        one.state = decided
        if decided == "confirmed":
            one.signatures = {
                item: self.sign(name, digest, pss=pss) for item, digest in one.digests.items()
            }

    def _decision(self) -> str:
        return next((state for state in _ENDS if self.faults.take(state)), "confirmed")

    async def _push(self, one: Transaction) -> None:
        faults = self.faults
        if faults.take("callback_lost"):
            return
        if faults.take("callback_late"):
            await asyncio.sleep(LATE_S)
        forged = faults.take("callback_forged")
        async with aiohttp.ClientSession() as session:
            for _ in range(2 if faults.take("callback_twice") else 1):
                with contextlib.suppress(aiohttp.ClientError):
                    await self.tell(session, one, forged=forged)

    @abstractmethod
    async def tell(self, session: aiohttp.ClientSession, one: Transaction, *, forged: bool) -> None:
        """Bring the end of a request to ``callback_url``, in the provider's form."""

    async def close(self) -> None:
        """Push nothing any more, and let the calls that are held open end."""
        for task in self._pushing:
            task.cancel()
        await asyncio.gather(*self._pushing, return_exceptions=True)
        await super().close()

    def sign(self, name: str, digest: bytes, *, pss: bool) -> bytes:
        """The raw signature of a development key over a digest."""
        if self.faults.take("wrong_signature"):
            digest = bytes(len(digest))
        path = self.pki.directory / f"{name}.p12"
        key = pkcs12.load_pkcs12(path.read_bytes(), PASSWORD.encode()).key
        prehashed = Prehashed(hashes.SHA256())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(prehashed))
        assert isinstance(key, rsa.RSAPrivateKey)
        if pss:
            salted = padding.PSS(padding.MGF1(hashes.SHA256()), SALT_LENGTH)
            return key.sign(digest, salted, prehashed)
        return key.sign(digest, padding.PKCS1v15(), prehashed)
