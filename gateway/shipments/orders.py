"""A shipment as a carrier is asked for it: our reference, and the order. Pure.

The reference is derived from the shipment's id and from nothing else, so that however often an
order is repeated it is the same order to the carrier. It names neither dossier nor person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row

from connectors.contract import Address, ParcelAccepted, ParcelOrder, Party, Spec

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32: no I, L, O, U
_DIGITS: Final = 16  # 80 bits: enough never to meet, short enough for a bar code
FORMS: Final = {"original": "bản chính", "copy": "bản sao", "e-copy": "bản sao điện tử"}


def client_ref(shipment_id: str, spec: Spec) -> str:
    """What the carrier will know as the order number.

    Raises:
        ValueError: this carrier's references cannot carry ours.
    """
    number = int.from_bytes(hashlib.sha256(shipment_id.encode()).digest()[:10], "big")
    digits = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_DIGITS))
    reference = f"MC{digits}"
    if not re.fullmatch(f"[{spec.reference_charset}]{{1,{spec.reference_max}}}", reference):
        raise ValueError(f"{spec.name} cannot carry our references")
    return reference


def parcel_order(row: Row[Any]) -> ParcelOrder:
    """The order of a shipment."""
    return ParcelOrder(
        client_ref=row.client_ref,
        dossier=row.reference,
        kind=row.kind,
        sender=party(row.sender),
        recipient=party(row.recipient),
        contents=tuple(content_lines(row.contents)),
        weight_g=row.weight_g,
        collect_vnd=row.collect_vnd,
        postage_payer=row.postage_payer,
        requested_at=row.created_at,
        note="; ".join(part for part in (f"Hồ sơ {row.reference}", row.note) if part),
        item_code=row.item_code,
    )


def accepted(row: Row[Any]) -> ParcelAccepted:
    """What the carrier answered, as its connector wants it back."""
    return ParcelAccepted(
        carrier_order_id=row.carrier_order_id or row.client_ref,
        item_code=row.tracking_number,
        postage_vnd=row.postage_vnd,
        state=row.carrier_state or {},
    )


def content_lines(contents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The list of papers, one line each."""
    return [f"{c['title']} ({FORMS[c['form']]}) × {c['quantity']}" for c in contents]


def party(stored: Mapping[str, Any]) -> Party:
    """Sender or recipient from its stored form."""
    return Party(stored["name"], stored["phone"], Address(**stored["address"]))
