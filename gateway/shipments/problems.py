"""The problem codes of shipments."""

from __future__ import annotations

from gateway.foundation.problems import FieldError, Kind, Problem, invalid, register

register(
    {
        "no_carrier": Kind(409, "Chưa cấu hình đơn vị vận chuyển", "No carrier is configured"),
        "shipment_closed": Kind(409, "Bưu gửi đã kết thúc", "The shipment has ended"),
        "shipment_in_doubt": Kind(
            409,
            "Chưa rõ đơn vị vận chuyển đã nhận đơn hay chưa",
            "Whether the carrier has the order is not known yet",
        ),
        "carrier_reports_itself": Kind(
            409,
            "Đơn vị vận chuyển tự báo hành trình, không nhập tay",
            "This carrier reports by itself; nothing is entered by hand",
        ),
    }
)


def closed(movement: str) -> Problem:
    """Nothing can be called back any more."""
    return Problem(
        "shipment_closed",
        f"Bưu gửi ở trạng thái “{movement}”, không hủy được.",
        f"The shipment is {movement}; it cannot be cancelled.",
        extra={"retryable": False},
    )


def in_doubt() -> Problem:
    """An order whose outcome is open can neither be cancelled nor forgotten."""
    return Problem(
        "shipment_in_doubt",
        "Hệ thống đang hỏi đơn vị vận chuyển. Xin thử lại sau.",
        "The carrier is being asked. Try again later.",
        extra={"retryable": True},
        headers={"Retry-After": "30"},
    )


def wrong_field(pointer: str, code: str, detail: str) -> Problem:
    """One field that only the service can judge."""
    return invalid([FieldError(pointer, code, detail)])
