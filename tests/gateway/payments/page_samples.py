"""Sample views of every payment page: a fictitious dossier, all states."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.frame.layout import Frame
from gateway.frame.security import FormTicket
from gateway.payments.checkout.views import (
    CheckoutView,
    ErrorView,
    FeeLine,
    HandoverView,
    Method,
    MoneyLine,
    QrView,
    ReceiptView,
    ResultState,
    ResultView,
)

VN = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 2, 16, 30, tzinfo=VN)
TOKEN = "3F7KQ9XM2HTDVB4NWYC8RZEPJA"
PAGE = f"/pay/{TOKEN}"
CODE = "000.00.12.H55-261102-0001"
TICKET = FormTicket("6547a9d8-3pO0fW2cLrQ", "b" * 64)
PAYLOAD = (
    "00020101021238570010A00000072701270006970415011300110099504460208QRIBFTTA"
    "53037045405210005802VN62220818MC2611020001K7QX2W6304AB12"
)
ITEM = FeeLine(
    name="Phí chứng thực bản sao", kind="fee", quantity=3, unit_amount=7000, amount=21000
)
MANY_ITEMS = (
    FeeLine(name="Phí thẩm định hồ sơ", kind="fee", amount=70000),
    FeeLine(
        name="Lệ phí cấp giấy phép xây dựng",
        kind="levy",
        amount=35000,
        base_amount=70000,
        reduction="Giảm 50%: nộp trực tuyến",
        basis="Nghị quyết 09/2025/NQ-HĐND",
    ),
    FeeLine(name="Cước gửi kết quả tận nhà", kind="shipping", amount=30500),
)
METHODS = (
    Method(value="vietqr", name="VietQR (ứng dụng ngân hàng)", hint="Miễn phí · có ngay"),
    Method(
        value="vnpay",
        name="VNPAY: thẻ ATM, thẻ quốc tế, ví",
        hint="Miễn phí · có kết quả trong 1 phút",
        provider="VNPAY",
        host="pay.vnpay.example",
    ),
    Method(value="counter", name="Tại bộ phận một cửa", hint="Giờ hành chính · nhận biên lai ngay"),
)


def frame(path=PAGE, lang="vi", **changes):
    values = {
        "path": path,
        "lang": lang,
        "agency": "UBND phường A",
        "province": "tỉnh Thái Nguyên",
        "phone": "0208 3123 456",
        "hours": "7:30–17:00, thứ Hai đến thứ Sáu",
        "reference": "MC-K7QX-2W",
    }
    return Frame(**{**values, **changes})


def checkout(lang="vi", **changes):
    values = {
        "frame": frame(lang=lang),
        "money": MoneyLine(key="M0"),
        "code": CODE,
        "total": 21000,
        "items": (ITEM,),
        "action": PAGE,
        "ticket": TICKET,
        "methods": METHODS,
        "procedure": "Chứng thực bản sao từ bản chính (5 trang, 3 bản)",
        "payer_name": "Nguyễn Văn An",
        "check_code": "K7QX",
        "deadline": NOW + timedelta(days=3),
        "refund_rule": "chỉ hoàn khoản nộp thừa, nộp trùng hoặc khi hồ sơ không được giải quyết.",
        "helper_url": f"https://mot-cua.example{PAGE}?helper=1",
        "portal_url": "https://portal.example/ho-so/1",
    }
    return CheckoutView(**{**values, **changes})


def qr(lang="vi", **changes):
    values = {
        "frame": frame(f"{PAGE}/qr", lang),
        "money": MoneyLine(key="M1"),
        "code": CODE,
        "amount": 21000,
        "recipient": "UBND PHUONG A",
        "bank": "VietinBank",
        "account_number": "0011009950446",
        "memo": "MC2611020001K7QX2W",
        "payload": PAYLOAD,
        "expires_at": NOW + timedelta(minutes=14),
        "seconds_left": 14 * 60,
        "check_url": f"{PAGE}/check",
        "renew_url": PAGE,
        "renew_fields": {"method": "vietqr"},
        "change_url": PAGE,
        "ticket": TICKET,
        "image_url": f"{PAGE}/qr.png",
        "events_url": f"{PAGE}/events",
    }
    return QrView(**{**values, **changes})


def handover(lang="vi"):
    return HandoverView(
        frame=frame(f"{PAGE}/handover", lang),
        money=MoneyLine(key="M0"),
        code=CODE,
        amount=21000,
        provider="VNPAY",
        host="pay.vnpay.example",
        url="https://pay.vnpay.example/pay?vnp_TxnRef=1&vnp_Amount=2100000",
        change_url=PAGE,
    )


def receipt(lang="vi", **changes):
    values = {
        "frame": frame(f"{PAGE}/receipt", lang),
        "money": MoneyLine(key="M3", amount=21000),
        "number": "XN-2026-000001",
        "code": CODE,
        "payer_name": "Nguyễn Văn An",
        "items": (ITEM,),
        "total": 21000,
        "method": "VietQR",
        "reference": "FT26306123456789",
        "paid_at": NOW,
        "back_url": f"{PAGE}/result",
        "procedure": "Chứng thực bản sao từ bản chính (5 trang, 3 bản)",
        "pdf_url": f"{PAGE}/receipt.pdf",
        "pdf_size_kb": 38,
    }
    return ReceiptView(**{**values, **changes})


def result(state, lang="vi", **changes):
    values = {
        "frame": frame(f"{PAGE}/result", lang),
        "state": state,
        "money": MoneyLine(key="M2", evidence=("ev_1",)),
        "code": CODE,
        "amount": 21000,
        "provider": "VNPAY",
        "pay_url": PAGE,
        "portal_url": "https://portal.example/ho-so/1",
    }
    return ResultView(**{**values, **changes})


def results(lang="vi"):
    """Every state of the guide's table, with the money line that belongs to it."""
    paid = MoneyLine(key="M3", amount=21000, evidence=("ev_2",))
    money = {
        "paid_at": NOW,
        "reference": "FT26306123456789",
        "confirmation_url": f"{PAGE}/receipt",
    }
    s, due = ResultState, NOW + timedelta(days=5)
    events = f"{PAGE}/events"
    return {
        "confirming": result(s.CONFIRMING, lang, events_url=events),
        "unknown": result(
            s.UNKNOWN,
            lang,
            events_url=events,
            retry_times=(NOW, NOW + timedelta(minutes=10), NOW + timedelta(minutes=30)),
            money=MoneyLine(key="M2", grounds=("16:30: đã hỏi VNPAY, chưa có trả lời.",)),
        ),
        "unknown_untimed": result(s.UNKNOWN, lang),
        "paid": result(s.PAID, lang, money=paid, told_at=NOW, **money),
        "paid_untold": result(s.PAID, lang, money=paid, tries=2, events_url=events, **money),
        "paid_late": result(
            s.PAID_LATE, lang, money=paid, deadline=NOW - timedelta(days=1), accepted=True, **money
        ),
        "paid_late_review": result(
            s.PAID_LATE, lang, money=paid, deadline=NOW - timedelta(days=1), **money
        ),
        "partial": result(
            s.PARTIAL, lang, rest=6000, money=MoneyLine(key="M4", got=15000, total=21000, rest=6000)
        ),
        "over": result(
            s.OVER,
            lang,
            diff=21000,
            due_by=due,
            refund_account_url=f"{PAGE}/refund-account",
            money=MoneyLine(key="M5", diff=21000),
        ),
        "over_undated": result(s.OVER, lang, diff=1000, money=MoneyLine(key="M5", diff=1000)),
        "review": result(s.REVIEW, lang, due_by=due, reason="nội dung chuyển khoản bị sửa"),
        "review_undated": result(s.REVIEW, lang, reason="nội dung chuyển khoản bị sửa"),
        "expired": result(s.EXPIRED, lang, money=MoneyLine(key="M1"), find_url=f"{PAGE}/find"),
        "cancelled_by_payer": result(
            s.CANCELLED_BY_PAYER, lang, money=MoneyLine(key="M1"), deadline=due
        ),
        "cancelled_by_payer_undated": result(s.CANCELLED_BY_PAYER, lang, money=MoneyLine(key="M0")),
        "cancelled_by_agency": result(
            s.CANCELLED_BY_AGENCY, lang, money=MoneyLine(key="M0"), reason="hồ sơ đã rút"
        ),
        "declined": result(
            s.DECLINED,
            lang,
            money=MoneyLine(key="M8", provider="VNPAY"),
            reason="Tài khoản không đủ số dư.",
            retry_url=f"{PAGE}/handover",
        ),
        "refunding": result(
            s.REFUNDING,
            lang,
            money=MoneyLine(key="M6", amount=21000),
            refund_reference="HP-0001",
            account_tail="0446",
        ),
        "refunded": result(
            s.REFUNDED,
            lang,
            money=MoneyLine(key="M7", amount=21000, at=NOW),
            refund_reference="HP-0001",
        ),
    }


def error(lang="vi", **changes):
    values = {
        "frame": frame(lang=lang),
        "incident": "SC-7QX2",
        "money": MoneyLine(key="M2"),
        "code": CODE,
        "pay_url": PAGE,
    }
    return ErrorView(**{**values, **changes})
