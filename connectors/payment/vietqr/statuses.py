"""VietQR's service codes and what the payer's bank does with them: a table.

There are no result codes: a QR payload never answers. NAPAS QR Switching v1.5.2, tag 38-02.
"""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    """Tag 38-02: where the money goes."""

    TO_ACCOUNT = "QRIBFTTA"
    TO_CARD = "QRIBFTTC"
    MERCHANT = "QRPUSH"
    CASH = "QRCASH"


# Services by which money arrives on an account whose statement we can see.
TRANSFERS = frozenset({Service.TO_ACCOUNT, Service.TO_CARD})
