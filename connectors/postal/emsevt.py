"""The neutral vocabulary of postal events: UPU EMSEVT v3 codes and what they mean for a parcel.

Owns the table only. Carriers keep their own codes in their own ``statuses.py``; an officer who
types what the postman reported (the manual carrier) uses these codes, with Vietnamese labels.
"""

from __future__ import annotations

from typing import Final

from connectors.contract import Movement

EMSEVT: Final[dict[str, tuple[str, Movement]]] = {
    "EMA": ("Nhận gửi", Movement.PICKED_UP),
    "EMB": ("Đến bưu cục ngoại dịch chiều đi", Movement.IN_TRANSIT),
    "EXA": ("Trình hải quan, an ninh chiều đi", Movement.ON_HOLD),
    "EXB": ("Hải quan, an ninh chiều đi tạm giữ", Movement.ON_HOLD),
    "EXC": ("Hải quan, an ninh chiều đi trả lại bưu chính", Movement.IN_TRANSIT),
    "EXD": ("Tạm giữ tại bưu cục ngoại dịch chiều đi", Movement.ON_HOLD),
    "EXX": ("Hủy gửi chiều đi", Movement.CANCELLED),
    "EMC": ("Rời bưu cục ngoại dịch chiều đi", Movement.IN_TRANSIT),
    "EMJ": ("Đến bưu cục quá giang", Movement.IN_TRANSIT),
    "EMK": ("Rời bưu cục quá giang", Movement.IN_TRANSIT),
    "EMD": ("Đến bưu cục ngoại dịch chiều đến", Movement.IN_TRANSIT),
    "EDA": ("Tạm giữ tại bưu cục ngoại dịch chiều đến", Movement.ON_HOLD),
    "EDB": ("Trình hải quan chiều đến", Movement.ON_HOLD),
    "EME": ("Hải quan chiều đến tạm giữ", Movement.ON_HOLD),
    "EDC": ("Hải quan chiều đến trả lại bưu chính", Movement.IN_TRANSIT),
    "EDX": ("Chấm dứt xử lý chiều đến", Movement.EXCEPTION),
    "EMF": ("Rời bưu cục ngoại dịch chiều đến", Movement.IN_TRANSIT),
    "EDD": ("Vào trung tâm chia chọn", Movement.IN_TRANSIT),
    "EDE": ("Rời trung tâm chia chọn", Movement.IN_TRANSIT),
    "EMG": ("Đến bưu cục phát", Movement.AT_DELIVERY_OFFICE),
    "EDF": ("Lưu tại bưu cục phát", Movement.AT_DELIVERY_OFFICE),
    "EDG": ("Bưu tá đi phát", Movement.OUT_FOR_DELIVERY),
    "EDH": ("Chờ người nhận đến lấy", Movement.AWAITING_COLLECTION),
    "EMH": ("Phát không thành công", Movement.DELIVERY_FAILED),
    "EMI": ("Đã phát", Movement.DELIVERED),
}
