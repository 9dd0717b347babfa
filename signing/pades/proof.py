"""The check of our own work before it leaves: independent of whatever wrote it.

Reads the appended bytes with nothing but a pattern, a reader of signed messages and cryptography:
the input comes first unchanged; every signature that was announced is there, covers its whole
revision, has the digest of exactly those bytes, is signed by the expected certificate; every
time-stamp is over the bytes before it; the last one covers the whole file; the file's end leads to
its cross-references. Every byte is hashed once for all of this. Trust and time are
``signing.validation``'s.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from cryptography import x509

from signing.contract import SigningError
from signing.evidence.eligibility import encoded
from signing.evidence.messages import (
    SIGNING_CERTIFICATE_V2,
    SignedMessage,
    hash_name,
    read_message,
)
from signing.evidence.signatures import HASHES, signature_holds
from signing.evidence.timestamps import TokenRefused, verified_signer
from signing.reading import der

# a revision of validation data: the catalogue names its store, or the store itself is written anew
_VALIDATION_DATA = re.compile(rb"/(?:DSS|Certs|OCSPs|CRLs)\b")
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_END = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_CROSS_REFERENCES = re.compile(rb"xref\s|\d+ \d+ obj")


@dataclass(frozen=True, slots=True)
class _Signed:
    """One signature dictionary's bytes: the digest of what it covers, its end, its message.

    The digest is of the message's own kind (``algorithm``).
    """

    digest: bytes
    end: int
    message: SignedMessage
    algorithm: str


class ProofFailed(SigningError):
    """What was written does not verify; it must not leave the signer."""


def prove(before: bytes, after: bytes, certificate: x509.Certificate, signatures: int) -> str:
    """Verify a freshly signed file.

    Args:
        before: the file as it came.
        after: the file with our revisions.
        certificate: who must have signed.
        signatures: how many signatures (time-stamps not counted) were made.

    Returns:
        The file's SHA-256, hexadecimal.

    Raises:
        ProofFailed: code ``self_check_failed``.
    """
    if not after.startswith(before):
        raise _failed("the input's bytes were changed")
    return prove_appended(after, len(before), certificate, signatures)


def prove_appended(
    after: bytes | mmap,
    size_before: int,
    certificate: x509.Certificate,
    signatures: int,
    digest_before: bytes | None = None,
) -> str:
    """Verify what follows the first ``size_before`` bytes; see ``prove``.

    ``digest_before`` is the SHA-256 that those bytes must have, where it was not compared already.
    """
    try:
        return _prove(after, size_before, certificate, signatures, digest_before)
    except (ValueError, TypeError, KeyError, IndexError, TokenRefused) as error:
        raise _failed(str(error)) from error


def prove_extension(before: bytes, after: bytes, stamps: int) -> None:
    """Verify a file to which proof alone was added: document time-stamps, validation data.

    Args:
        before: the file as it came.
        after: the file with our revisions; the same bytes when there was nothing to add.
        stamps: how many document time-stamps were added.

    Raises:
        ProofFailed: code ``self_check_failed``.
    """
    if not after.startswith(before):
        raise _failed("the input's bytes were changed")
    try:
        _prove_extension(after, len(before), stamps)
    except (ValueError, TypeError, KeyError, IndexError, TokenRefused) as error:
        raise _failed(str(error)) from error


def _failed(reason: str) -> ProofFailed:
    return ProofFailed(
        "self_check_failed",
        "Bản ký vừa tạo không vượt qua bước tự kiểm tra nên đã bị hủy.",
        f"the signed file failed its own check: {reason}",
    )


def _prove_extension(after: bytes, size_before: int, stamps: int) -> None:
    found, position = [], size_before
    for match in _BYTE_RANGE.finditer(after, size_before):
        length, second, end = _spans(after, match, position)
        position, message = length, _message(after, length, second)
        algorithm = _algorithm(message)
        digest = hashlib.new(algorithm, after[:length] + after[second:end]).digest()
        found.append(_Signed(digest, end, message, algorithm))
    if len(found) != stamps or not all(one.message.is_timestamp for one in found):
        raise ValueError(f"{len(found)} signatures found, {stamps} time-stamps made")
    for one in found:
        _check_timestamp(one)
        _check_end(after, one.end)
    last = max((one.end for one in found), default=size_before)
    if last != len(after):
        if not _VALIDATION_DATA.search(after, last):
            raise ValueError("something else was added")
        _check_end(after, len(after))


def _prove(
    after: bytes | mmap,
    size_before: int,
    certificate: x509.Certificate,
    signatures: int,
    digest_before: bytes | None,
) -> str:
    if len(after) <= size_before:
        raise ValueError("nothing was appended")
    with memoryview(after) as view:
        state = hashlib.sha256(view[:size_before])
        if digest_before is not None and not hmac.compare_digest(state.digest(), digest_before):
            raise ValueError("the input's bytes were changed")
        position, found = size_before, []
        for match in _BYTE_RANGE.finditer(after, size_before):
            length, second, end = _spans(after, match, position)
            state.update(view[position:length])
            position = length
            message = _message(after, length, second)
            algorithm = _algorithm(message)
            covered = _read_before(state, algorithm, view[:length])
            covered.update(view[second:end])
            found.append(_Signed(covered.digest(), end, message, algorithm))
        state.update(view[position:])
    _check_found(after, found, certificate, signatures)
    return state.hexdigest()


def _algorithm(message: SignedMessage) -> str:
    """By which digest a message speaks of the bytes around it."""
    name = message.time_stamp.digest if message.is_timestamp else message.digest
    if name not in HASHES:
        raise ValueError("the digest is none of SHA-256, SHA-384, SHA-512")
    return name


def _read_before(state: Any, algorithm: str, before: memoryview) -> Any:
    """A hash that has read what precedes a message: nearly always the one that runs along."""
    return state.copy() if algorithm == "sha256" else hashlib.new(algorithm, before)


def _spans(data: bytes | mmap, match: re.Match[bytes], position: int) -> tuple[int, int, int]:
    start, length, second, rest = (int(part) for part in match.groups())
    end = second + rest
    if start != 0 or not position <= length < second <= end <= len(data):
        raise ValueError("a byte range does not lie on the file")
    return length, second, end


def _message(data: bytes | mmap, length: int, second: int) -> SignedMessage:
    gap = data[length:second]
    if gap[:1] != b"<" or gap[-1:] != b">":
        raise ValueError("a byte range does not frame its signature")
    return read_message(bytes.fromhex(gap[1:-1].decode("ascii")))  # zero padding follows it


def _check_found(
    after: bytes | mmap, found: list[_Signed], certificate: x509.Certificate, signatures: int
) -> None:
    made = [one for one in found if not one.message.is_timestamp]
    if len(made) != signatures:
        raise ValueError(f"{len(made)} signatures found, {signatures} made")
    for one in found:
        if one.message.is_timestamp:
            _check_timestamp(one)
        else:
            _check_signature(one, certificate)
        _check_end(after, one.end)
    last = max(one.end for one in found)
    # A B-LT file ends with a revision of validation data only, after the signature.
    if last != len(after):
        if not _VALIDATION_DATA.search(after, last):
            raise ValueError("something follows the last signature")
        _check_end(after, len(after))


def _check_end(after: bytes | mmap, end: int) -> None:
    """A revision must end with the way to its own cross-references."""
    tail = _END.search(after[max(0, end - 64) : end])
    if tail is None or _CROSS_REFERENCES.match(after, int(tail[1])) is None:
        raise ValueError("a signature does not cover its whole revision")


def _check_signature(one: _Signed, certificate: x509.Certificate) -> None:
    message = one.message
    if not hmac.compare_digest(message.stated_digest, one.digest):
        raise ValueError("the digest is not the document's")
    name, fingerprint = _bound_certificate(message)
    if not hmac.compare_digest(fingerprint, hashlib.new(name, encoded(certificate)).digest()):
        raise ValueError("the signature names another certificate")
    if not signature_holds(
        certificate.public_key(),
        message.signature,
        message.signed,
        HASHES[one.algorithm],
        pss=message.pss,
        salt_length=message.salt_length,
    ):
        raise ValueError("the signature does not hold")


def _bound_certificate(message: SignedMessage) -> tuple[str, bytes]:
    """Digest and fingerprint in signing-certificate-v2 (RFC 5035); there must be one only."""
    value = der.read(message.attributes[SIGNING_CERTIFICATE_V2]).expect(der.SEQUENCE)
    (identifier,) = value.children()[0].expect(der.SEQUENCE).children()
    first, *rest = identifier.children()
    if first.tag == der.SEQUENCE:  # left out for SHA-256
        return hash_name(first), rest[0].expect(der.OCTETS).content
    return "sha256", first.expect(der.OCTETS).content


def _check_timestamp(one: _Signed) -> None:
    verified_signer(one.message)
    if not hmac.compare_digest(one.message.time_stamp.imprint, one.digest):
        raise ValueError("the time-stamp is about other bytes")
