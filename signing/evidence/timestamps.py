"""Time-stamps (RFC 3161): asking authorities in order, believing only true answers.

Owns one kept client per authority, its known certificate (so that no dummy request is made twice),
the order of trying, and the checks of a token: nonce, imprint, signature, time-stamping usage,
chain to a configured root, a time near ours. Leaves embedding to pyHanko and revocation of the
authority's certificate to ``revocation``.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.contract import Clock, SignerConfig, SigningUnavailable
from signing.evidence.eligibility import (
    TIME_STAMPING,
    ChainBuilder,
    TrustedChain,
    has_extended_usage,
)
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.messages import (
    SignedMessage,
    read_message,
    read_response,
    read_time_stamp,
    write_request,
)
from signing.evidence.signatures import signature_holds

log = logging.getLogger(__name__)

TIME_TOLERANCE = timedelta(minutes=5)
REST_AFTER_FAILURE = timedelta(seconds=60)
_NONCE_BITS = 64
_GRANTED = (0, 1)  # granted, granted with modifications
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_HEADERS = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
}


class TokenRefused(TimestampRequestError):
    """An authority answered, but its token proves nothing."""


class TimestampClient(TimeStamper):
    """One authority; a pyHanko time-stamper that checks every token it hands on."""

    def __init__(
        self, url: str, fetcher: Fetcher, chains: ChainBuilder, clock: Clock, timeout_s: float
    ) -> None:
        super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        self.url = url
        self.chain: TrustedChain | None = None  # of the certificate that signed last
        self.resting_until: datetime | None = None
        self._fetcher = fetcher
        self._chains = chains
        self._clock = clock
        self._timeout_s = timeout_s

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Send one request as pyHanko makes it; nothing is checked."""
        return tsp.TimeStampResp.load(await self._ask(req.dump()))

    async def _ask(self, request: bytes) -> bytes:
        try:
            return await self._fetcher.post(self.url, request, _HEADERS, self._timeout_s)
        except FetchFailed as error:
            raise TimestampRequestError(f"time-stamping authority: {error}") from error

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Get a checked token for pyHanko; see ``token``."""
        return cms.ContentInfo.load(await self.token(message_digest, md_algorithm))

    async def token(self, digest: bytes, md_algorithm: str = "sha256") -> bytes:
        """Get a token (DER) and check it.

        Raises:
            TimestampRequestError: no answer, a refusal, or (``TokenRefused``) a lie.
        """
        nonce = secrets.randbits(_NONCE_BITS)
        try:
            raw = await self._ask(write_request(digest, md_algorithm, nonce))
            token = _granted_token(raw)
            self._check(read_message(token), digest, md_algorithm, nonce)
        except TimestampRequestError:
            self.resting_until = self._clock.now() + REST_AFTER_FAILURE
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.resting_until = self._clock.now() + REST_AFTER_FAILURE
            raise TokenRefused("the answer is not a time-stamp") from error
        if md_algorithm not in self._dummy_response_cache:
            self._register_dummy(md_algorithm, cms.ContentInfo.load(token))  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        return token

    @property
    def token_size(self) -> int:
        """Length of the token seen last, for reserving room."""
        return max((len(t.dump()) for t in self._dummy_response_cache.values()), default=0)

    async def ready(self) -> TrustedChain:
        """Make sure that the authority is known and its chain is valid now.

        Raises:
            TimestampRequestError.
        """
        now = self._clock.now()
        if self.chain is None or not self.chain.valid_at(now):
            self._forget()
            await self.async_dummy_response("sha256")
        assert self.chain is not None
        return self.chain

    def _forget(self) -> None:
        self._dummy_response_cache.clear()
        self._certs.clear()
        self.chain = None

    def _check(self, token: SignedMessage, digest: bytes, md_algorithm: str, nonce: int) -> None:
        if not token.is_timestamp or token.content is None:
            raise TokenRefused("the answer is not a time-stamp")
        info = read_time_stamp(token.content)
        if info.digest != md_algorithm or not hmac.compare_digest(info.imprint, digest):
            raise TokenRefused("the token is about other data")
        if info.nonce != nonce:
            raise TokenRefused("the token carries another nonce")
        if abs(info.time - self._clock.now()) > TIME_TOLERANCE:
            raise TokenRefused("the token's time is not the present")
        self._trust(verified_signer(token), token)

    def _trust(self, signer: x509.Certificate, token: SignedMessage) -> None:
        now = self._clock.now()
        if self.chain is not None and self.chain.certificates[0] == signer:
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


def _granted_token(raw: bytes) -> bytes:
    status, token = read_response(raw)
    if status not in _GRANTED or token is None:
        raise TimestampRequestError(f"the authority refused: status {status}")
    return token


def verified_signer(message: SignedMessage) -> x509.Certificate:
    """Verify a token's own signature; give the certificate that made it.

    Raises:
        TokenRefused.
    """
    if message.digest not in _HASHES:
        raise TokenRefused("the token is signed with a weak hash")
    content = hashlib.new(message.digest, message.content or b"").digest()
    if not hmac.compare_digest(message.stated_digest, content):
        raise TokenRefused("the token's content was changed")
    for certificate in message.signers:
        if signature_holds(
            certificate.public_key(),
            message.signature,
            message.signed,
            _HASHES[message.digest],
            pss=message.pss,
            salt_length=message.salt_length,
        ):
            return certificate
    raise TokenRefused("the token's signature does not hold")


class TimestampAuthorities:
    """The configured authorities, the ones that failed lately last."""

    def __init__(
        self, config: SignerConfig, fetcher: Fetcher, chains: ChainBuilder, clock: Clock
    ) -> None:
        self._clock = clock
        self._clients = tuple(
            TimestampClient(url, fetcher, chains, clock, config.timestamp_timeout_s)
            for url in config.timestamp_urls
        )

    def in_order(self) -> tuple[TimestampClient, ...]:
        """The clients to try: configured order, resting ones at the end."""
        now = self._clock.now()
        if not self._clients:
            raise SigningUnavailable(
                "timestamp_not_configured",
                "Chưa cấu hình dịch vụ cấp dấu thời gian.",
                "no time-stamping authority is configured",
            )
        return tuple(
            sorted(
                self._clients, key=lambda c: c.resting_until is not None and now < c.resting_until
            )
        )


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
