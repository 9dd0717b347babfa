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
from collections.abc import Iterator
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
from signing.evidence.signatures import signature_holds, stated_salt

log = logging.getLogger(__name__)

TIME_TOLERANCE = timedelta(minutes=5)
REST_AFTER_FAILURE = timedelta(seconds=60)
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
        """Send one request."""
        try:
            raw = await self._fetcher.post(self.url, req.dump(), _HEADERS, self._timeout_s)
        except FetchFailed as error:
            raise TimestampRequestError(f"time-stamping authority: {error}") from error
        return tsp.TimeStampResp.load(raw)

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Get a token and check it.

        Raises:
            TimestampRequestError: no answer, a refusal, or (``TokenRefused``) a lie.
        """
        nonce, request = self.request_cms(message_digest, md_algorithm)  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        try:
            response = await self.async_request_tsa_response(request)
            token = _granted_token(response)
            self._check(token, message_digest, md_algorithm, nonce)
        except TimestampRequestError:
            self.resting_until = self._clock.now() + REST_AFTER_FAILURE
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.resting_until = self._clock.now() + REST_AFTER_FAILURE
            raise TokenRefused("the answer is not a time-stamp") from error
        if md_algorithm not in self._dummy_response_cache:
            self._register_dummy(md_algorithm, token)  # type: ignore[no-untyped-call]  # pyHanko's is untyped
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

    def _check(
        self, token: cms.ContentInfo, digest: bytes, md_algorithm: str, nonce: int | None
    ) -> None:
        signed = token["content"]
        info = signed["encap_content_info"]["content"].parsed
        imprint = info["message_imprint"]
        if imprint["hash_algorithm"]["algorithm"].native != md_algorithm or not hmac.compare_digest(
            imprint["hashed_message"].native, digest
        ):
            raise TokenRefused("the token is about other data")
        if nonce is not None and info["nonce"].native != nonce:
            raise TokenRefused("the token carries another nonce")
        if abs(info["gen_time"].native - self._clock.now()) > TIME_TOLERANCE:
            raise TokenRefused("the token's time is not the present")
        signer = verified_signer(signed)
        self._trust(signer, tuple(embedded_certificates(signed)))

    def _trust(self, signer: x509.Certificate, extra: tuple[x509.Certificate, ...]) -> None:
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
        chain = self._chains.build(signer, now, extra)
        if chain is None:
            raise TokenRefused("the authority is not trusted")
        self.chain = chain


def _granted_token(response: tsp.TimeStampResp) -> cms.ContentInfo:
    status = response["status"]["status"].native
    if status not in ("granted", "granted_with_mods"):
        raise TimestampRequestError(f"the authority refused: {status}")
    return response["time_stamp_token"]


def embedded_certificates(signed: cms.SignedData) -> Iterator[x509.Certificate]:
    """The certificates a CMS message carries."""
    for choice in signed["certificates"]:
        if choice.name == "certificate":
            yield x509.load_der_x509_certificate(choice.chosen.dump())


def verified_signer(signed: cms.SignedData) -> x509.Certificate:
    """Verify a token's own signature; give the certificate that made it.

    Raises:
        TokenRefused.
    """
    (info,) = signed["signer_infos"]
    attributes = info["signed_attrs"]
    digest_name = info["digest_algorithm"]["algorithm"].native
    content = signed["encap_content_info"]["content"].contents
    stated = next(a["values"][0].native for a in attributes if a["type"].native == "message_digest")
    if digest_name not in _HASHES:
        raise TokenRefused("the token is signed with a weak hash")
    if not hmac.compare_digest(stated, hashlib.new(digest_name, content).digest()):
        raise TokenRefused("the token's content was changed")
    sid = info["sid"].chosen
    for certificate in embedded_certificates(signed):
        if certificate.serial_number == sid["serial_number"].native and signature_holds(
            certificate.public_key(),
            info["signature"].native,
            attributes.untag().dump(),
            _HASHES[digest_name],
            pss=info["signature_algorithm"].signature_algo == "rsassa_pss",
            salt_length=stated_salt(info["signature_algorithm"]),
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
