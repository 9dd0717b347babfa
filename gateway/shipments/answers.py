"""What the API says about shipments: shapes, and rows → shapes.

Webhooks show the same shape without what is personal: whoever needs names and addresses asks
with a key. An alert's ``detail`` is Vietnamese.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from gateway.foundation.clock import iso
from gateway.shipments import store
from gateway.shipments.evidence import EVENT

_PERSONAL: Final = ("sender", "recipient", "proxy")

ALERTS: Final = {
    "conflict": "Tin mới trái với trạng thái đã kết thúc; cần người xem.",
    "revived_after_cancel": "Có hành trình mới sau khi đã hủy.",
    "unknown_code": "Mã trạng thái của bưu điện chưa có trong bảng.",
    "unconfirmed_status": "Kết thúc theo mã chưa được bưu điện xác nhận ý nghĩa.",
    "time_ahead": "Thời điểm bưu điện báo muộn hơn lúc nhận tin.",
    "returned_too_early": "Chuyển hoàn khi chưa mời đủ số lần theo quy định.",
    "refused_by_carrier": "Đơn vị vận chuyển không nhận đơn.",
    "collection_unreported": "Đã phát nhưng chưa có tin về tiền phải thu.",
    "collected_short": "Thu thiếu so với số phải thu.",
    "collected_over": "Thu thừa so với số phải thu.",
    "remitted_short": "Nộp thiếu so với số đã thu.",
    "remitted_over": "Nộp thừa so với số đã thu.",
    "amounts_differ": "Hai lần báo số tiền đã thu khác nhau.",
}


class AlertAnswer(msgspec.Struct, frozen=True):
    """Something a person has to look at."""

    id: str
    code: str
    subject: str
    detail: str


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as it was heard; ``movement`` null = a code nobody knows, or about money."""

    code: str
    label: str
    at: str
    received_at: str
    movement: str | None
    money: str | None
    amount: int | None
    place: str
    reason: str | None
    source: str


class CollectAnswer(msgspec.Struct, frozen=True):
    """Money at the door, in đồng."""

    payment_id: str | None
    amount: int
    collected: int
    remitted: int


class ShipmentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment with its three lanes."""

    id: str
    object: str = "shipment"
    reference: str
    kind: str
    carrier: str
    client_ref: str
    tracking_number: str | None
    movement: str
    money: str
    papers: str
    cancel: str
    sender: Any
    recipient: Any
    proxy: Any
    contents: list[Any]
    withdraw: list[str]
    collect: CollectAnswer
    postage_payer: str
    postage_amount: int | None
    weight_g: int
    failed_attempts: int
    refusal: str | None
    accepted_at: str | None
    due_at: str | None
    label_url: str
    consignment_note_url: str
    alerts: list[AlertAnswer]
    events: list[EventAnswer]
    created_at: str
    sequence: int


class ShipmentList(msgspec.Struct, frozen=True):
    """One page of shipments, newest first."""

    data: list[ShipmentAnswer]
    has_more: bool
    next: str | None


class Renderer:
    """Rows → answers; ``public_url`` is where the papers are fetched."""

    def __init__(self, public_url: str) -> None:
        self._base = f"{public_url.rstrip('/')}/v1/shipments"

    def show(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[ShipmentAnswer]:
        """Answers in the order of the rows."""
        known = store.evidence_of(connection, [row.id for row in rows]) if rows else {}
        return [self._shipment(row, known[row.id]) for row in rows]

    def events(self, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Shipment id → what webhooks tell of it: nothing personal."""
        shown = self.show(connection, store.shipments_by_id(connection, ids))
        return {answer.id: _without_persons(answer) for answer in shown}

    def _shipment(self, row: Row[Any], pieces: Iterable[Row[Any]]) -> ShipmentAnswer:
        told = sorted(
            (piece for piece in pieces if piece.kind == EVENT), key=lambda p: (p.at, p.number)
        )
        return ShipmentAnswer(
            id=row.id,
            reference=row.reference,
            kind=row.kind,
            carrier=row.carrier,
            client_ref=row.client_ref,
            tracking_number=row.tracking_number,
            movement=row.movement,
            money=row.money,
            papers=row.papers,
            cancel=row.cancel,
            sender=row.sender,
            recipient=row.recipient,
            proxy=row.proxy,
            contents=row.contents,
            withdraw=row.withdraw,
            collect=CollectAnswer(
                row.payment_id, row.collect_vnd, row.collected_vnd, row.remitted_vnd
            ),
            postage_payer=row.postage_payer,
            postage_amount=row.postage_vnd,
            weight_g=row.weight_g,
            failed_attempts=row.failed_attempts,
            refusal=row.refusal,
            accepted_at=iso(row.accepted_at) if row.accepted_at else None,
            due_at=iso(row.due_at) if row.due_at else None,
            label_url=f"{self._base}/{row.id}/label",
            consignment_note_url=f"{self._base}/{row.id}/consignment-note",
            alerts=[_alert(**question) for question in row.questions],
            events=[_event(piece) for piece in told],
            created_at=iso(row.created_at),
            sequence=row.sequence,
        )


def _event(piece: Row[Any]) -> EventAnswer:
    body = piece.body
    return EventAnswer(
        code=body["code"],
        label=body["label"],
        at=iso(piece.at),
        received_at=iso(piece.received_at),
        movement=body["movement"],
        money=body["money"],
        amount=body["amount_vnd"],
        place=body["place"],
        reason=body["reason"] or None,
        source="manual" if piece.actor else "carrier",
    )


def _alert(kind: str, subject: str) -> AlertAnswer:
    name = f"{kind}:{subject}" if subject else kind
    return AlertAnswer(name, kind, subject, ALERTS[kind])


def _without_persons(answer: ShipmentAnswer) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(answer)
    for name in _PERSONAL:
        del shown[name]
    for event in shown["events"]:
        del event["reason"]  # a postman's free words may name people
    return shown
