"""Whom and what validation trusts: roots, chains and algorithms.

Owns the trust policy handed to pyHanko's EN 319 102-1 engine (offline: nothing is ever fetched)
and the translation of its sub-indications into the certificate states people read. Leaves running
the engine to ``signature_judgement``. Algorithms follow TT 15/2025/TT-BKHCN, annex I.

Revocation is required for signers' certificates. For time-stamping servers it is judged by what
the file carries and tolerated when missing or stale, because the newest archive time-stamp can
never carry later news about itself; the answer discloses this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import cms, pem, x509
from cryptography import exceptions as pyca
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_der_x509_certificate
from pyhanko.sign.diff_analysis import DiffPolicy
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.fetchers import FetcherBackend, Fetchers
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing.contract import TrustAnchor
from signing.validation.reasons import AlgorithmRemark, CertificateStatus

ACCEPTED_DIGESTS: Final = frozenset(
    {"sha256", "sha384", "sha512", "sha512_256", "sha3_256", "sha3_384", "sha3_512", "shake256"}
)
_MINIMUM_RSA_BITS = 2048
_MINIMUM_EC_BITS = 256

# Extended key usages that have nothing to do with what people sign (RFC 5280, 4.2.1.12).
_OTHER_PURPOSES: Final = frozenset({"server_auth", "code_signing", "time_stamping", "ocsp_signing"})

_MAX_CHAIN = 8
_MAX_CANDIDATES = 100

_TOLERANT = RevocationCheckingPolicy(
    RevocationCheckingRule.CHECK_IF_DECLARED_SOFT, RevocationCheckingRule.CHECK_IF_DECLARED_SOFT
)


class _NoFetching(FetcherBackend):
    """A backend that cannot reach anything, whatever a policy elsewhere may say."""

    def get_fetchers(self) -> Fetchers:
        raise NotImplementedError("validation is offline")

    async def close(self) -> None:
        """Nothing to close."""


# ------------------------------------------------------------------ roots and policy


def anchor_kinds(anchors: tuple[TrustAnchor, ...]) -> dict[bytes, str]:
    """SHA-256 of a root → its kind in the contract's words; garbage raises ValueError."""
    return {
        certificate.sha256: anchor.kind.value
        for anchor in anchors
        for certificate in load_roots((anchor.certificate,))
    }


@lru_cache(32)
def load_roots(roots: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """Certificates out of DER or PEM blobs (a PEM may hold several); garbage raises ValueError.

    Kept, with what the library works out of them once: a service asks for the same roots always.
    """
    certificates = []
    for blob in roots:
        if pem.detect(blob):
            ders = [der for _, _, der in pem.unarmor(blob, multiple=True)]
        else:
            ders = [blob]
        for der in ders:
            certificate = x509.Certificate.load(der, strict=True)
            _ = certificate.subject.hashable  # parse now: a bad root must fail here
            certificates.append(certificate)
    return tuple(certificates)


def validation_policy(
    roots: Sequence[x509.Certificate],
    diff_policy: DiffPolicy,
    knowledge: LocalKnowledge | None = None,
) -> PdfSignatureValidationSpec:
    """The engine's settings: these roots, nothing fetched, signers' revocation required."""
    trust = SimpleTrustManager.build(trust_roots=list(roots))
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=trust, revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO)
            ),
            ts_cert_validation_policy=CertValidationPolicySpec(
                trust_manager=trust, revinfo_policy=CertRevTrustPolicy(_TOLERANT)
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
                fetcher_backend=_NoFetching(),
            ),
            local_knowledge=knowledge or LocalKnowledge(),
        ),
        diff_policy=diff_policy,
    )


