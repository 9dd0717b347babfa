"""SePay's transfer types and what they mean to us: a table. SePay Webhooks, ``transferType``."""

from __future__ import annotations

from connectors.contract import Meaning

INCOMING, OUTGOING = "in", "out"

TRANSFER_TYPES = {INCOMING: Meaning.SUCCEEDED}


def transfer_meaning(transfer_type: str) -> Meaning:
    """Money came in, or nobody knows what it is. Outgoing transfers never get here."""
    return TRANSFER_TYPES.get(transfer_type, Meaning.UNKNOWN)
