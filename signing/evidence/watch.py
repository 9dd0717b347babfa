"""Looking after certificates that have signed, and fetching the lists that tell of them in time.

Owns what is said about a certificate that nobody is signing with right now, and the fetching of a
list before somebody needs it. Leaves believing answers to ``revocation``, keeping them to
``kept_answers``, and when to look to the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from signing.contract import (
    CertificateStatus,
    Clock,
    FetchedList,
    RevocationFinding,
    SigningUnavailable,
)
from signing.evidence.eligibility import ChainBuilder
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.revocation import (
    FETCH_TIMEOUT_S,
    RevocationChecker,
    list_question,
)
from signing.evidence.revocation_answers import load_crl


class Watch:
    """``Watching`` over one signing service's evidence."""

    def __init__(
        self, chains: ChainBuilder, revocation: RevocationChecker, fetcher: Fetcher, clock: Clock
    ) -> None:
        self._chains = chains
        self._revocation = revocation
        self._fetcher = fetcher
        self._clock = clock

    async def status_of(self, chain: Sequence[bytes]) -> RevocationFinding:
        """See ``Watching.certificate_status``."""
        now = self._clock.now()
        try:
            certificates = [x509.load_der_x509_certificate(one) for one in chain]
        except ValueError:
            return RevocationFinding(CertificateStatus.UNTRUSTED, now)
        if not certificates:
            return RevocationFinding(CertificateStatus.UNTRUSTED, now)
        if certificates[0].not_valid_after_utc < now:
            return RevocationFinding(CertificateStatus.EXPIRED, now)
        trusted = self._chains.build(certificates[0], now, certificates[1:])
        if trusted is None:
            return RevocationFinding(CertificateStatus.UNTRUSTED, now)
        found = await self._revocation.check(trusted, lists_first=True)
        return RevocationFinding(
            status=CertificateStatus(found.status.value),
            asked_at=now,
            revoked_at=found.revoked_at,
            by_issuer=found.revoked_at is not None and not found.revokes_signer,
            ocsps=found.ocsps,
            crls=found.crls,
            reason=found.reason,
        )

    async def fetch_list(self, url: str) -> FetchedList:
        """See ``Watching.fetch_list``."""
        try:
            raw = await self._fetcher.get(url, FETCH_TIMEOUT_S)
        except FetchFailed as error:
            raise _unavailable(str(error)) from error
        now, crl = self._clock.now(), load_crl(raw)
        end = crl.next_update_utc if crl is not None else None
        if end is None or end < now:
            raise _unavailable("no list that holds now")
        self._revocation.kept.keep(list_question(url), raw)
        return FetchedList(url, raw, now, end)

    def keep_list(self, url: str, raw: bytes, fetched_at: datetime) -> None:
        """See ``Watching.keep_list``."""
        kept = self._revocation.kept.find(list_question(url))
        if kept is None or kept.received_at < fetched_at:
            self._revocation.kept.keep(list_question(url), raw, fetched_at)


class WatchActs:
    """The methods of ``Watching`` for a service that holds a ``Watch``."""

    _watch: Watch

    async def certificate_status(self, chain: Sequence[bytes]) -> RevocationFinding:
        """What the issuers say about the first of these certificates."""
        return await self._watch.status_of(chain)

    async def fetch_list(self, url: str) -> FetchedList:
        """Fetch a CRL anew and keep it."""
        return await self._watch.fetch_list(url)

    async def keep_list(self, url: str, raw: bytes, fetched_at: datetime) -> None:
        """Take a list that another machine fetched."""
        self._watch.keep_list(url, raw, fetched_at)


def _unavailable(reason: str) -> SigningUnavailable:
    return SigningUnavailable(
        "crl_unavailable", "Chưa tải được danh sách thu hồi (CRL).", f"the CRL: {reason}"
    )
