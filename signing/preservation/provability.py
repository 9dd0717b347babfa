"""Until when a file's signatures can be proven, and what ends it.

Owns the reckoning, by structure: the newest time-stamp over a signature and its revocation data
carries it until that time-stamp's certificate or algorithms end; without revocation data the
signer's own certificate ends it, because nobody answers for expired certificates. Which algorithm
ends when is the operator's dated table (ETSI TS 119 312 gives the advice).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing.clock import VIETNAM
from signing.contract import DocumentRefused, Level, Provability, VoidStamps
from signing.preservation.holding import HeldSignature, Holding, Stamp, read_holding

AlgorithmEnds = tuple[tuple[str, datetime], ...]
Void = tuple[VoidStamps, ...]

_WHY = {
    "signer_certificate": "sau đó chứng thư số của người ký hết hạn",
    "timestamp_certificate": "sau đó chứng thư của dịch vụ cấp dấu thời gian hết hạn",
    "timestamp_revoked": (
        "dấu thời gian có thể chứng minh lâu hơn không còn giá trị, vì chứng thư của dịch vụ cấp"
        " dấu thời gian đã bị thu hồi"
    ),
    "algorithm": "sau đó thuật toán không còn được coi là an toàn",
}


@dataclass(frozen=True, slots=True, order=True)
class _End:
    at: datetime
    reason: str


def provability_of(pdf: bytes, ends: AlgorithmEnds, void: Void = ()) -> Provability:
    """Reckon for a file of any origin; a refusal becomes an answer without an end.

    Args:
        pdf: any bytes at all.
        ends: algorithm name (``sha256``, ``rsa-2048``: RSA keys up to 2048 bits, ``ec-256``) →
            the moment after which nothing is proven by it.
        void: time-stamps that prove nothing.
    """
    try:
        holding = read_holding(pdf)
    except DocumentRefused as refusal:
        return Provability(None, refusal.code, refusal.message_vi, None)
    return provability_of_holding(holding, ends, void)


def provability_of_holding(holding: Holding, ends: AlgorithmEnds, void: Void = ()) -> Provability:
    """The first end among the signatures is the file's."""
    first = min(_end_of(signature, ends, void) for signature in holding.signatures)
    day = first.at.astimezone(VIETNAM).strftime("%d.%m.%Y")
    detail = f"Chứng minh được đến ngày {day}: {_WHY[first.reason]}."
    return Provability(first.at.astimezone(UTC), first.reason, detail, holding.level)


def _end_of(signature: HeldSignature, ends: AlgorithmEnds, void: Void) -> _End:
    """What ends the proof of one signature; told apart where a void time-stamp would carry it."""
    every = _end_by(signature, signature.stamps, ends)
    believed = tuple(stamp for stamp in signature.stamps if not _is_void(stamp, void))
    if len(believed) == len(signature.stamps):
        return every
    end = _end_by(signature, believed, ends)
    return every if end == every else _End(end.at, "timestamp_revoked")


def _end_by(signature: HeldSignature, stamps: tuple[Stamp, ...], ends: AlgorithmEnds) -> _End:
    own = _Ends(signature.signer, (signature.digest,), "signer_certificate")
    newest = max((_stamp_end(stamp, ends) for stamp in stamps), default=None)
    if newest is None:
        return own.first(ends)
    if signature.level.rank >= Level.B_LT.rank:
        return newest
    return min(newest, own.certificate_end())


def _is_void(stamp: Stamp, void: Void) -> bool:
    if not void:
        return False
    digest = stamp.signer.fingerprint(hashes.SHA256()).hex()
    return any(
        one.certificate_sha256 == digest and (one.since is None or stamp.time >= one.since)
        for one in void
    )


def _stamp_end(stamp: Stamp, ends: AlgorithmEnds) -> _End:
    return _Ends(stamp.signer, stamp.digests, "timestamp_certificate").first(ends)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Everything that ends what one certificate proves."""

    certificate: x509.Certificate
    digests: tuple[str, ...]
    reason: str

    def certificate_end(self) -> _End:
        return _End(self.certificate.not_valid_after_utc, self.reason)

    def first(self, ends: AlgorithmEnds) -> _End:
        algorithms = (_End(at, "algorithm") for at in self._algorithm_ends(ends))
        return min([self.certificate_end(), *algorithms])

    def _algorithm_ends(self, ends: AlgorithmEnds) -> Iterator[datetime]:
        kind, bits = _strength(self.certificate)
        for name, at in ends:
            family, _, size = name.partition("-")
            if name in self.digests or (family == kind and size.isdigit() and bits <= int(size)):
                yield at


def _strength(certificate: x509.Certificate) -> tuple[str, int]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    return ("ec", key.key_size) if isinstance(key, ec.EllipticCurvePublicKey) else ("", 0)
