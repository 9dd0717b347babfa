"""From a shipment's row to its printed papers; leaves the drawing to the papers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway.foundation.clock import vietnam_day
from gateway.shipments.consignment_note import (
    ConsignmentNote,
    ContentLine,
    render_consignment_note,
)
from gateway.shipments.deadlines import PostalLaw
from gateway.shipments.label import Label, PostalParty, render_label
from gateway.shipments.statuses import ShipmentKind


@dataclass(frozen=True, slots=True)
class Papers:
    """Draws labels and notes; ``public_url`` is where the QR code leads."""

    public_url: str
    law: PostalLaw

    def label(self, row: Row[Any], carrier: str) -> bytes:
        """The label, as a PDF."""
        return render_label(
            Label(
                kind=ShipmentKind(row.kind),
                carrier=carrier,
                order_number=row.client_ref,
                dossier=row.reference,
                sender=_party(row.sender),
                recipient=_party(row.recipient),
                weight_g=row.weight_g,
                collect_vnd=row.collect_vnd,
                postage_payer=row.postage_payer,
                tracking_url=self._tracking_url(row),
                item_code=row.tracking_number,
                due_on=vietnam_day(row.due_at) if row.due_at else None,
                simulated=_is_simulated(row),
            )
        )

    def consignment_note(self, row: Row[Any], carrier: str, now: datetime) -> bytes:
        """The Phiếu gửi, as a PDF."""
        collects = row.kind == ShipmentKind.DOSSIER_COLLECTION
        agency = row.recipient if collects else row.sender
        proxy = row.proxy or {}
        letter = f" (giấy ủy quyền {proxy['letter_ref']})" if proxy.get("letter_ref") else ""
        return render_consignment_note(
            ConsignmentNote(
                number=row.client_ref,
                kind=ShipmentKind(row.kind),
                agency=agency["name"],
                carrier=carrier,
                order_number=row.client_ref,
                dossier=row.reference,
                procedure=row.procedure,
                sender=_party(row.sender),
                recipient=_party(row.recipient),
                contents=tuple(
                    ContentLine(title=c["title"], form=c["form"], quantity=c["quantity"])
                    for c in row.contents
                ),
                weight_g=row.weight_g,
                collect_vnd=row.collect_vnd,
                postage_payer=row.postage_payer,
                tracking_url=self._tracking_url(row),
                made_at=now,
                texts=self.law.texts_on(vietnam_day(now)),
                item_code=row.tracking_number,
                postage_vnd=row.postage_vnd,
                proxy=f"{proxy['name']}{letter}" if proxy else "",
                withdraw=tuple(row.withdraw),
                accepted_on=vietnam_day(row.accepted_at) if row.accepted_at else None,
                due_on=vietnam_day(row.due_at) if row.due_at else None,
                simulated=_is_simulated(row),
            )
        )

    def _tracking_url(self, row: Row[Any]) -> str:
        return f"{self.public_url.rstrip('/')}/t/{row.token}"


def _is_simulated(row: Row[Any]) -> bool:
    """A test key's papers must not pass for real ones."""
    return str(row.tenant).endswith("/test")


def _party(stored: Mapping[str, Any]) -> PostalParty:
    address = stored["address"]
    ward = address["ward_name"] or f"mã xã {address['ward_code']}"
    province = address["province_name"] or f"mã tỉnh {address['province_code']}"
    return PostalParty(
        name=stored["name"],
        phone=stored["phone"],
        address=f"{address['line']}, {ward}, {province}",
    )
