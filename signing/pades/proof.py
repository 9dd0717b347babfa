"""The check of our own work before it leaves: independent of the library that wrote it.

Reads the appended bytes with nothing but a pattern, asn1crypto and cryptography: the input comes
first unchanged; every signature that was announced is there, covers its whole revision, has the
digest of exactly those bytes, is signed by the expected certificate; every time-stamp is over the
bytes before it; the last one covers the whole file. Trust and time are ``signing.validation``'s.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from signing.contract import SigningError
from signing.evidence.signatures import signature_holds, stated_salt
from signing.evidence.timestamps import TokenRefused, verified_signer

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True, slots=True)
class _Signed:
    """One signature dictionary's bytes: the two ranges and the CMS message between them."""

    covered: bytes
    end: int
    message: cms.SignedData

    @property
    def is_timestamp(self) -> bool:
        return bool(self.message["encap_content_info"]["content_type"].native == "tst_info")


class ProofFailed(SigningError):
    """What was written does not verify; it must not leave the signer."""


def prove(before: bytes, after: bytes, certificate: x509.Certificate, signatures: int) -> None:
    """Verify a freshly signed file.

    Args:
        before: the file as it came.
        after: the file with our revisions.
        certificate: who must have signed.
        signatures: how many signatures (time-stamps not counted) were made.

    Raises:
        ProofFailed: code ``self_check_failed``.
    """
    try:
        _prove(before, after, certificate, signatures)
    except (ValueError, TypeError, KeyError, StopIteration, TokenRefused) as error:
        raise ProofFailed(
            "self_check_failed",
            "Bản ký vừa tạo không vượt qua bước tự kiểm tra nên đã bị hủy.",
            f"the signed file failed its own check: {error}",
        ) from error


def _prove(before: bytes, after: bytes, certificate: x509.Certificate, signatures: int) -> None:
    if len(after) <= len(before) or not hmac.compare_digest(after[: len(before)], before):
        raise ValueError("the input's bytes were changed")
    found = [_read(after, match) for match in _BYTE_RANGE.finditer(after, len(before))]
    made = [one for one in found if not one.is_timestamp]
    if len(made) != signatures:
        raise ValueError(f"{len(made)} signatures found, {signatures} made")
    for one in made:
        _check_signature(one, certificate)
    for one in found:
        if one.is_timestamp:
            _check_timestamp(one)
        if not after[: one.end].rstrip(b"\r\n").endswith(b"%%EOF"):
            raise ValueError("a signature does not cover its whole revision")
    last = max(one.end for one in found)
    # A B-LT file ends with a revision of validation data only, after the signature.
    if last != len(after) and b"/DSS" not in after[last:]:
        raise ValueError("something follows the last signature")


def _read(data: bytes, match: re.Match[bytes]) -> _Signed:
    start, length, second, rest = (int(part) for part in match.groups())
    gap = data[length:second]
    end = second + rest
    if start != 0 or end > len(data) or gap[:1] != b"<" or gap[-1:] != b">":
        raise ValueError("a byte range does not frame its signature")
    der = bytes.fromhex(gap[1:-1].decode("ascii"))
    message = cms.ContentInfo.load(der)  # zero padding after the message is ours
    return _Signed(data[:length] + data[second:end], end, message["content"])


def _check_signature(one: _Signed, certificate: x509.Certificate) -> None:
    (info,) = one.message["signer_infos"]
    attributes = {a["type"].native: a["values"][0] for a in info["signed_attrs"]}
    digest = hashlib.sha256(one.covered).digest()
    if info["digest_algorithm"]["algorithm"].native != "sha256":
        raise ValueError("the digest is not SHA-256")
    if not hmac.compare_digest(attributes["message_digest"].native, digest):
        raise ValueError("the digest is not the document's")
    der = certificate.public_bytes(Encoding.DER)
    (binding,) = attributes["signing_certificate_v2"]["certs"]
    if binding["cert_hash"].native != hashlib.sha256(der).digest():
        raise ValueError("the signature names another certificate")
    if not signature_holds(
        certificate.public_key(),
        info["signature"].native,
        info["signed_attrs"].untag().dump(),
        hashes.SHA256(),
        pss=info["signature_algorithm"].signature_algo == "rsassa_pss",
        salt_length=stated_salt(info["signature_algorithm"]),
    ):
        raise ValueError("the signature does not hold")


def _check_timestamp(one: _Signed) -> None:
    verified_signer(one.message)
    imprint = one.message["encap_content_info"]["content"].parsed["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if imprint["hashed_message"].native != hashlib.new(name, one.covered).digest():
        raise ValueError("the time-stamp is about other bytes")
