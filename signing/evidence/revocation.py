"""Is a certificate still good? OCSP first, then the CRL, kept until they are out of date.

Owns asking (addresses come from certificates already chained to our roots, through the fetch
allow-list), verifying every answer, and the cache, bounded by ``nextUpdate`` and one hour.
Leaves the policy for an unknown answer to ``signing.service``. Follows RFC 6960 and RFC 5280 §6.3.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.contract import Clock, SigningUnavailable
from signing.evidence.eligibility import (
    OCSP_SIGNING,
    TrustedChain,
    has_extended_usage,
)
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.signatures import signature_holds
from signing.evidence.single_flight import SingleFlight

log = logging.getLogger(__name__)

SKEW = timedelta(seconds=60)
LONGEST_KEPT = timedelta(hours=1)
FETCH_TIMEOUT_S = 15.0


class Status(StrEnum):
    """What the issuer says about one certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # nobody could be asked, or nobody's answer could be believed


@dataclass(frozen=True, slots=True)
class Answer:
    """One verified answer and its proof, ready to be embedded."""

    status: Status
    valid_until: datetime
    revoked_at: datetime | None = None
    ocsp: bytes | None = None
    crl: bytes | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a whole chain."""

    status: Status
    revoked_at: datetime | None
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]


class RevocationChecker:
    """Asks and remembers, for one signing service."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._answers: dict[tuple[bytes, bytes], Answer] = {}
        self._asking: SingleFlight[Answer] = SingleFlight()
        self._loading: SingleFlight[bytes] = SingleFlight()

    async def check(self, chain: TrustedChain) -> Evidence:
        """Judge every certificate below the root; the worst answer is the chain's."""
        links = zip(chain.link_names, chain.links, strict=True)
        return _together(tuple([await self._check_one(name, *link) for name, link in links]))

    async def _check_one(
        self, name: tuple[bytes, bytes], certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Answer:
        kept = self._answers.get(name)
        if kept is not None and self._clock.now() < kept.valid_until:
            return kept
        answer = await self._asking.do(name, lambda: self._ask(certificate, issuer))
        if answer.status is not Status.UNKNOWN:
            self._answers[name] = answer
        return answer

    async def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Answer:
        for url in ocsp_urls(certificate):
            answer = await self._ask_ocsp(url, certificate, issuer)
            if answer is not None:
                return answer
        for url in crl_urls(certificate):
            answer = await self._ask_crl(url, certificate, issuer)
            if answer is not None:
                return answer
        return Answer(Status.UNKNOWN, self._clock.now())

    async def _ask_ocsp(
        self, url: str, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Answer | None:
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - RFC 6960 names issuers by SHA-1; nothing is trusted by it
        request = builder.build().public_bytes(Encoding.DER)
        headers = {
            "Content-Type": "application/ocsp-request",
            "Accept": "application/ocsp-response",
        }
        try:
            raw = await self._fetcher.post(url, request, headers, FETCH_TIMEOUT_S)
            return read_ocsp(raw, certificate, issuer, self._clock.now())
        except (FetchFailed, AnswerRefused) as error:
            log.warning("ocsp answer not usable: %s", error)
            return None

    async def _ask_crl(
        self, url: str, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> Answer | None:
        try:
            raw = await self._loading.do(url, lambda: self._fetcher.get(url, FETCH_TIMEOUT_S))
            return read_crl(raw, certificate, issuer, self._clock.now())
        except (FetchFailed, AnswerRefused) as error:
            log.warning("crl not usable: %s", error)
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
    )


class AnswerRefused(Exception):
    """An OCSP answer or CRL that proves nothing: forged, stale, or about something else."""


def read_ocsp(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Answer:
    """Believe an OCSP answer only when its responder speaks for the issuer.

    Raises:
        AnswerRefused: not successful, another certificate, stale, or signed by a stranger.
    """
    try:
        response = ocsp.load_der_ocsp_response(raw)
    except ValueError:
        raise AnswerRefused("not an OCSP response") from None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise AnswerRefused(f"responder says {response.response_status.name}")
    _check_responder(response, issuer, now)
    single = _single_for(response, certificate, issuer)
    until = _window(single.this_update_utc, single.next_update_utc, now)
    status = {
        ocsp.OCSPCertStatus.GOOD: Status.GOOD,
        ocsp.OCSPCertStatus.REVOKED: Status.REVOKED,
    }.get(single.certificate_status)
    if status is None:
        raise AnswerRefused("the responder does not know the certificate")
    return Answer(status, until, revoked_at=single.revocation_time_utc, ocsp=raw)


def _single_for(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    for single in response.responses:
        expected = (
            ocsp.OCSPRequestBuilder()
            .add_certificate(certificate, issuer, single.hash_algorithm)
            .build()
        )
        if (
            single.serial_number == certificate.serial_number
            and single.issuer_key_hash == expected.issuer_key_hash
            and single.issuer_name_hash == expected.issuer_name_hash
        ):
            return single
    raise AnswerRefused("the answer is about another certificate")


def _check_responder(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    algorithm = response.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.SHA1 | hashes.MD5):
        raise AnswerRefused("the answer is signed with a weak hash")
    for responder in (issuer, *response.certificates):
        if signature_holds(
            responder.public_key(),
            response.signature,
            response.tbs_response_bytes,
            algorithm,
            pss=response.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10",
        ) and (responder == issuer or _speaks_for(responder, issuer, now)):
            return
    raise AnswerRefused("the answer is signed by a stranger")


def _speaks_for(responder: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    if not has_extended_usage(responder, OCSP_SIGNING):
        return False
    if not responder.not_valid_before_utc <= now <= responder.not_valid_after_utc:
        return False
    try:
        responder.verify_directly_issued_by(issuer)
    except Exception:
        return False
    return True


def read_crl(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Answer:
    """Look a certificate up in its issuer's revocation list (DER, or PEM as rootca.gov.vn serves).

    Raises:
        AnswerRefused: not a CRL of this issuer, out of date, or not made for this certificate.
    """
    try:
        pem = b"-----BEGIN" in raw[:64]
        crl = x509.load_pem_x509_crl(raw) if pem else x509.load_der_x509_crl(raw)
    except ValueError:
        raise AnswerRefused("not a CRL") from None
    if crl.issuer != issuer.subject or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # CA keys of kinds that cannot sign fail the check
        raise AnswerRefused("the CRL is not the issuer's")
    until = _window(crl.last_update_utc, crl.next_update_utc, now)
    _check_scope(crl, certificate)
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    status = Status.GOOD if entry is None else Status.REVOKED
    revoked_at = None if entry is None else entry.revocation_date_utc
    return Answer(status, until, revoked_at=revoked_at, crl=crl.public_bytes(Encoding.DER))


def _check_scope(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> None:
    """Refuse a partial list: not being on it says nothing (RFC 5280 §5.2.4, §5.2.5, §6.3.3)."""
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            if not _is_within(value, certificate):
                raise AnswerRefused("the CRL is for other certificates")
        elif isinstance(value, x509.DeltaCRLIndicator) or (
            extension.critical and isinstance(value, x509.UnrecognizedExtension)
        ):
            raise AnswerRefused("the CRL is not a whole one")


def _is_within(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if point.indirect_crl or point.only_contains_attribute_certs or point.only_some_reasons:
        return False
    is_ca = _is_ca(certificate)
    if point.only_contains_user_certs if is_ca else point.only_contains_ca_certs:
        return False
    named = {
        name.value
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    }
    return not named or not named.isdisjoint(crl_urls(certificate))


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _window(start: datetime, end: datetime | None, now: datetime) -> datetime:
    """Check that an answer speaks of now; say how long it may be kept."""
    if start > now + SKEW:
        raise AnswerRefused("the answer is from the future")
    if end is None:
        raise AnswerRefused("the answer does not say how long it holds")
    if end < now:
        raise AnswerRefused("the answer is out of date")
    return min(end, now + LONGEST_KEPT)


def ocsp_urls(certificate: x509.Certificate) -> Iterable[str]:
    """The OCSP addresses a certificate names (never its caIssuers)."""
    try:
        access = certificate.extensions.get_extension_for_class(
            x509.AuthorityInformationAccess
        ).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        entry.access_location.value
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    )


def crl_urls(certificate: x509.Certificate) -> Iterable[str]:
    """The CRL addresses a certificate names."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )


def status_unknown() -> SigningUnavailable:
    """What is said when nobody could be asked and the level needs an answer."""
    return SigningUnavailable(
        "revocation_unavailable",
        "Chưa kiểm tra được tình trạng thu hồi của chứng thư số (OCSP, CRL đều không trả lời);"
        " văn bản chưa được ký.",
        "neither OCSP nor CRL could be asked",
    )
