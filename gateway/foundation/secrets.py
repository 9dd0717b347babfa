"""Secrets at rest: AES-256-GCM under a master key that lives outside the database.

Several master keys may be active; the first encrypts, each decrypts, so a rotation overlaps.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class SecretUnreadable(Exception):
    """No active master key opens this value."""


class SecretBox:
    """Seals small values; ``context`` binds a value to its row, so it cannot be moved."""

    def __init__(self, master_keys: Sequence[bytes]) -> None:
        if not master_keys or any(len(k) != 32 for k in master_keys):
            raise ValueError("master keys are 32 bytes each, at least one")
        self._keys = {hashlib.sha256(b"id" + k).digest()[:4]: AESGCM(k) for k in master_keys}
        self._current = next(iter(self._keys))

    def seal(self, value: bytes, context: str) -> bytes:
        """Encrypt: 4 bytes key id, 12 bytes nonce, ciphertext with tag."""
        nonce = os.urandom(12)
        sealed = self._keys[self._current].encrypt(nonce, value, context.encode())
        return self._current + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt.

        Raises:
            SecretUnreadable: unknown key, other context, or changed bytes.
        """
        key = self._keys.get(sealed[:4])
        if key is None:
            raise SecretUnreadable("sealed with a master key that is not configured")
        try:
            return key.decrypt(sealed[4:16], sealed[16:], context.encode())
        except InvalidTag as error:
            raise SecretUnreadable("value or context was changed") from error


def derive_key(master: str) -> bytes:
    """32 bytes from the configured text, whatever its form."""
    return hashlib.sha256(b"motcua master key\x00" + master.encode()).digest()
