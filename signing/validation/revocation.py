"""Asking issuers' services about the signers of a file, when the operator allows it.

Owns which certificates are asked about (each signer's and its chain to a trusted root) and the
limit on how many. Asking, believing and the allow-list of hosts are ``signing.evidence``. What
nobody answers stays unknown: only verified answers come back, and a file is judged the same way
with or without them, never as good because nobody answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from signing.evidence.eligibility import ChainBuilder
from signing.evidence.revocation import RevocationChecker
from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, Opened, open_pdf
from signing.reading.signature_fields import MAX_SIGNATURES, FoundSignature, find_signatures
from signing.validation.signature_reading import (
    BrokenSignature,
    make_definite,
    read_signature,
)

log = logging.getLogger(__name__)

MAX_SIGNERS = 16  # different certificates asked about for one file


@dataclass(frozen=True, slots=True)
class FreshRevocation:
    """Verified answers (DER), fetched for one file; empty when nobody answered."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


async def ask_about(
    pdf: Data,
    chains: ChainBuilder,
    checker: RevocationChecker,
    now: datetime,
    limit_s: float,
) -> FreshRevocation:
    """Ask about every signer whose certificate leads to a trusted root; never raises for a file.

    Args:
        pdf: any bytes at all.
        chains: to the trusted roots.
        checker: asks, believes and remembers.
        now: the moment at which chains must hold.
        limit_s: for all questions together; what is not answered by then is unknown.
    """
    try:
        async with asyncio.timeout(limit_s):
            return await _ask(_signers(pdf), chains, checker, now)
    except TimeoutError:
        log.warning("revocation services did not answer within %.0f s", limit_s)
    except Exception as error:  # odd certificates and answers: nothing is known, nobody is told off
        log.warning("revocation could not be asked about: %s", type(error).__name__)
    return FreshRevocation()


async def _ask(
    signers: Iterable[tuple[x509.Certificate, tuple[x509.Certificate, ...]]],
    chains: ChainBuilder,
    checker: RevocationChecker,
    now: datetime,
) -> FreshRevocation:
    ocsps: list[bytes] = []
    crls: list[bytes] = []
    for certificate, others in signers:
        chain = chains.build(certificate, now, others)
        if chain is None:
            continue  # addresses in certificates that nobody vouches for are not fetched
        evidence = await checker.check(chain)
        ocsps.extend(evidence.ocsps)
        crls.extend(evidence.crls)
    return FreshRevocation(tuple(dict.fromkeys(ocsps)), tuple(dict.fromkeys(crls)))


def _signers(pdf: Data) -> list[tuple[x509.Certificate, tuple[x509.Certificate, ...]]]:
    """Every different signer of a file with the other certificates it sent along."""
    opened = open_pdf(pdf)
    if not isinstance(opened, Opened):
        return []
    found: dict[bytes, tuple[x509.Certificate, tuple[x509.Certificate, ...]]] = {}
    for signature in find_signatures(pdf, opened.reader.root)[:MAX_SIGNATURES]:
        read = _certificates(opened, signature)
        if read and len(found) < MAX_SIGNERS:
            found.setdefault(read[0].fingerprint(hashes.SHA256()), (read[0], read[1:]))
    return list(found.values())


def _certificates(opened: Opened, signature: FoundSignature) -> tuple[x509.Certificate, ...]:
    try:
        make_definite(signature.value)
        judged = read_signature(opened.reader, signature)
        ders = [judged.certificate.dump(), *(c.dump() for c in judged.certificates.other_certs)]
        return tuple(x509.load_der_x509_certificate(der) for der in ders)
    except (BrokenSignature, *HOSTILE_INPUT_ERRORS) as error:
        log.info("certificates not readable: %s", type(error).__name__)
        return ()
