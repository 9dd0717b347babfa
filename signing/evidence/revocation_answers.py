"""Reading OCSP answers and CRLs: what they say about one certificate, once they are believed.

Owns verifying an answer (who signed it, about whom, of which time) and the addresses that
certificates name. Leaves asking and keeping to ``revocation``. Follows RFC 6960 and RFC 5280 §6.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.evidence.eligibility import OCSP_SIGNING, has_extended_usage
from signing.evidence.signatures import UNREADABLE, signature_holds

SKEW = timedelta(seconds=60)
LONGEST_KEPT = timedelta(hours=1)


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
    reason: str | None = None  # of a revocation, by RFC 5280 §5.3.1


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
        return _read_ocsp(raw, certificate, issuer, now)
    except UNREADABLE as error:
        raise AnswerRefused(f"not an OCSP response ({type(error).__name__})") from None


def _read_ocsp(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Answer:
    response = ocsp.load_der_ocsp_response(raw)
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
    flag = single.revocation_reason
    return Answer(
        status,
        until,
        revoked_at=single.revocation_time_utc,
        ocsp=raw,
        reason=flag.value if flag is not None else None,
    )


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
    crl = load_crl(raw)
    if crl is None:
        raise AnswerRefused("not a CRL")
    try:
        return _look_up(raw, crl, certificate, issuer, now)
    except UNREADABLE as error:
        raise AnswerRefused(f"not a CRL ({type(error).__name__})") from None


def _look_up(
    raw: bytes,
    crl: x509.CertificateRevocationList,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    now: datetime,
) -> Answer:
    if crl.issuer != issuer.subject or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # CA keys of kinds that cannot sign fail the check
        raise AnswerRefused("the CRL is not the issuer's")
    until = _window(crl.last_update_utc, crl.next_update_utc, now)
    _check_scope(crl, certificate)
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    status = Status.GOOD if entry is None else Status.REVOKED
    revoked_at = None if entry is None else entry.revocation_date_utc
    # One list answers for many certificates: its bytes are kept once, not once for each.
    der = crl.public_bytes(Encoding.DER) if _is_pem(raw) else raw
    return Answer(status, until, revoked_at=revoked_at, crl=der, reason=_reason_of(entry))


def _reason_of(entry: x509.RevokedCertificate | None) -> str | None:
    if entry is None:
        return None
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, ValueError):  # none given, or none that can be read
        return None


def load_crl(raw: bytes) -> x509.CertificateRevocationList | None:
    """A list in either form, believed in nothing yet; None for what is none."""
    try:
        return x509.load_pem_x509_crl(raw) if _is_pem(raw) else x509.load_der_x509_crl(raw)
    except UNREADABLE:
        return None


def _is_pem(raw: bytes) -> bool:
    return b"-----BEGIN" in raw[:64]


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
