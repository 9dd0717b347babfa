"""The keys webhooks are signed with: made here, sealed before they reach the database.

One secret of an endpoint is a pair: the HMAC secret that the portal is shown once, and an Ed25519
key of which the portal gets the public half. Opened pairs are remembered, since opening and
loading costs more than signing. Leaves formats to ``signature``, rows to ``store``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row

from gateway.foundation.clock import Clock
from gateway.foundation.ids import new_id
from gateway.foundation.secrets import SecretBox
from gateway.webhooks.signature import PrivateKey, SymmetricKey

_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made: the row to store, and the text to show once."""

    row: dict[str, Any] = field(repr=False)
    shown: str = field(repr=False)
    public_key: str


class KeyRing:
    """Makes and opens the secrets of endpoints."""

    def __init__(self, box: SecretBox, clock: Clock) -> None:
        self._box = box
        self._clock = clock
        self._opened: dict[str, tuple[SymmetricKey, PrivateKey]] = {}

    def make(self, tenant: str, endpoint_id: str) -> NewSecret:
        """Draw a pair; it is in force from now on, without an end."""
        secret_id = new_id("whs", self._clock)
        symmetric, private = SymmetricKey.generate(os.urandom), PrivateKey.generate(os.urandom)
        plain = f"{symmetric.text} {private.text}".encode()
        row = {
            "id": secret_id,
            "tenant": tenant,
            "endpoint_id": endpoint_id,
            "sealed": self._box.seal(plain, _context(secret_id, endpoint_id)),
            "public_key": private.public.text,
            "created_at": self._clock.now(),
            "expires_at": None,
        }
        return NewSecret(row, symmetric.text, private.public.text)

    def open(self, rows: Iterable[Row[Any]]) -> list[SymmetricKey | PrivateKey]:
        """The signing keys of stored secrets, a pair each, in the order given.

        Raises:
            SecretUnreadable: a row was changed, or its master key is not configured.
        """
        keys: list[SymmetricKey | PrivateKey] = []
        for row in rows:
            pair = self._opened.get(row.id)
            if pair is None:
                pair = self._open(row)
            keys.extend(pair)
        return keys

    def seal_answer(self, body: bytes, scope: str, key: str) -> bytes:
        """Seal an API answer that shows a secret, for the idempotency record."""
        return self._box.seal(body, f"webhook-answer:{scope}:{key}")

    def open_answer(self, sealed: bytes, scope: str, key: str) -> bytes:
        """Open what ``seal_answer`` sealed."""
        return self._box.open(sealed, f"webhook-answer:{scope}:{key}")

    def _open(self, row: Row[Any]) -> tuple[SymmetricKey, PrivateKey]:
        plain = self._box.open(bytes(row.sealed), _context(row.id, row.endpoint_id)).decode()
        symmetric, _, private = plain.partition(" ")
        pair = (SymmetricKey.parse(symmetric), PrivateKey.parse(private))
        if len(self._opened) >= _REMEMBERED:
            self._opened.clear()
        self._opened[row.id] = pair
        return pair


def _context(secret_id: str, endpoint_id: str) -> str:
    return f"webhook-secret:{endpoint_id}:{secret_id}"
