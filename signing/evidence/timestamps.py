"""Time-stamps (RFC 3161): asking authorities in order, believing only true answers.

Owns one kept client per authority, its known certificate (so that no dummy request is made twice),
the order of trying, attempts and waiting, and the checks of a token: nonce, imprint, signature,
time-stamping usage, chain to a configured root, a time near ours. Leaves counting failures to
``breaker``, counting requests to ``slots``, embedding to pyHanko and revocation of the authority's
certificate to ``revocation``.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from base64 import b64encode
from collections import deque
from datetime import timedelta
from time import perf_counter
from urllib.parse import urlsplit

from asn1crypto import cms, tsp
from cryptography import x509
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.contract import (
    Clock,
    SignerConfig,
    SigningUnavailable,
    TimestampAuthority,
    TimestampTrip,
)
from signing.evidence.asked_slots import authority_slots
from signing.evidence.binding import NamedCertificate
from signing.evidence.breaker import Breaker
from signing.evidence.eligibility import (
    TIME_STAMPING,
    ChainBuilder,
    TrustedChain,
    has_extended_usage,
)
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.known_tokens import KnownTokens
from signing.evidence.messages import SignedMessage
from signing.evidence.shared_breaker import breaker_for
from signing.evidence.signatures import UNREADABLE
from signing.evidence.slots import NoSlot, Slots
from signing.evidence.stamp_messages import write_request
from signing.evidence.unchecked import TokenRefused, UncheckedToken, verified_signer

log = logging.getLogger(__name__)

TIME_TOLERANCE = timedelta(minutes=5)
_KEPT_TRIPS = 1000  # figures of one process that nobody has collected yet
_NONCE_BITS = 62  # behind a bit that is set: always eight bytes, and positive to everybody
_GRANTED = (0, 1)  # granted, granted with modifications
_HEADERS = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
}


class AuthorityBusy(TimestampRequestError):
    """Too many requests are under way at the authority; nothing is wrong with it."""


class TimestampClient(TimeStamper):
    """One authority; a pyHanko time-stamper that checks every token it hands on."""

    def __init__(
        self,
        authority: TimestampAuthority,
        fetcher: Fetcher,
        chains: ChainBuilder,
        clock: Clock,
        *,
        slots: Slots,
        breaker: Breaker,
        trips: deque[TimestampTrip],
    ) -> None:
        super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        self.url = authority.url
        self.chain: TrustedChain | None = None  # of the certificate that signed last
        self.breaker = breaker
        self._authority = authority
        self._host = urlsplit(authority.url).hostname or ""
        self._headers = _HEADERS | dict(authority.headers) | _basic(authority)
        self._fetcher = fetcher
        self._chains = chains
        self._clock = clock
        self._slots = slots
        self._trips = trips
        self._last_failure: TimestampRequestError | None = None
        self._named = NamedCertificate()
        self._known = KnownTokens()

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Send one request as pyHanko makes it; nothing is checked."""
        return tsp.TimeStampResp.load(await self._ask(req.dump()))

    async def _ask(self, request: bytes) -> bytes:
        """Send one request, again after silence as often as the authority's options say."""
        pause = self._authority.backoff_s
        for left in range(self._authority.attempts - 1, -1, -1):
            try:
                return await self._fetcher.post(
                    self.url, request, self._headers, self._authority.timeout_s
                )
            except FetchFailed as error:
                if not left:
                    raise TimestampRequestError(f"time-stamping authority: {error}") from error
                await asyncio.sleep(pause)
                pause *= 2
        raise AssertionError("at least one attempt is made")

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Get a checked token for pyHanko; see ``token``."""
        return cms.ContentInfo.load(await self.token(message_digest, md_algorithm))

    async def token(self, digest: bytes, md_algorithm: str = "sha256") -> bytes:
        """Get a token (DER) and check it.

        Raises:
            TimestampRequestError: no answer, a refusal, (``TokenRefused``) a lie, or
                (``AuthorityBusy``) no free slot.
        """
        answered = await self.answer(digest, md_algorithm)
        try:
            answered.check()
        finally:
            answered.drop()
        return answered.token

    async def answer(self, digest: bytes, md_algorithm: str = "sha256") -> UncheckedToken:
        """Get a token that is still to be checked, while something else is waited for.

        Raises:
            TimestampRequestError: no answer, a refusal, or (``AuthorityBusy``) no free slot.
        """
        self._refuse_while_resting()
        started = perf_counter()
        nonce = secrets.randbits(_NONCE_BITS) | 1 << _NONCE_BITS
        request = write_request(digest, md_algorithm, nonce)
        try:
            async with self._slots.taken(self._authority.timeout_s):
                token = await self._watched(request, started)
        except NoSlot:
            self._note("busy", started)
            raise AuthorityBusy("too many requests are under way there") from None
        return UncheckedToken(self, token, (digest, md_algorithm, nonce), started, perf_counter())

    async def _watched(self, request: bytes, started: float) -> bytes:
        """One asking whose failure the breaker learns; of an answer it learns by the check."""
        if not self.breaker.enter():  # it opened while we waited for a slot
            self._refuse_while_resting()
        try:
            return self._granted(await self._ask(request))
        except UNREADABLE as error:
            refused = TokenRefused("the answer is not a time-stamp")
            self.failed(refused, started)
            raise refused from error
        except TimestampRequestError as error:
            self.failed(error, started)
            raise
        except BaseException:  # the caller will not wait
            self.given_up()
            raise

    def _granted(self, raw: bytes) -> bytes:
        status, token = self._known.response(raw)
        if status not in _GRANTED or token is None:
            raise TimestampRequestError(f"the authority refused: status {status}")
        return token

    def failed(self, error: TimestampRequestError, started: float) -> None:
        """Take note of a failure: breaker, figures."""
        self._last_failure = error
        if self.breaker.failed():
            log.warning("time-stamping authority %s is left alone for a while", self.url)
        self.breaker.leave()
        self._note("untrusted" if isinstance(error, TokenRefused) else "failed", started)

    def given_up(self) -> None:
        """The asking ends without a verdict."""
        self.breaker.leave()

    def proved(self, started: float, answered: float) -> None:
        """Take note of a token that was checked."""
        self.breaker.succeeded()
        self._note("granted", started, answered)

    def read(self, token: bytes) -> SignedMessage:
        """What a token says, read by its form where that is known; raises ``UNREADABLE``."""
        return self._known.read(token)

    def learn(self, token: bytes, message: SignedMessage, md_algorithm: str) -> None:
        """Keep a judged token's form, the first one for reserving room; raises ``UNREADABLE``."""
        self._known.learn(token, message)
        if md_algorithm not in self._dummy_response_cache:
            self._register_dummy(md_algorithm, cms.ContentInfo.load(token))  # type: ignore[no-untyped-call]  # pyHanko's is untyped

    def _refuse_while_resting(self) -> None:
        """Fail at once with the kind of failure that opened the breaker."""
        if self.breaker.is_open:
            kind = type(self._last_failure or TimestampRequestError(""))
            raise kind(f"resting after failures, the last one: {self._last_failure}")

    def _note(self, outcome: str, started: float, ended: float | None = None) -> None:
        taken = (perf_counter() if ended is None else ended) - started
        self._trips.append(TimestampTrip(self._host, outcome, taken))

    @property
    def token_size(self) -> int:
        """Length of the token seen last, for reserving room."""
        return max((len(t.dump()) for t in self._dummy_response_cache.values()), default=0)

    async def ready(self) -> TrustedChain:
        """Make sure that the authority is known and its chain is valid now.

        Raises:
            TimestampRequestError.
        """
        self._refuse_while_resting()
        now = self._clock.now()
        if self.chain is None or not self.chain.valid_at(now):
            self._forget()
            await self.async_dummy_response("sha256")
        assert self.chain is not None
        return self.chain

    def _forget(self) -> None:
        self._dummy_response_cache.clear()
        self._certs.clear()
        self._known.forget()
        self.chain = None

    def judge(self, token: SignedMessage, digest: bytes, md_algorithm: str, nonce: int) -> None:
        """Whether a token answers a question truly.

        Raises:
            TokenRefused, and what is in ``UNREADABLE``.
        """
        if not token.is_timestamp or token.content is None:
            raise TokenRefused("the answer is not a time-stamp")
        info = token.time_stamp
        if info.digest != md_algorithm or not hmac.compare_digest(info.imprint, digest):
            raise TokenRefused("the token is about other data")
        if info.nonce != nonce:
            raise TokenRefused("the token carries another nonce")
        if abs(info.time - self._clock.now()) > TIME_TOLERANCE:
            raise TokenRefused("the token's time is not the present")
        signer = verified_signer(token)
        if not self._named.is_named(token, signer):
            raise TokenRefused("the token names another certificate")
        self._trust(signer, token)

    def _trust(self, signer: x509.Certificate, token: SignedMessage) -> None:
        now = self._clock.now()
        known = None if self.chain is None else self.chain.certificates[0]
        if self.chain is not None and (known is signer or known == signer):
            if self.chain.valid_at(now):
                return
        else:
            self._forget()  # the authority changed its certificate: what we kept is another's
        if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
            raise TokenRefused("the authority's certificate is not valid now")
        if not has_extended_usage(signer, TIME_STAMPING):
            raise TokenRefused("the certificate is not for time-stamping")
        extra = [x509.load_der_x509_certificate(one) for one in token.certificates]
        chain = self._chains.build(signer, now, extra)
        if chain is None:
            raise TokenRefused("the authority is not trusted")
        self.chain = chain


