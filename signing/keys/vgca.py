"""Keys on officials' own desks, used by the desktop signer of Ban Cơ yếu Chính phủ (VGCA).

Such a key never comes near this gateway: the whole file goes to the desk and comes back signed
(``Confirmation.HAND_OFF``). All that is configured is whose signature is expected: a file with the
official's or agency's certificate, the next one beside it while it is being renewed. Leaves judging
what comes back to ``signing.remote.hand_off``, the addresses the program uses to the gateway.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from signing.contract import Clock, Confirmation, CredentialRefused, KeyConfig
from signing.keys.confirmed import ConfirmedKey, waiting_key
from signing.keys.contract import OpenedKey
from signing.keys.refusals import refuse_faults, unreadable


class VgcaSource:
    """A configured desk key; it cannot be opened for signing."""

    def __init__(self, config: KeyConfig, clock: Clock) -> None:
        refuse_faults(config)
        self.config = config
        self._clock = clock

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Give the certificate that is valid now, so that the key can be listed."""
        keys = self.expected()
        now = self._clock.now()
        valid = [
            key
            for key in keys
            if key.certificate.not_valid_before_utc <= now <= key.certificate.not_valid_after_utc
        ]
        return (valid or keys)[0]

    def expected(self) -> tuple[ConfirmedKey, ...]:
        """Whose signature is accepted, one key a certificate.

        Raises:
            CredentialRefused: code ``key_unreadable``.
        """
        certificates = _read(self.config)
        return tuple(
            waiting_key(self.config, one, confirmation=Confirmation.HAND_OFF)
            for one in certificates
        )


def _read(config: KeyConfig) -> list[x509.Certificate]:
    try:
        data = Path(config.path).read_bytes()
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except OSError as error:
        raise unreadable(config, error.strerror or "cannot open the file") from None
    except ValueError:
        raise unreadable(config, "not a certificate") from None


def not_handed_off(name: str) -> CredentialRefused:
    """The key is of another kind."""
    return CredentialRefused(
        "not_handed_off",
        f"Khóa “{name}” không phải loại ký trên máy của người ký.",
        f"key {name!r} is not used by a desktop program",
    )
