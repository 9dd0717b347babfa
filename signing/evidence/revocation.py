"""Is a certificate still good? OCSP first, then the CRL, kept until they are out of date.

Owns asking (addresses come from certificates already chained to our roots, through the fetch
allow-list) and the cache, bounded by ``nextUpdate`` and one hour. A kept answer that is older still
serves while its issuer can be reached in no way and it holds. Leaves verifying answers to
``revocation_answers``, keeping them for other processes to ``kept_answers`` and the policy for an
unknown answer to ``signing.service``. Follows RFC 6960 and RFC 5280 §6.3.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.contract import Clock, SigningUnavailable
from signing.evidence.answers_at_hand import AnswersAtHand
from signing.evidence.eligibility import TrustedChain
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.kept_answers import Kept, KeptAnswers
from signing.evidence.revocation_answers import (
    LONGEST_KEPT,
    Answer,
    AnswerRefused,
    Status,
    crl_urls,
    ocsp_urls,
    read_crl,
    read_ocsp,
)
from signing.evidence.single_flight import SingleFlight

log = logging.getLogger(__name__)

__all__ = [
    "Answer",
    "AnswerRefused",
    "Evidence",
    "RevocationChecker",
    "Status",
    "crl_urls",
    "ocsp_urls",
    "read_crl",
    "read_ocsp",
    "status_unknown",
]

FETCH_TIMEOUT_S = 15.0
_OLDER_KEPT = timedelta(minutes=5)  # then the issuer is asked again


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a whole chain."""

    status: Status
    revoked_at: datetime | None
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    revokes_signer: bool = False  # the first certificate itself, not one above it
    reason: str | None = None  # of the revocation


