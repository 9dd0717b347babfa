"""What a PKCS#11 token's error means for the person who wanted to sign.

Owns the table from error classes (by name: the binding is optional) to our refusals and their
Vietnamese sentences. PKCS#11 v2.40 §5.6 (C_Login) and §4.2 (CK_TOKEN_INFO flags): a token tells
how many tries remain only by three flags, so we say what they say and no more.
"""

from __future__ import annotations

from signing.contract import CredentialRefused, SigningError
from signing.keys.contract import KeyUnavailable

# CK_TOKEN_INFO flags
PIN_COUNT_LOW = 0x0001_0000
PIN_FINAL_TRY = 0x0002_0000
PIN_LOCKED = 0x0004_0000

_WRONG_PIN = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})
_ABSENT = frozenset(
    {
        "NoSuchToken", "TokenNotPresent", "TokenNotRecognised", "SlotIDInvalid",
        "DeviceRemoved", "NoSuchSlot",
    }
)  # fmt: skip
_REFUSED = {
    "PinLocked": (
        "pin_locked",
        "Mã PIN của thiết bị ký đã bị khóa vì nhập sai nhiều lần; cần mở khóa thiết bị.",
        "the token's PIN is locked",
    ),
    "PinExpired": (
        "pin_expired",
        "Mã PIN của thiết bị ký đã hết hạn, cần đổi mã PIN trước khi ký.",
        "the token's PIN has expired",
    ),
    "UserPinNotInitialized": (
        "pin_not_set",
        "Thiết bị ký chưa được đặt mã PIN.",
        "the token has no user PIN yet",
    ),
    "MechanismInvalid": (
        "mechanism_missing",
        "Thiết bị ký không hỗ trợ thuật toán ký được yêu cầu.",
        "the token cannot sign with the required mechanism",
    ),
    "MechanismParamInvalid": (
        "mechanism_missing",
        "Thiết bị ký không hỗ trợ tham số ký được yêu cầu.",
        "the token refuses the mechanism's parameters",
    ),
}
# A session or login that no longer holds: nothing was signed, a new one may be opened.
STALE = frozenset(
    {
        "SessionHandleInvalid", "SessionClosed", "UserNotLoggedIn", "ObjectHandleInvalid",
        "KeyHandleInvalid", "DeviceError", "DeviceRemoved", "TokenNotPresent", "GeneralError",
    }
)  # fmt: skip


def refusal_of(error: Exception, flags: int | None = None) -> SigningError:
    """Our refusal for a token's error; ``flags`` are the token's after a failed login."""
    name = type(error).__name__
    if name in _WRONG_PIN:
        return _wrong_pin(flags)
    if name in _REFUSED:
        return CredentialRefused(*_REFUSED[name])
    if name in _ABSENT:
        return KeyUnavailable(
            "token_absent",
            "Không thấy thiết bị ký (chưa cắm hoặc đã rút ra); văn bản chưa được ký.",
            "the token is not present; nothing was signed",
        )
    return KeyUnavailable(
        "token_error",
        "Thiết bị ký gặp lỗi; văn bản chưa được ký, xin thử lại.",
        f"the token failed with {name}; nothing was signed",
    )


def _wrong_pin(flags: int | None) -> CredentialRefused:
    if flags is not None and flags & PIN_LOCKED:
        return CredentialRefused(*_REFUSED["PinLocked"])
    remain_vi, remain_en = "", ""
    if flags is not None and flags & PIN_FINAL_TRY:
        remain_vi, remain_en = " Chỉ còn 1 lần thử trước khi bị khóa.", "; one try remains"
    elif flags is not None and flags & PIN_COUNT_LOW:
        remain_vi = " Thiết bị đã ghi nhận lần nhập sai; nhập sai thêm có thể bị khóa."
        remain_en = "; the token counts failed tries"
    return CredentialRefused(
        "wrong_pin",
        f"Mã PIN của thiết bị ký không đúng.{remain_vi}",
        f"wrong PIN{remain_en}",
    )
