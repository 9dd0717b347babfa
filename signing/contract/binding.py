"""Which certificate an order must be signed with, where an authority to sign names one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CertificateBinding:
    """The one certificate that an authority names: by SHA-256, or by serial number and issuer.

    ``serial`` is hexadecimal in any usual writing; ``issuer`` the issuer's common name or its whole
    name by RFC 4514.
    """

    sha256: str | None = None
    serial: str | None = None
    issuer: str | None = None

    def fits(self, certificate: bytes) -> bool:
        """Whether a certificate (DER) is the one named; what names nothing fits nothing."""
        if self.sha256 is not None:
            return hashlib.sha256(certificate).hexdigest() == self.sha256.lower()
        if self.serial is None or self.issuer is None:
            return False
        from cryptography import x509  # noqa: PLC0415 - the contract opens without a parser

        try:
            read = x509.load_der_x509_certificate(certificate)
        except ValueError:
            return False
        common = [
            str(n.value) for n in read.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        ]
        issuers = {read.issuer.rfc4514_string(), *common}
        return self.issuer in issuers and f"{read.serial_number:x}" == plain_serial(self.serial)


def plain_serial(serial: str) -> str:
    """``00:5A 0B`` → ``5a0b``: the way serial numbers are compared."""
    return "".join(c for c in serial.lower() if c.isalnum()).removeprefix("0x").lstrip("0")
