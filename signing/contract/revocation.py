"""Looking after certificates that have signed: are they still good, and the lists that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class CertificateStatus(StrEnum):
    """What can be said about a certificate now."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # nobody answered; ask again
    EXPIRED = "expired"  # its issuer answers for it no more
    UNTRUSTED = "untrusted"  # leads to no configured root, so nobody may be asked


@dataclass(frozen=True, slots=True)
class RevocationFinding:
    """The issuers' word about a certificate and its chain, with the proof as it was received.

    ``revoked_at`` is the issuer's date; ``by_issuer`` says that not the certificate itself but an
    authority above it is revoked. ``reason`` is the issuer's, as RFC 5280 §5.3.1 calls it
    (``keyCompromise``, ``superseded`` …); None: it gave none.
    """

    status: CertificateStatus
    asked_at: datetime
    revoked_at: datetime | None = None
    by_issuer: bool = False
    reason: str | None = None
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchedList:
    """A CRL (DER or PEM) as it was received, and by when it says that it is replaced.

    Whether its issuer signed it is judged whenever it is used.
    """

    url: str
    raw: bytes
    fetched_at: datetime
    next_update: datetime


@runtime_checkable
class Watching(Protocol):
    """The part of the signing service that looks after certificates; it needs no key."""

    async def certificate_status(self, chain: Sequence[bytes]) -> RevocationFinding:
        """What the issuers say about the first of these certificates (DER), lists first.

        Never raises for what the certificates are.
        """
        ...

    async def fetch_list(self, url: str) -> FetchedList:
        """Fetch a CRL anew and keep it for every process of this machine.

        Raises:
            SigningUnavailable: ``crl_unavailable``: no answer, a host that is not allowed, or no
                list that holds now.
        """
        ...

    async def keep_list(self, url: str, raw: bytes, fetched_at: datetime) -> None:
        """Take a list that another machine fetched, for every process of this one."""
        ...
