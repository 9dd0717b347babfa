"""The whole capability, put together: what ``gateway.app`` makes one of."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from gateway.documents import http, request_http
from gateway.documents.acts import SigningActs
from gateway.documents.authority import http as authority_http
from gateway.documents.authority.service import AuthorityRegister
from gateway.documents.batches.desk import BatchDesk
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations.desk import ConfirmationPolicy, Confirmations
from gateway.documents.confirmations.signing_places import BatchPolicy, SigningPlaces
from gateway.documents.confirmations.worker import ConfirmationWorker
from gateway.documents.evidence import touched as touched_documents
from gateway.documents.evidence.witness import Witness
from gateway.documents.large import DocumentSignatures
from gateway.documents.numbers import NumberCheck
from gateway.documents.preservation import http as preservation_http
from gateway.documents.preservation.preserving import WatchingSignatures
from gateway.documents.preservation.service import DocumentKeeping
from gateway.documents.requests import SignatureRequests
from gateway.documents.revocation.distrust import Distrust
from gateway.documents.revocation.lists import RevocationLists
from gateway.documents.revocation.service import Revocations
from gateway.documents.revocation.watch import CertificateWatch
from gateway.documents.revocation.worker import RevocationWorker
from gateway.documents.rules import Authority
from gateway.documents.service import Documents
from gateway.documents.templates import TemplateBook
from gateway.documents.worker import ExpiryWorker
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.places import Places
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from gateway.preservation.assembly import PreservationDesk

_LOOK_AHEAD_S = 3_600.0  # at every document: what is signed is reckoned where it is published


class DeskSignatures(DocumentSignatures, WatchingSignatures, Protocol):
    """All that documents ask of the signing service."""


class DocumentDesk:
    """Documents and the requests to sign them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        files: FileStore,
        signatures: DeskSignatures,
        authority: Authority,
        upload_limit: int,
        confirmations: ConfirmationPolicy,
        batches: BatchPolicy,
        preservation: PreservationDesk,
        templates: TemplateBook | None = None,
    ) -> None:
        self.places = places = SigningPlaces(authority, batches, Places(database, clock, waker))
        policy = preservation.policy
        office = Chancery(
            database,
            clock,
            waker,
            metrics,
            files,
            signatures,
            authority,
            preservation.doubts,
            policy,
            places,
        )
        self.confirmations = Confirmations(office, confirmations, places)
        self.documents = Documents(
            database, clock, files, signatures, templates, doubts=preservation.doubts
        )
        self.requests = SignatureRequests(
            database, clock, waker, authority, policy.when_unavailable
        )
        self._numbers = NumberCheck(database, files, signatures)
        self._keeping = DocumentKeeping(
            database,
            clock,
            waker,
            files=files,
            signatures=signatures,
            policy=policy,
            doubts=preservation.doubts,
            places=places,
        )
        preservation.keep(self._keeping, every_s=_LOOK_AHEAD_S)
        self._levels = preservation.calendar.levels
        self.acts = SigningActs(office, self.confirmations.elsewhere)
        self.batches = BatchDesk(
            database,
            clock,
            waker,
            acts=self.acts,
            tickets=self.confirmations.tickets,
            authority=authority,
            places=places,
            policy=batches,
        )
        self.worker = ConfirmationWorker(
            database,
            clock,
            waker,
            withdrawals=self.confirmations.withdrawals,
            tickets=self.confirmations.tickets,
            embedding=self.confirmations.embedding,
            batches=self.batches.look_at,
        )
        self.witness = Witness(files, register_required=authority.register_required)
        self._register = AuthorityRegister(database, clock)
        self._revocations = Revocations(database, clock, waker, preservation)
        distrust = Distrust(database, preservation.doubts)
        preservation.ahead.learn_first(distrust.learn)
        self._watch = RevocationWorker(
            CertificateWatch(
                database,
                clock,
                metrics,
                files=files,
                watching=signatures,
                revocations=self._revocations,
            ),
            RevocationLists(database, clock, signatures),
            distrust,
            clock,
        )
        self._database = database
        self._expiry = ExpiryWorker(self.requests, clock)
        self._upload_limit = upload_limit

    @property
    def renderers(self) -> dict[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        shown = self.documents.renderers
        crt = self._revocations.render
        return {"doc": shown.documents, "sig": shown.requests, "crt": crt}

    def close(self) -> None:
        """Send everybody away who listens to a batch (shutdown)."""
        self.batches.events.close()

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        return [
            *http.routes(self.documents, self._upload_limit),
            *authority_http.routes(self._register),
            *touched_documents.routes(self._database, self._revocations, self._levels),
            *request_http.routes(self.requests, self.acts, self._numbers),
            *self.confirmations.routes(self._upload_limit),
            *self.batches.routes(),
            *preservation_http.routes(self._keeping),
        ]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Background work by name."""
        return {
            "documents.expiry": self._expiry.run,
            "documents.confirmations": self.worker.run,
            "documents.batches": self.batches.runs.run,
            "documents.revocations": self._watch.run,
        }
