"""Certificates as the evidence report names them: who, by whom, from when to when.

Identity and tax numbers (CCCD, MST) stand in the subject's serialNumber and UID of Vietnamese
certificates; people who read a report need to tell holders apart, not to learn the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Identity numbers (9 or 12 digits, also in threes) and tax numbers (10, or 10-3); no dates.
_NUMBER = re.compile(r"\d{10}-\d{3}|\d{3}(?:[ .]\d{3}){2,3}|\d{9,}")
_WORDS = {
    NameOID.COMMON_NAME: "",
    NameOID.TITLE: "chức vụ ",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "",
    NameOID.ORGANIZATION_NAME: "",
    NameOID.SERIAL_NUMBER: "số ",
    NameOID.USER_ID: "mã ",
}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate in words; nothing that names a person's numbers."""

    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime
    sha256: str


def read_certificate(der: bytes) -> CertificateFacts | None:
    """The facts of a certificate; None for bytes that are none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    return CertificateFacts(
        subject=_named(certificate.subject),
        issuer=_named(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def stamps_time(der: bytes) -> bool:
    """Whether a certificate is for time-stamping (RFC 3161 §2.3); False for bytes that are none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (ValueError, x509.ExtensionNotFound):
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in usage.value


def masked(text: str) -> str:
    """A text whose long numbers show their last three digits only."""
    return _NUMBER.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    digits = "".join(c for c in match[0] if c.isdigit())
    return "•" * (len(digits) - 3) + digits[-3:]


def _named(name: x509.Name) -> str:
    parts: Iterable[str] = (
        f"{word}{attribute.value!s}"
        for oid, word in _WORDS.items()
        for attribute in name.get_attributes_for_oid(oid)
    )
    return masked(", ".join(parts) or name.rfc4514_string())
