"""Gathering what a signed file lacks: chains and revocation answers for everything in it.

Owns which certificates still need an answer. A signature whose data is already protected by a
later time-stamp needs none; for the others the issuers are asked while they still answer. Leaves
asking and believing to ``signing.evidence``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from signing.contract import Clock
from signing.evidence.eligibility import ChainBuilder, TrustedChain
from signing.evidence.revocation import (
    AnswerRefused,
    RevocationChecker,
    Status,
    read_crl,
    read_ocsp,
)
from signing.preservation.holding import DocumentStamp, HeldSignature, Holding, Stamp, Store


@dataclass(slots=True)
class Gathered:
    """Data for the security store, and what could not be had."""

    certificates: dict[x509.Certificate, None] = field(default_factory=dict)
    ocsps: dict[bytes, None] = field(default_factory=dict)
    crls: dict[bytes, None] = field(default_factory=dict)
    silent: bool = False  # somebody who should answer did not: ask again later
    missing: list[str] = field(default_factory=list)  # signature fields nobody can answer for

    def add(self, chain: TrustedChain, ocsps: tuple[bytes, ...], crls: tuple[bytes, ...]) -> None:
        """One chain with its answers."""
        self.certificates |= dict.fromkeys(chain.certificates)
        self.ocsps |= dict.fromkeys(ocsps)
        self.crls |= dict.fromkeys(crls)


class Gatherer:
    """Asks for everything one file needs."""

    def __init__(self, chains: ChainBuilder, revocation: RevocationChecker, clock: Clock) -> None:
        self._chains = chains
        self._revocation = revocation
        self._clock = clock

    async def gather(self, holding: Holding) -> Gathered:
        """Data for every signature and time-stamp that is not protected yet."""
        data, known = Gathered(), holding.certificates
        for signature in holding.signatures:
            if self._is_protected(signature, known):
                continue
            needed = [signature.signer, *(stamp.signer for stamp in signature.own_stamps)]
            answered = [await self._answer(one, known, data) for one in needed]
            if not answered[0]:
                data.missing.append(signature.name)
        for stamp in _unprotected(holding.document_stamps):
            await self._answer(stamp.signer, known, data)
        return data

    async def add_authority(self, chain: TrustedChain, data: Gathered) -> bool:
        """Answers for a time-stamping authority that is to be used now: only a good one is."""
        evidence = await self._revocation.check(chain)
        if evidence.status is not Status.GOOD:
            return False
        data.add(chain, evidence.ocsps, evidence.crls)
        return True

    async def _answer(
        self, certificate: x509.Certificate, known: tuple[x509.Certificate, ...], data: Gathered
    ) -> bool:
        """Whether it was answered; a chain that cannot be built now will not be later either."""
        now = self._clock.now()
        if certificate.not_valid_after_utc < now:
            return False
        chain = self._chains.build(certificate, now, known)
        if chain is None:
            return False
        evidence = await self._revocation.check(chain)
        if evidence.status is Status.UNKNOWN:
            data.silent = True
            return False
        data.add(chain, evidence.ocsps, evidence.crls)  # a revocation is evidence too
        return True

    def _is_protected(self, signature: HeldSignature, known: tuple[x509.Certificate, ...]) -> bool:
        """Whether believable data for the whole chain lies under a later time-stamp."""
        for one in signature.later:
            chain = self._chains.build(signature.signer, one.stamp.time, known)
            if chain is not None and all(
                _believable(one.store, certificate, issuer, one.stamp.time)
                for certificate, issuer in chain.links
            ):
                return True
        return False


def _unprotected(stamps: tuple[DocumentStamp, ...]) -> Iterator[Stamp]:
    """The time-stamps whose servers' revocation data no later time-stamp protects."""
    for one in stamps:
        if not any(
            later.end > one.end and later.store.speaks_of(one.stamp.signer) for later in stamps
        ):
            yield one.stamp


def _believable(
    store: Store, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> bool:
    """Whether some answer in the store was good evidence at that moment."""
    answers = [(read_ocsp, raw) for raw in store.ocsps] + [(read_crl, raw) for raw in store.crls]
    for read, raw in answers:
        try:
            read(raw, certificate, issuer, at)
        except AnswerRefused:
            continue
        return True
    return False
