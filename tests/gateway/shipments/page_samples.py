"""Sample views of the tracking page: a fictitious parcel, every state worth looking at."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.contract import Movement
from gateway.frame.layout import Frame
from gateway.shipments.statuses import ShipmentKind
from gateway.shipments.views import Due, Step, TrackingView

NOW = datetime(2026, 11, 5, 16, 45, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
PAGE = "/t/7f3k9qxm2htd7f3k9qxm2htd00"
STEPS = tuple(
    Step(at=NOW - timedelta(hours=hours), movement=movement, place=place)
    for hours, movement, place in (
        (30, Movement.REGISTERED, ""),
        (28, Movement.PICKED_UP, "Bưu cục 100900"),
        (20, Movement.IN_TRANSIT, "Trung tâm khai thác vận chuyển Thái Nguyên – Bắc Kạn"),
        (6, Movement.AT_DELIVERY_OFFICE, "Bưu cục phát Ẩm Thượng"),
        (3, Movement.OUT_FOR_DELIVERY, ""),
    )
)


def frame(lang="vi", path=PAGE):
    return Frame(
        path=path,
        lang=lang,
        service="tracking.service",
        agency="UBND phường A",
        province="tỉnh Thái Nguyên",
        phone="0208 3123 456",
        hours="7:30–17:00, thứ Hai đến thứ Sáu",
        reference="MC-7K2M9QXA",
    )


def tracking(lang="vi", **changes):
    values = {
        "frame": frame(lang),
        "code_tail": "0007",
        "kind": ShipmentKind.RESULT_DELIVERY,
        "carrier": "VNPost (HCC)",
        "movement": Movement.OUT_FOR_DELIVERY,
        "created_at": NOW - timedelta(hours=31),
        "item_code": "EH123456785VN",
        "steps": STEPS,
        "due": Due.EXPECTED,
        "due_at": NOW + timedelta(days=1),
    }
    return TrackingView(**{**values, **changes})


def ended(lang, movement, **changes):
    steps = (*STEPS, Step(at=NOW, movement=movement))
    return tracking(lang, movement=movement, steps=steps, due=Due.NONE, due_at=None, **changes)


def trackings(lang="vi"):
    """Every page worth looking at, by name."""
    failed = {"failed_at": NOW, "failed_attempts": 1}
    return {
        "ordered": tracking(
            lang, movement=Movement.SUBMITTING, steps=(), item_code="", due=Due.NOT_YET, due_at=None
        ),
        "out": tracking(lang),
        "overdue": tracking(lang, due=Due.OVERDUE, due_at=NOW - timedelta(days=2)),
        "failed": tracking(
            lang,
            movement=Movement.DELIVERY_FAILED,
            steps=(*STEPS, Step(at=NOW, movement=Movement.DELIVERY_FAILED)),
            **failed,
        ),
        "waiting": ended(lang, Movement.AWAITING_COLLECTION),
        "delivered": ended(lang, Movement.DELIVERED),
        "disputed": ended(lang, Movement.DELIVERED, disputed=True),
        "returned": ended(lang, Movement.RETURNED),
        "cancelled": ended(lang, Movement.CANCELLED),
    }