def _basic(authority: TimestampAuthority) -> dict[str, str]:
    """The header of HTTP basic authentication (RFC 7617), where it is configured."""
    if not authority.user:
        return {}
    pair = f"{authority.user}:{authority.password}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}


def _probe_of(authority: TimestampAuthority) -> timedelta:
    """How long one asking may take, every attempt and pause included."""
    tries = authority.attempts
    return timedelta(seconds=authority.timeout_s * tries + authority.backoff_s * 2**tries + 5.0)


class TimestampAuthorities:
    """The configured authorities, the ones that failed lately last."""

    def __init__(
        self, config: SignerConfig, fetcher: Fetcher, chains: ChainBuilder, clock: Clock
    ) -> None:
        self._trips: deque[TimestampTrip] = deque(maxlen=_KEPT_TRIPS)
        self._clients = tuple(
            TimestampClient(
                one,
                fetcher,
                chains,
                clock,
                slots=authority_slots(config, one),
                breaker=breaker_for(one.url, clock, config.timestamp_slots, _probe_of(one)),
                trips=self._trips,
            )
            for one in config.authorities
        )

    def in_order(self) -> tuple[TimestampClient, ...]:
        """The clients to try: configured order, then those that failed lately, then resting."""
        if not self._clients:
            raise SigningUnavailable(
                "timestamp_not_configured",
                "Chưa cấu hình dịch vụ cấp dấu thời gian.",
                "no time-stamping authority is configured",
            )
        return tuple(
            sorted(self._clients, key=lambda c: (c.breaker.is_open, c.breaker.is_troubled))
        )

    def drain_trips(self) -> tuple[TimestampTrip, ...]:
        """What was asked since the last call, for figures."""
        trips = tuple(self._trips)
        self._trips.clear()
        return trips


def unavailable(last: TimestampRequestError) -> SigningUnavailable:
    """What the caller is told when every authority failed."""
    if isinstance(last, TokenRefused):
        return SigningUnavailable(
            "timestamp_untrusted",
            "Dịch vụ cấp dấu thời gian trả lời không đáng tin cậy; văn bản chưa được ký.",
            f"time-stamp refused: {last}",
        )
    return SigningUnavailable(
        "timestamp_unavailable",
        "Không kết nối được dịch vụ cấp dấu thời gian; văn bản chưa được ký.",
        f"no time-stamping authority answered: {last}",
    )
