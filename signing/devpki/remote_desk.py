"""What every simulator of a remote signing service has: faults, a tally, keys.

Owns the raw signature by a development key, right or wrong on purpose. Leaves
listening to ``loopback`` and each provider's wire format to its own simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.devpki.authority import PASSWORD, DevPki
from signing.devpki.loopback import LoopbackServer

SALT_LENGTH = 32


@dataclass(slots=True)
class RemoteFaults:
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
    signatures: dict[str, bytes] = field(default_factory=dict)


class RemoteDesk(LoopbackServer):
    """A simulator of a remote signing service."""

    def __init__(self, pki: DevPki) -> None:
        super().__init__()
        self.faults = RemoteFaults()
        self.calls = RemoteCalls()
        self.transactions: dict[str, Transaction] = {}
        self.pki = pki

    def confirm(self, name: str, pss: bool = False) -> None:
        """The owner of a key confirms everything that waits, unless scripted to do otherwise."""
        for one in self.transactions.values():
            if one.state != "waiting":
                continue
            one.state = self._decision()
            if one.state == "confirmed":
                one.signatures = {
                    item: self.sign(name, digest, pss=pss) for item, digest in one.digests.items()
                }

    def _decision(self) -> str:
        faults = self.faults
        scripted = {
            "rejected": faults.rejected,
            "expired": faults.expired,
            "quota": faults.quota,
            "certificate_invalid": faults.certificate_invalid,
        }
        return next((state for state, wanted in scripted.items() if wanted), "confirmed")

    def sign(self, name: str, digest: bytes, *, pss: bool) -> bytes:
        """The raw signature of a development key over a digest."""
        if self.faults.wrong_signature:
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
