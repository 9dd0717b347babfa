"""The parcels of the simulated VNPost HCC: where each is, and the feed that tells of it.

Owns the simulator's own tracking codes (the real table is not published), the steps of a parcel's
way and the tracking feed, with the faults a feed can have: duplicated and late documents. Leaves
HTTP to ``vnpost_hcc.py`` beside. Independent of the connector.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.contract import Clock
from connectors.simulators.faults import Fault, FaultScript

# code → (what the feed says, what a province enters for it)
CODES: Final[Mapping[int, tuple[str, str]]] = {
    0: ("Đã tiếp nhận đơn hàng", "registered"),
    2: ("Bưu tá đi thu gom", "pickup_assigned"),
    1: ("Đã nhận gửi", "picked_up"),
    3: ("Đang vận chuyển", "in_transit"),
    5: ("Đến bưu cục phát", "at_delivery_office"),
    6: ("Bưu tá đi phát", "out_for_delivery"),
    4: ("Phát thành công", "delivered"),
    7: ("Phát không thành công", "delivery_failed"),
    8: ("Chờ chuyển hoàn", "return_pending"),
    9: ("Đang chuyển hoàn", "returning"),
    10: ("Đã hoàn trả người gửi", "returned"),
    11: ("Đã hủy", "cancelled"),
    12: ("Thất lạc", "lost"),
    20: ("Đã thu tiền", "money:collected"),
    21: ("Đã nộp tiền cho cơ quan", "money:remitted"),
}
NEXT: Final[Mapping[int, int]] = {0: 2, 2: 1, 1: 3, 3: 5, 5: 6, 6: 4, 7: 6, 8: 9, 9: 10}
BEFORE_PICKUP: Final = frozenset({0, 2})
FINISHED: Final = frozenset({4, 10, 11, 12})


@dataclass(slots=True)
class Parcel:
    """One order and where it is."""

    number: str
    item_code: str
    order: Mapping[str, Any]
    code: int = 0
    last_at: datetime | None = None
    collected: bool = False
    cancel_waits: bool = False

    @property
    def due_vnd(self) -> int:
        """What is to be collected at the door."""
        return int(self.order.get("CODAmount") or 0)


class Parcels:
    """Every parcel of one customer, and the feed about them."""

    def __init__(self, customer: str, clock: Clock, faults: FaultScript) -> None:
        self.by_number: dict[str, Parcel] = {}
        self.feed: list[dict[str, Any]] = []
        self._customer = customer
        self._clock = clock
        self._faults = faults
        self._count = itertools.count(1)
        self._held: dict[str, Any] | None = None

    def accept(self, number: str, order: Mapping[str, Any]) -> Parcel:
        """Take a new order; without an item number it gets one."""
        parcel = Parcel(number, order.get("ItemCode") or self._next_item_code(), order)
        self.by_number[number] = parcel
        self._say(parcel, 0)
        return parcel

    def cancel(self, number: str) -> bool:
        """Cancel at once, or (False) wait for approval when the parcel is on its way."""
        parcel = self.by_number[number]
        parcel.cancel_waits = parcel.code not in BEFORE_PICKUP
        if not parcel.cancel_waits:
            self._move(parcel, 11)
        return not parcel.cancel_waits

    def advance(self, number: str, to: str = "") -> None:
        """The next step of the way, or every step until the movement named ``to``."""
        parcel = self.by_number[number]
        while (code := NEXT.get(parcel.code)) is not None:
            if code == 4:
                self.collect(number)
            self._move(parcel, code)
            if not to or CODES[code][1] == to:
                return

    def fail(self, number: str) -> None:
        """A delivery that found nobody."""
        parcel = self.by_number[number]
        if parcel.code != 6:
            self.advance(number, "out_for_delivery")
        self._move(parcel, 7, notes="Không gặp người nhận")

    def send_back(self, number: str) -> None:
        """Back to the agency, all the way."""
        parcel = self.by_number[number]
        for code in (8, 9, 10):
            self._move(parcel, code)

    def collect(self, number: str) -> None:
        """The postman takes the money, once."""
        parcel = self.by_number[number]
        if parcel.due_vnd and not parcel.collected:
            parcel.collected = True
            self._say(parcel, 20)

    def remit(self, number: str) -> None:
        """The post pays the money over to the agency."""
        if self.by_number[number].collected:
            self._say(self.by_number[number], 21)

    def lose(self, number: str) -> None:
        """The parcel is gone."""
        self._move(self.by_number[number], 12)

    def approve_cancel(self, number: str) -> None:
        """Somebody at the post approves a cancellation that waited."""
        parcel = self.by_number[number]
        if parcel.cancel_waits:
            parcel.cancel_waits = False
            self._move(parcel, 11)

    def report(self, number: str, code: int, at: datetime, message: str = "") -> None:
        """Any event at any time: unknown codes, late and contradicting ones."""
        self._say(self.by_number[number], code, at=at, message=message)

    def _move(self, parcel: Parcel, code: int, notes: str | None = None) -> None:
        if parcel.code in FINISHED:
            return
        parcel.code = code
        self._say(parcel, code, notes=notes)

    def _say(
        self,
        parcel: Parcel,
        code: int,
        at: datetime | None = None,
        message: str = "",
        notes: str | None = None,
    ) -> None:
        now = self._clock.now()
        if at is None:  # two steps of one parcel never happen in the same second
            step = timedelta(seconds=1)
            at = max(now, parcel.last_at + step) if parcel.last_at else now
            parcel.last_at = at
        document = {
            "CustomerCode": self._customer,
            "OrderNumber": parcel.number,
            "ItemCode": parcel.item_code,
            "StatusCode": code,
            "StatusMessage": message or CODES.get(code, ("",))[0],
            "EventTime": int(at.timestamp() * 1000),
            "Notes": notes,
            "POSID": "100900" if parcel.code in BEFORE_PICKUP else "160000",
        }
        self._publish(document, now)

    def _publish(self, document: dict[str, Any], now: datetime) -> None:
        if self._held is None and self._faults.take(Fault.REORDER_CALLBACKS) is not None:
            self._held = document
            return
        double = self._faults.take(Fault.DUPLICATE_CALLBACK)
        late, self._held = self._held, None
        copies = int(double.get("times", 2)) if double is not None else 1
        for body in [document] * copies + ([late] if late else []):
            object_id = f"{int(now.timestamp()):08x}{next(self._count):016x}"
            self.feed.append({"_id": {"$oid": object_id}, **body})

    def _next_item_code(self) -> str:
        serial = f"{next(self._count):08d}"
        weighted = sum(int(d) * w for d, w in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
        check = 11 - weighted % 11
        return f"EA{serial}{ {10: 0, 11: 5}.get(check, check) }VN"
