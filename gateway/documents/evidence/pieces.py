"""The parts of a bundle that other programs check: the document, each CMS and token, the chain.

Owns their names in the ZIP and which certificate issued which. Leaves the words to ``guide`` and
reading the document to the signing service, in a process without keys: what comes from there is
only bytes to be written down.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.contract import SignaturePiece, SignedPieces

MOST_PDF = 32 * 1024 * 1024  # bytes of a document that a bundle still holds
_HASHES = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_HEX = re.compile(r"[0-9a-f]{40,128}")
ROOTS, BETWEEN = "chain/roots.pem", "chain/intermediates.pem"


@dataclass(frozen=True, slots=True)
class Answer:
    """One OCSP answer or CRL: its file, whom it is about, who issued them, when it was made."""

    name: str
    about: str  # file of the certificate; empty for a CRL
    issuer: str  # file of the issuer's certificate
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Chain:
    """Every certificate by its file; ``whole``: some root is among them."""

    files: Mapping[str, x509.Certificate]
    anchors: tuple[x509.Certificate, ...]
    whole: bool

    def named(self, certificate: x509.Certificate) -> str:
        """Its file."""
        return certificate_name(certificate.public_bytes(Encoding.DER))

    def issuer_of(self, name: x509.Name) -> x509.Certificate | None:
        """A certificate of that subject."""
        return next((c for c in self.files.values() if c.subject == name), None)

    def pems(self) -> Iterable[tuple[str, bytes]]:
        """What openssl is told to trust, what lies between, and each certificate by itself."""
        between = [c for c in self.files.values() if c not in self.anchors]
        yield ROOTS, b"".join(c.public_bytes(Encoding.PEM) for c in self.anchors)
        yield BETWEEN, b"".join(c.public_bytes(Encoding.PEM) for c in between or self.anchors)
        for name, one in self.files.items():
            yield name, one.public_bytes(Encoding.PEM)


def chain_of(certificates: Iterable[bytes]) -> Chain:
    """Sort certificates (DER) into what to trust and what lies between; others are left out."""
    files = {}
    for der in sorted(set(certificates)):
        try:
            files[certificate_name(der)] = x509.load_der_x509_certificate(der)
        except ValueError:
            continue
    roots = tuple(c for c in files.values() if c.subject == c.issuer)
    subjects = {c.subject for c in files.values()}
    highest = tuple(c for c in files.values() if c.issuer not in subjects)
    return Chain(files, roots or highest, bool(roots))


def certificate_name(der: bytes) -> str:
    """``certificates/<SHA-256>.pem``."""
    return f"certificates/{_sha256(der)}.pem"


def token_name(token: bytes) -> str:
    """``timestamps/<SHA-256>.tst``."""
    return f"timestamps/{_sha256(token)}.tst"


def signature_stem(position: int) -> str:
    """``signatures/01``, from 1, in the order of the document's bytes."""
    return f"signatures/{position:02d}"


def document_name(revision: int) -> str:
    """``document/revision-05.pdf``."""
    return f"document/revision-{revision:02d}.pdf"


def files_of_pieces(pieces: SignedPieces) -> Iterable[tuple[str, bytes]]:
    """Every CMS, raw signature, token, OCSP answer and CRL of the document, by name."""
    for position, one in enumerate(pieces.signatures, 1):
        if one.is_archive:
            yield token_name(one.cms), one.cms
            continue
        yield f"{signature_stem(position)}.p7s", one.cms
        yield f"{signature_stem(position)}.value", one.value
        for token in one.timestamps:
            yield token_name(token), token
    for raw in pieces.ocsps:
        yield f"ocsp/{_sha256(raw)}.der", raw
    for raw in pieces.crls:
        yield f"crl/{_sha256(raw)}.crl", raw


def sound(pieces: SignedPieces) -> SignedPieces:
    """Only what may be written into commands: the reader of a hostile file is not believed."""
    kept = tuple(one for one in pieces.signatures if _is_sound(one))
    names = [one.field_name for one in pieces.signatures if not _is_sound(one)]
    return replace(pieces, signatures=kept, unreadable=(*pieces.unreadable, *names))


def _is_sound(one: SignaturePiece) -> bool:
    numbers = [number for span in one.spans for number in span]
    return (
        one.digest_algorithm in _HASHES
        and _HEX.fullmatch(one.digest) is not None
        and bool(numbers)
        and all(type(number) is int and number >= 0 for number in numbers)
    )


def described(pieces: SignedPieces) -> list[dict[str, object]]:
    """What the manifest says of each signature: spans, digest, files."""
    return [_described(position, one) for position, one in enumerate(pieces.signatures, 1)]


def _described(position: int, one: SignaturePiece) -> dict[str, object]:
    cms = token_name(one.cms) if one.is_archive else f"{signature_stem(position)}.p7s"
    return {
        "number": position,
        "field_name": one.field_name,
        "kind": "archive_timestamp" if one.is_archive else "signature",
        "signed_bytes": [{"offset": start, "length": length} for start, length in one.spans],
        "digest_algorithm": one.digest_algorithm,
        "digest": one.digest,
        "cms": cms,
        "timestamps": [token_name(token) for token in one.timestamps],
    }


def ocsp_answers(raws: Iterable[tuple[str, bytes]], chain: Chain) -> Sequence[Answer]:
    """OCSP answers whose certificate and issuer are in the bundle; (file, bytes) each."""
    found = []
    for name, raw in raws:
        try:
            response = ocsp.load_der_ocsp_response(raw)
            serial, made_at = response.serial_number, response.produced_at_utc
        except ValueError:  # several answers in one, or none
            continue
        for about in chain.files.values():
            issuer = chain.issuer_of(about.issuer)
            if about.serial_number == serial and issuer is not None:
                found.append(Answer(name, chain.named(about), chain.named(issuer), made_at))
                break
    return found


def crl_answers(raws: Iterable[tuple[str, bytes]], chain: Chain) -> Sequence[Answer]:
    """CRLs whose issuer is in the bundle; (file, bytes) each."""
    found = []
    for name, raw in raws:
        try:
            crl = x509.load_der_x509_crl(raw)
        except ValueError:
            continue
        issuer = chain.issuer_of(crl.issuer)
        if issuer is not None:
            found.append(Answer(name, "", chain.named(issuer), crl.last_update_utc))
    return found


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
