"""What a token's errors become; the locked PIN and the last try, which SoftHSM2 never shows."""

from __future__ import annotations

import pytest

from signing.contract import CredentialRefused, KeyConfig, SigningUnavailable
from signing.key_config import TokenConfig
from signing.keys import source_for, token_library
from signing.keys.token_refusals import (
    PIN_COUNT_LOW,
    PIN_FINAL_TRY,
    PIN_LOCKED,
    refusal_of,
)


def error(name):
    """An error of the binding, which may not be installed: only its name is read."""
    return type(name, (RuntimeError,), {})()


@pytest.mark.parametrize(
    ("name", "flags", "kind", "code", "words"),
    [
        ("PinIncorrect", None, CredentialRefused, "wrong_pin", "không đúng."),
        ("PinLenRange", 0, CredentialRefused, "wrong_pin", "không đúng."),
        ("PinIncorrect", PIN_COUNT_LOW, CredentialRefused, "wrong_pin", "ghi nhận lần nhập sai"),
        (
            "PinIncorrect", PIN_COUNT_LOW | PIN_FINAL_TRY, CredentialRefused, "wrong_pin",
            "Chỉ còn 1 lần thử",
        ),
        ("PinIncorrect", PIN_LOCKED, CredentialRefused, "pin_locked", "đã bị khóa"),
        ("PinLocked", None, CredentialRefused, "pin_locked", "đã bị khóa"),
        ("PinExpired", None, CredentialRefused, "pin_expired", "hết hạn"),
        ("UserPinNotInitialized", None, CredentialRefused, "pin_not_set", "chưa được đặt"),
        ("MechanismInvalid", None, CredentialRefused, "mechanism_missing", "thuật toán"),
        ("TokenNotPresent", None, SigningUnavailable, "token_absent", "rút ra"),
        ("DeviceRemoved", None, SigningUnavailable, "token_absent", "rút ra"),
        ("DeviceMemory", None, SigningUnavailable, "token_error", "chưa được ký"),
        ("SomethingNew", None, SigningUnavailable, "token_error", "chưa được ký"),
    ],
)  # fmt: skip
def test_every_error_has_its_answer(name, flags, kind, code, words):
    """The kind says whether trying again may help; the sentence says what the token told."""
    told = refusal_of(error(name), flags)
    assert isinstance(told, kind)
    assert told.code == code
    assert words in told.message_vi


async def test_without_the_binding_only_token_keys_are_missing(monkeypatch):
    """The product works without the optional package; a token's key says what to install."""
    monkeypatch.setitem(token_library.importlib.sys.modules, "pkcs11", None)
    place = TokenConfig(label="x", key_id="01")
    source = source_for(KeyConfig("x", "pkcs11", path="/nowhere.so", token=place))
    with pytest.raises(SigningUnavailable) as caught:
        await source.open("1234")
    assert caught.value.code == "pkcs11_missing"
