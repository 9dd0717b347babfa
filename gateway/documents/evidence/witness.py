"""The register and the log for capabilities that have something of their own signed.

Certification numbers and publishes its copies by itself; what it shares with documents is who may
sign for an agency and that every act leaves its evidence in the same chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.documents.authority.rules import Mandate, Ruling, Wish
from gateway.documents.authority.steps import confirm, describe, require_wish
from gateway.documents.evidence import log as evidence_log
from gateway.documents.evidence.log import Confirmation, KeptFile, SignedAct, record_act
from gateway.documents.evidence.refusals import Attempt, record_refusal, why_of
from gateway.foundation.files import FileStore
from signing.contract import Signed


@dataclass(frozen=True, slots=True)
class Subject:
    """What is signed: its id, dossier and kind, and for which agency, in whose portal."""

    tenant: str
    id: str
    reference: str
    kind: str
    agency_code: str


@dataclass(frozen=True, slots=True)
class Signer:
    """Who confirms, with whose key, as what."""

    official: str
    principal: str | None
    role: str  # certifier, agency
    title: str | None
    credential: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One carried-out act with its kept raw bytes; ``position`` counts from 0 in its subject."""

    signer: Signer
    signed: Signed
    kept: Sequence[KeptFile]
    position: int
    input_sha256: str


class Witness:
    """Asks the authority register and writes the evidence log."""

    def __init__(self, files: FileStore, *, register_required: bool = False) -> None:
        self._files = files
        self._required = register_required

    def allow(
        self, connection: Connection, subject: Subject, signer: Signer, now: datetime
    ) -> Ruling:
        """The mandates under which somebody signs now (part of a unit of work).

        Raises:
            Problem: ``authority_refused``.
        """
        wish = Wish(
            official=signer.official,
            role=signer.role,
            capacity=None,
            title=signer.title,
            agency_code=subject.agency_code,
            document_kind=subject.kind,
            credential=signer.credential,
            at=now,
        )
        return require_wish(connection, subject.tenant, wish, required=self._required)

    async def keep(self, signed: Signed) -> tuple[KeptFile, ...]:
        """Store an act's raw bytes before its transaction."""
        return await evidence_log.keep(self._files, signed)

    def refuse(
        self,
        connection: Connection,
        subject: Subject,
        signer: Signer,
        error: BaseException,
        *,
        input_sha256: str,
        key: str | None,
        now: datetime,
    ) -> int | None:
        """Record that something was not signed, and why (part of a unit of work)."""
        why = why_of(error)
        if why is None:
            return None
        attempt = Attempt(
            tenant=subject.tenant,
            subject=subject.id,
            document={"id": subject.id, "reference": subject.reference, "kind": subject.kind},
            input_sha256=input_sha256,
            official=signer.official,
            principal=signer.principal,
            credential=signer.credential,
            role=signer.role,
            key=key,
        )
        return record_refusal(connection, attempt, why, now)

    def record(
        self,
        connection: Connection,
        subject: Subject,
        acts: Sequence[Witnessed],
        *,
        confirmed_at: datetime,
        now: datetime,
    ) -> None:
        """Ask once more for the first signer, then append every act (part of a unit of work).

        Raises:
            Problem: ``authority_refused``: the mandate ended meanwhile, or the certificate is not
                the one it names.
        """
        first = acts[0]
        ruling = self.allow(connection, subject, first.signer, now)
        ground = confirm(ruling, first.signed.certificate)
        for act in acts:
            signed_act = _signed_act(subject, act, ground, confirmed_at)
            record_act(connection, signed_act, now)


def _signed_act(
    subject: Subject, act: Witnessed, ground: Mandate | None, confirmed_at: datetime
) -> SignedAct:
    signer = act.signer
    return SignedAct(
        tenant=subject.tenant,
        document={"id": subject.id, "reference": subject.reference, "kind": subject.kind},
        step={
            "request": subject.id,
            "position": act.position,
            "role": signer.role,
            "signer": signer.credential,
            "capacity": None,
            "title": signer.title,
            "agency_code": subject.agency_code,
        },
        confirmation=Confirmation(
            official=signer.official,
            principal=signer.principal,
            channel="api",
            credential=signer.credential,
            shown_sha256=None,
            input_sha256=act.input_sha256,
            confirmed_at=confirmed_at,
        ),
        authority=describe(ground),
        signed=act.signed,
        kept=act.kept,
    )
