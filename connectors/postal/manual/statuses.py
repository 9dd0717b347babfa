"""What an officer may report about a parcel: EMSEVT codes, and three words about money.

Owns the table of the manual carrier. An officer's word is evidence like any carrier's; what it
means for the shipment is decided by the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.contract import MoneyLane, Movement
from connectors.postal.emsevt import EMSEVT

# EMSEVT has no codes for an item that goes back, is lost or is paid for at the door; the words
# below are ours.
_OURS: Final[Mapping[str, tuple[str, Movement | None, MoneyLane | None]]] = {
    "return-pending": ("Chờ chuyển hoàn", Movement.RETURN_PENDING, None),
    "returning": ("Đang chuyển hoàn", Movement.RETURNING, None),
    "returned": ("Đã hoàn trả cơ quan", Movement.RETURNED, None),
    "lost": ("Thất lạc", Movement.LOST, None),
    "damaged": ("Hư hỏng", Movement.DAMAGED, None),
    "collected": ("Bưu tá đã thu tiền", None, MoneyLane.COLLECTED),
    "remitted": ("Bưu điện đã nộp tiền", None, MoneyLane.REMITTED),
    "compensated": ("Bưu điện đã bồi thường", None, MoneyLane.COMPENSATED),
}

ENTRIES: Final[Mapping[str, tuple[str, Movement | None, MoneyLane | None]]] = {
    **{code: (label, movement, None) for code, (label, movement) in EMSEVT.items()},
    **_OURS,
}
