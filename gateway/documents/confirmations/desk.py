"""Confirmations elsewhere, put together: what the signing service can do decides what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.documents.acts import Elsewhere
from gateway.documents.confirmations.embedding import Embedding
from gateway.documents.confirmations.hand_off import HandOffDesk, HandOffPolicy
from gateway.documents.confirmations.http import (
    callback_pages,
    hand_off_pages,
    withdrawal_routes,
)
from gateway.documents.confirmations.remote_acts import RemoteActs
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.confirmations.withdrawals import Withdrawals
from gateway.documents.rules import Authority
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from gateway.foundation.web import Page, Route
from signing.contract import Confirmation, HandOffs, RemoteSignatures, Signatures


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """How long officials may take elsewhere, and how many calls one provider gets at a time."""

    wait: timedelta
    per_provider: int
    hand_off: HandOffPolicy


class Confirmations:
    """Everything that waits for an official outside of the gateway."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        waker: Waker,
        metrics: Metrics,
        *,
        files: FileStore,
        signatures: Signatures,
        authority: Authority,
        policy: ConfirmationPolicy,
        places: SigningPlaces,
    ) -> None:
        around = (database, clock, waker, metrics)
        self._metrics = metrics
        self._remote = signatures if isinstance(signatures, RemoteSignatures) else None
        self.withdrawals = Withdrawals(clock, waker, authority)
        self.tickets: Tickets | None = None
        self.embedding: Embedding | None = None
        self.elsewhere: Mapping[Confirmation, Elsewhere] = {}
        self._hand_off: HandOffDesk | None = None
        if self._remote is not None:
            remote = self._remote
            tickets = Tickets(*around, remote=remote, per_provider=policy.per_provider)
            self.tickets = tickets
            self.embedding = Embedding(
                *around,
                files=files,
                signatures=signatures,
                remote=remote,
                tickets=tickets,
                authority=authority,
                places=places,
            )
            acts = RemoteActs(
                database,
                clock,
                files=files,
                remote=remote,
                tickets=tickets,
                authority=authority,
                wait=policy.wait,
            )
            self.elsewhere = {Confirmation.ELSEWHERE: acts}
        if isinstance(signatures, HandOffs):
            desk = HandOffDesk(
                *around,
                files=files,
                signatures=signatures,
                hand_offs=signatures,
                authority=authority,
                policy=policy.hand_off,
            )
            self._hand_off = desk
            self.elsewhere = {**self.elsewhere, Confirmation.HAND_OFF: desk}

    def routes(self, upload_limit: int) -> list[Route | Page]:
        """What to mount."""
        found = withdrawal_routes(self.withdrawals)
        if self._remote is not None and self.tickets is not None:
            found += callback_pages(self._remote, self.tickets, self._metrics)
        if self._hand_off is not None:
            found += hand_off_pages(self._hand_off, upload_limit)
        return found
