"""What can be done with a shipment: order, read, print, and type in what the post says.

Owns the order load → decide → record, one transaction each. ``open`` only writes: the order
itself is the worker's, which is woken at once, so that a crash at any moment leaves either
nothing or a shipment that will be ordered exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from connectors.contract import ProviderRejected
from gateway.foundation import listing
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id, new_token
from gateway.foundation.problems import FieldError, invalid
from gateway.shipments import problems, store
from gateway.shipments.answers import Renderer, ShipmentAnswer, ShipmentList
from gateway.shipments.carriers import Carriers, Entry
from gateway.shipments.deadlines import PostalLaw
from gateway.shipments.evidence import NewEvidence, of_call, of_event
from gateway.shipments.facts import CallFact, Terms, last_call
from gateway.shipments.news import News
from gateway.shipments.orders import client_ref
from gateway.shipments.papers import Papers
from gateway.shipments.recording import Recorder, Recording, derived
from gateway.shipments.rules import fold
from gateway.shipments.shapes import EntryBody, ShipmentBody, plain_item_code, stored_party
from gateway.shipments.statuses import CallStep, ShipmentKind
from gateway.shipments.tables import shipments

KnowsPayment = Callable[[Connection, str, str], bool]
"""Whether a tenant has a payment; whoever wires the capabilities brings it."""


class Shipments:
    """The shipments of all portals."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        carriers: Carriers,
        law: PostalLaw,
        recorder: Recorder,
        news: News,
        public_url: str,
        knows_payment: KnowsPayment = lambda _connection, _tenant, _payment: True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._carriers = carriers
        self._knows_payment = knows_payment
        self._law = law
        self._recorder = recorder
        self._news = news
        self._papers = Papers(public_url, law)
        self.renderer = Renderer(public_url)

    # -------------------------------------------------------------- ordering

    def open(self, connection: Connection, tenant: str, body: ShipmentBody) -> ShipmentAnswer:
        """Store a shipment for the worker, in the caller's unit; ``opened`` follows the commit.

        Raises:
            Problem: ``no_carrier``; ``validation_failed`` for what this carrier does not do, and
                for a payment that this portal does not have.
        """
        paid = body.collect.payment_id
        if paid is not None and not self._knows_payment(connection, tenant, paid):
            sentence = "Không có khoản nộp này."
            raise invalid([FieldError("/collect/payment_id", "unknown_payment", sentence)])
        row = store.insert_shipment(connection, self._new_row(tenant, body))
        return self.renderer.show(connection, [row])[0]

    def opened(self) -> None:
        """After the commit: let the worker look at once."""
        self._news.wake_worker()

    def _new_row(self, tenant: str, body: ShipmentBody) -> dict[str, Any]:
        carrier, connector = self._carriers.choose(body.carrier, body.collect.amount)
        now, shipment_id = self._clock.now(), new_id("shp", self._clock)
        provinces = (body.sender.address.province_code, body.recipient.address.province_code)
        scope = self._law.scope_of(*provinces)
        terms = Terms(
            ShipmentKind(body.kind), body.collect.amount, scope, withdraw=bool(body.withdraw)
        )
        return {
            "id": shipment_id,
            "tenant": tenant,
            "reference": body.reference,
            "kind": body.kind,
            "carrier": carrier,
            "client_ref": client_ref(shipment_id, connector.spec),
            "token": new_token(),
            "sender": stored_party(body.sender),
            "recipient": stored_party(body.recipient),
            "proxy": msgspec.to_builtins(body.proxy),
            "contents": msgspec.to_builtins(body.contents),
            "withdraw": body.withdraw,
            "procedure": body.procedure,
            "note": body.note,
            "payment_id": body.collect.payment_id,
            "collect_vnd": body.collect.amount,
            "postage_payer": body.postage_payer,
            "weight_g": body.weight_g,
            "item_code": plain_item_code(body.item_code) if body.item_code else None,
            "scope": scope,
            "created_at": now,
            **derived(fold(terms, (), self._law)),
            "sequence": 0,
            "next_at": now,
            "tries": 0,
            "cancel_sent": False,
            "cancel_reason": "",
        }

    # -------------------------------------------------------------- reading

    async def get(self, tenant: str, shipment_id: str) -> ShipmentAnswer:
        """One shipment."""
        return await self._database.read(lambda c: self.view(c, tenant, shipment_id))

    def view(self, connection: Connection, tenant: str, shipment_id: str) -> ShipmentAnswer:
        """One shipment, inside somebody's unit."""
        row = store.find_shipment(connection, tenant, shipment_id)
        return self.renderer.show(connection, [row])[0]

    async def page(self, tenant: str, window: listing.Window) -> ShipmentList:
        """A page of shipments, newest first."""

        def query(connection: Connection) -> ShipmentList:
            of_tenant = shipments.c.tenant == tenant
            found = listing.fetch(connection, shipments, window, of_tenant)
            shown = self.renderer.show(connection, found.rows)
            return ShipmentList(shown, found.has_more, found.next)

        return await self._database.read(query)

    async def label(self, tenant: str, shipment_id: str) -> bytes:
        """The address label, as a PDF."""
        row = await self._row(tenant, shipment_id)
        title = self._carriers.title(row.carrier)
        return await asyncio.to_thread(self._papers.label, row, title)

    async def consignment_note(self, tenant: str, shipment_id: str) -> bytes:
        """The Phiếu gửi, as a PDF."""
        row = await self._row(tenant, shipment_id)
        title, now = self._carriers.title(row.carrier), self._clock.now()
        return await asyncio.to_thread(self._papers.consignment_note, row, title, now)

    async def _row(self, tenant: str, shipment_id: str) -> Row[Any]:
        return await self._database.read(lambda c: store.find_shipment(c, tenant, shipment_id))

    # -------------------------------------------------------------- what people type

    def enter(
        self, connection: Connection, tenant: str, shipment_id: str, body: EntryBody, actor: str
    ) -> tuple[ShipmentAnswer, Recording]:
        """Record what an officer heard from the post, in the caller's unit; ``entered`` follows.

        Raises:
            Problem: ``carrier_reports_itself``; ``validation_failed`` for a code nobody knows.
        """
        row = store.find_shipment(connection, tenant, shipment_id, lock=True)
        new = self._entries(connection, row, body, actor)
        _, recording = self._recorder.record_one(connection, row.id, *new)
        return self.view(connection, tenant, shipment_id), recording

    def entered(self, recording: Recording) -> None:
        """After the commit."""
        self._news.tell(recording)

    def _entries(
        self, connection: Connection, row: Row[Any], body: EntryBody, actor: str
    ) -> Sequence[NewEvidence]:
        carrier, now = self._carriers.typed(row.carrier), self._clock.now()
        item_code = plain_item_code(body.item_code) if body.item_code else None
        if body.code is None or body.at is None:
            _, facts = self._recorder.state_of(connection, row)
            last = last_call(facts)
            attempt = last.attempt if last else 1
            fact = CallFact(now, CallStep.ACCEPTED, attempt, item_code)
            return [of_call(row.id, fact, f":{item_code}")]
        entry = Entry(
            row.client_ref, body.code, body.at, item_code, body.amount, body.place, body.note
        )
        try:
            return [of_event(carrier.read_entry(entry), now, actor)]
        except ProviderRejected as refusal:
            detail = f"Mã sự kiện “{body.code}” không có trong bảng."
            raise problems.wrong_field("/code", refusal.code, detail) from refusal
