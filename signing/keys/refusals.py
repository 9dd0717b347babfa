"""Refusals that every kind of key has in common."""

from __future__ import annotations

from signing.contract import CredentialRefused, KeyConfig


def pin_required() -> CredentialRefused:
    """Nobody gave what opens the key."""
    return CredentialRefused("pin_required", "Cần nhập mã PIN của khóa ký.", "this key needs a PIN")


def refuse_faults(config: KeyConfig) -> None:
    """Refuse at the start what could never sign, or would send a PIN in the clear.

    Raises:
        CredentialRefused: code ``key_misconfigured``.
    """
    faults = "; ".join(config.faults())
    if faults:
        raise CredentialRefused(
            "key_misconfigured",
            f"Cấu hình khóa ký “{config.name}” chưa đúng: {faults}.",
            f"key {config.name!r} is misconfigured",
        )


def wrong_pin() -> CredentialRefused:
    """What was given does not open the key."""
    return CredentialRefused(
        "wrong_pin", "Mã PIN hoặc mật khẩu khóa ký không đúng.", "wrong PIN or password"
    )
