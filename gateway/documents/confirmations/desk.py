"""Confirmations elsewhere, put together: what the signing service can do decides what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.documents.acts import Elsewhere
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations.decisions import Decisions
from gateway.documents.confirmations.embedding import Embedding
from gateway.documents.confirmations.hand_off import HandOffDesk, HandOffPolicy
from gateway.documents.confirmations.http import (
    callback_pages,
    decision_routes,
    hand_off_pages,
    withdrawal_routes,
)
from gateway.documents.confirmations.remote_acts import RemoteActs
from gateway.documents.confirmations.signing_places import SigningPlaces
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.confirmations.withdrawals import Withdrawals
from gateway.foundation.web import Page, Route
from signing.contract import Confirmation, HandOffs, RemoteSignatures


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """How long officials may take elsewhere, and how many calls one provider gets at a time."""

    wait: timedelta
    per_provider: int
    hand_off: HandOffPolicy


class Confirmations:
    """Everything that waits for an official outside of the gateway."""

    def __init__(self, office: Chancery, policy: ConfirmationPolicy, places: SigningPlaces) -> None:
        self._metrics = office.metrics
        signatures = office.signatures
        self._remote = signatures if isinstance(signatures, RemoteSignatures) else None
        self.withdrawals = Withdrawals(office.clock, office.waker, office.authority)
        self._decisions = Decisions(office.clock, office.authority)
        self.tickets: Tickets | None = None
        self.embedding: Embedding | None = None
        self.elsewhere: Mapping[Confirmation, Elsewhere] = {}
        self._hand_off: HandOffDesk | None = None
        if self._remote is not None:
            remote = self._remote
            tickets = Tickets(office, remote, places, policy.per_provider)
            self.tickets = tickets
            self.embedding = Embedding(office, remote, tickets, places)
            acts = RemoteActs(office, remote, tickets, policy.wait)
            self.elsewhere = {Confirmation.ELSEWHERE: acts}
        if isinstance(signatures, HandOffs):
            desk = HandOffDesk(office, signatures, policy.hand_off)
            self._hand_off = desk
            self.elsewhere = {**self.elsewhere, Confirmation.HAND_OFF: desk}

    def routes(self, upload_limit: int) -> list[Route | Page]:
        """What to mount."""
        found = withdrawal_routes(self.withdrawals) + decision_routes(self._decisions)
        if self._remote is not None and self.tickets is not None:
            found += callback_pages(self._remote, self.tickets, self._metrics)
        if self._hand_off is not None:
            found += hand_off_pages(self._hand_off, upload_limit)
        return found
