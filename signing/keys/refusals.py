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


def unreadable(config: KeyConfig, detail: str) -> CredentialRefused:
    """The configured file is missing or holds something else."""
    return CredentialRefused(
        "key_unreadable",
        f"Không đọc được khóa ký “{config.name}”.",
        f"key {config.name!r} cannot be read: {detail}",
    )


def wrong_pin() -> CredentialRefused:
    """What was given does not open the key."""
    return CredentialRefused(
        "wrong_pin", "Mã PIN hoặc mật khẩu khóa ký không đúng.", "wrong PIN or password"
    )


def callback_refused(detail: str) -> CredentialRefused:
    """A callback that proves nothing; its content is not believed."""
    return CredentialRefused(
        "callback_refused",
        "Thông báo từ dịch vụ ký số không xác thực được nên không được dùng.",
        f"the callback is refused: {detail}",
    )


def no_single_certificate(config: KeyConfig, found: int, option: str) -> CredentialRefused:
    """The service holds none or several, and nobody said which."""
    return CredentialRefused(
        "key_not_found" if found == 0 else "certificate_ambiguous",
        f"Dịch vụ ký số có {found} chứng thư số cho khóa “{config.name}”; cần đúng một, hãy xem lại"
        f" {option}.",
        f"{found} certificates fit key {config.name!r}",
    )