class RevocationChecker:
    """Asks and remembers, for one signing service."""

    def __init__(self, fetcher: Fetcher, clock: Clock, folder: str = "") -> None:
        self.kept = KeptAnswers(folder, clock)
        self._fetcher = fetcher
        self._clock = clock
        self._answers = AnswersAtHand()
        self._asking: SingleFlight[Answer] = SingleFlight()
        self._loading: SingleFlight[bytes] = SingleFlight()

    async def check(self, chain: TrustedChain, *, lists_first: bool = False) -> Evidence:
        """Judge every certificate below the root; the worst answer is the chain's.

        ``lists_first``: one list answers for many certificates, so that hundreds may be asked for.
        """
        links = zip(chain.link_names, chain.links, strict=True)
        return _together(
            tuple([await self._check_one(name, *link, lists_first) for name, link in links])
        )

    async def _check_one(
        self,
        name: tuple[bytes, bytes],
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        lists_first: bool,
    ) -> Answer:
        kept = self._answers.find(name, self._clock.now())
        if kept is not None:
            return kept
        answer = await self._asking.do(name, lambda: self._ask(certificate, issuer, lists_first))
        if answer.status is not Status.UNKNOWN:
            self._answers.keep(name, answer, self._clock.now())
        return answer

    async def _ask(
        self, certificate: x509.Certificate, issuer: x509.Certificate, lists_first: bool
    ) -> Answer:
        """A new answer of one kind or the other, before an older one of any."""
        ways = [(self._ask_ocsp, ocsp_urls), (self._ask_crl, crl_urls)]
        older: list[Answer] = []
        for ask, urls in reversed(ways) if lists_first else ways:
            for url in urls(certificate):
                answer = await ask(url, certificate, issuer, older)
                if answer is not None:
                    return answer
        now = self._clock.now()
        if not older:
            return Answer(Status.UNKNOWN, now)
        worst = next((one for one in older if one.status is Status.REVOKED), older[0])
        return replace(worst, valid_until=min(worst.valid_until, now + _OLDER_KEPT))

    async def _ask_ocsp(
        self,
        url: str,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        older: list[Answer],
    ) -> Answer | None:
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - RFC 6960 names issuers by SHA-1; nothing is trusted by it
        request = builder.build().public_bytes(Encoding.DER)
        headers = {
            "Content-Type": "application/ocsp-request",
            "Accept": "application/ocsp-response",
        }

        async def ask() -> bytes:
            return await self._fetcher.post(url, request, headers, FETCH_TIMEOUT_S)

        question = f"ocsp {url} {hashlib.sha256(request).hexdigest()}"
        try:
            return await self._kept_or_asked(
                question,
                ask,
                lambda raw: read_ocsp(raw, certificate, issuer, self._clock.now()),
                older,
            )
        except (FetchFailed, AnswerRefused) as error:
            log.warning("ocsp answer not usable: %s", error)
            return None

    async def _ask_crl(
        self,
        url: str,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        older: list[Answer],
    ) -> Answer | None:
        async def ask() -> bytes:
            return await self._loading.do(url, lambda: self._fetcher.get(url, FETCH_TIMEOUT_S))

        try:
            return await self._kept_or_asked(
                list_question(url),
                ask,
                lambda raw: read_crl(raw, certificate, issuer, self._clock.now()),
                older,
            )
        except (FetchFailed, AnswerRefused) as error:
            log.warning("crl not usable: %s", error)
            return None

    async def _kept_or_asked(
        self,
        question: str,
        ask: Callable[[], Awaitable[bytes]],
        read: Callable[[bytes], Answer],
        older: list[Answer],
    ) -> Answer:
        """A kept answer that is young enough, else a new one.

        Raises:
            FetchFailed, AnswerRefused: the new one's; a kept one that still holds is in ``older``.
        """
        young = self._young(question, read)
        if young is not None:
            return young
        async with self.kept.turn(question, FETCH_TIMEOUT_S):
            young = self._young(question, read)  # another process asked while we waited
            if young is not None:
                return young
            try:
                raw = await ask()
                answer = read(raw)
            except (FetchFailed, AnswerRefused):
                old = self._readable(self.kept.find(question), read)
                older += [old] if old is not None else []
                raise
            self.kept.keep(question, raw)
        return answer

    def _young(self, question: str, read: Callable[[bytes], Answer]) -> Answer | None:
        kept = self.kept.find(question)
        if kept is None or not kept.is_younger_than(LONGEST_KEPT, self._clock.now()):
            return None
        answer = self._readable(kept, read)
        if answer is None:
            return None
        return replace(answer, valid_until=min(answer.valid_until, kept.received_at + LONGEST_KEPT))

    @staticmethod
    def _readable(kept: Kept | None, read: Callable[[bytes], Answer]) -> Answer | None:
        """What a kept answer says; None when it does not hold (any more)."""
        if kept is None:
            return None
        try:
            return read(kept.raw)
        except AnswerRefused:
            return None


@lru_cache(maxsize=32)
def _together(answers: tuple[Answer, ...]) -> Evidence:
    """What the answers about a chain's links say of the chain; kept answers come again."""
    revoked = next((a for a in answers if a.status is Status.REVOKED), None)
    unknown = any(a.status is Status.UNKNOWN for a in answers)
    status = Status.REVOKED if revoked else Status.UNKNOWN if unknown else Status.GOOD
    return Evidence(
        status=status,
        revoked_at=revoked.revoked_at if revoked else None,
        ocsps=tuple(a.ocsp for a in answers if a.ocsp),
        crls=tuple(dict.fromkeys(a.crl for a in answers if a.crl)),
        revokes_signer=bool(answers) and answers[0].status is Status.REVOKED,
        reason=revoked.reason if revoked else None,
    )


def list_question(url: str) -> str:
    """Under which name the list of an address is kept."""
    return f"crl {url}"


def status_unknown() -> SigningUnavailable:
    """What is said when nobody could be asked and the level needs an answer."""
    return SigningUnavailable(
        "revocation_unavailable",
        "Chưa kiểm tra được tình trạng thu hồi của chứng thư số (OCSP, CRL đều không trả lời);"
        " văn bản chưa được ký.",
        "neither OCSP nor CRL could be asked",
    )