def find_anchor(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> x509.Certificate | None:
    """The root that a chain of true signatures leads to, whatever its dates and algorithms.

    Says only whose tree a certificate belongs to; never makes a signature valid.
    """
    known = {root.sha256: root for root in roots}
    last, candidates = certificate, [*roots, *others[:_MAX_CANDIDATES]]
    for _ in range(_MAX_CHAIN):
        if last.sha256 in known:
            return known[last.sha256]
        issuer = next((c for c in candidates if c is not last and _issued(c, last)), None)
        if issuer is None:
            return None
        last = issuer
    return None


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject.dump() != certificate.issuer.dump() or not issuer.ca:
        return False
    try:
        load_der_x509_certificate(certificate.dump()).verify_directly_issued_by(
            load_der_x509_certificate(issuer.dump())
        )
    except (ValueError, TypeError, pyca.InvalidSignature, pyca.UnsupportedAlgorithm):
        return False
    return True


def may_sign_documents(certificate: x509.Certificate) -> bool:
    """Whether a certificate was issued for signatures of people or agencies.

    Key usage, where it says anything, must name signatures or non-repudiation; extended usages,
    where there are any, must name more than servers, code, time-stamps and OCSP. The engine asks
    for neither by itself.
    """
    usage, extended = certificate.key_usage_value, certificate.extended_key_usage_value
    if usage is not None and not usage.native & {"digital_signature", "non_repudiation"}:
        return False
    return extended is None or not set(extended.native) <= _OTHER_PURPOSES


def timing_at(now: datetime) -> ValidationTimingInfo:
    """Judge as of ``now``; nothing is known to be older."""
    return ValidationTimingInfo(
        validation_time=now, best_signature_time=now, point_in_time_validation=False
    )


# ------------------------------------------------------------------ certificate states

_STATUS_BY_SUB_INDICATION: Final[dict[str, CertificateStatus]] = {
    "OK": "good",
    "REVOKED": "revoked",
    "REVOKED_NO_POE": "revoked",
    "REVOKED_CA_NO_POE": "revoked",
    "EXPIRED": "expired",
    "NOT_YET_VALID": "not_yet_valid",
    "NO_CERTIFICATE_CHAIN_FOUND": "untrusted",
    "NO_SIGNING_CERTIFICATE_FOUND": "untrusted",
    "CHAIN_CONSTRAINTS_FAILURE": "untrusted",
}


def certificate_status(
    sub_indication: str, certificate: x509.Certificate, at: datetime, *, trusted: bool
) -> CertificateStatus:
    """The certificate's state in the contract's words.

    Args:
        sub_indication: the engine's EN 319 102-1 name, ``OK`` when it passed.
        certificate: the signer's.
        at: the best known time of the signature.
        trusted: whether a chain to a configured root exists.
    """
    status = _STATUS_BY_SUB_INDICATION.get(sub_indication, "unknown")
    if status != "unknown":
        return status
    if not trusted:
        return "untrusted"
    if at < certificate.not_valid_before:
        return "not_yet_valid"
    if at > certificate.not_valid_after:
        return "expired"
    return "unknown"


# ------------------------------------------------------------------ algorithms


class UnsupportedAlgorithm(Exception):
    """An algorithm that cannot be reckoned with; ``name`` is its name, or dotted identifier."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class AlgorithmJudgement:
    """A signature algorithm by name, whether it may still be relied on, and remarks by code."""

    name: str
    acceptable: bool
    remarks: tuple[AlgorithmRemark, ...] = ()

    @property
    def status(self) -> str:
        """The answer in the contract's words."""
        if not self.name:
            return "unknown"
        if self.acceptable:
            return "acceptable"
        return "unlisted" if "unlisted_algorithm" in self.remarks else "weak"


def judge_algorithm(signer: cms.SignerInfo, certificate: x509.Certificate) -> AlgorithmJudgement:
    """Judge digest, scheme and key size of one signature."""
    algorithm, digest = signer["signature_algorithm"], signer["digest_algorithm"]
    check_supported_digest(str(digest["algorithm"].native))
    key = certificate.public_key
    try:
        scheme = str(algorithm.signature_algo)
        bits = int(key.bit_size) if key.algorithm in {"rsa", "rsassa_pss", "ec", "dsa"} else 0
    except ValueError as error:  # an identifier, or a curve, that the library does not know
        raise UnsupportedAlgorithm(str(algorithm["algorithm"].native)) from error
    return judge_algorithm_names(scheme, str(digest["algorithm"].native), str(key.algorithm), bits)


def check_supported_digest(name: str) -> None:
    """Refuse a hash function that nothing here can reckon.

    Raises:
        UnsupportedAlgorithm: it names it.
    """
    if not hasattr(hashes, name.upper()):
        raise UnsupportedAlgorithm(name)


def judge_algorithm_names(scheme: str, digest: str, key: str, bits: int) -> AlgorithmJudgement:
    """The table behind ``judge_algorithm``; pure."""
    shown = {"rsassa_pkcs1v15": "RSA PKCS#1 v1.5", "rsassa_pss": "RSASSA-PSS"}.get(
        scheme, scheme.upper()
    )
    name = f"{shown} {bits}/{digest.upper()}" if bits else f"{shown}/{digest.upper()}"
    if digest not in ACCEPTED_DIGESTS:
        return AlgorithmJudgement(name, acceptable=False, remarks=("weak_algorithm",))
    if key in {"rsa", "rsassa_pss"}:
        remarks: tuple[AlgorithmRemark, ...] = ("pkcs1v15",) if scheme == "rsassa_pkcs1v15" else ()
        if bits < _MINIMUM_RSA_BITS:
            return AlgorithmJudgement(name, acceptable=False, remarks=("weak_algorithm",))
        return AlgorithmJudgement(name, acceptable=True, remarks=remarks)
    if key == "ec" and bits >= _MINIMUM_EC_BITS:
        return AlgorithmJudgement(name, acceptable=True)
    return AlgorithmJudgement(name, acceptable=False, remarks=("unlisted_algorithm",))
