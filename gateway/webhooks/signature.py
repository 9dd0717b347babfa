"""Sign and verify webhook messages: the canonical string, its MAC and its Ed25519 signature.

Pure. Owns the key formats and the ``webhook-*`` headers; leaves to others where keys are kept,
which of them are active, and what is in the body.

Follows Standard Webhooks 1.0.0: the signed string is ``id.timestamp.body``; ``v1`` is
HMAC-SHA256 with a ``whsec_`` secret, ``v1a`` is Ed25519 with a ``whsk_`` private key whose public
half travels as ``whpk_``. While a secret is being rotated one header carries a pair for each.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
TOLERANCE_S: Final = 300

_SYMMETRIC_PREFIX: Final = "whsec_"
_PRIVATE_PREFIX: Final = "whsk_"
_PUBLIC_PREFIX: Final = "whpk_"
_SECRET_BYTES: Final = 32  # the standard asks for 24 to 64
_SEED_BYTES: Final = 32
_MAX_DIGITS: Final = 20
_MAX_SIGNATURES: Final = 32  # a hostile header must not buy unbounded Ed25519 work


class KeyUnusable(ValueError):
    """A key that is empty, not base64 or of the wrong length; the message never quotes it."""


class SignatureInvalid(Exception):
    """The message is not from whom it says, or not from now; nothing in it may be read."""


@dataclass(frozen=True, slots=True)
class SymmetricKey:
    """A ``whsec_`` secret shared with one receiver."""

    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> SymmetricKey:
        """Read ``whsec_…`` or bare base64, padded or not.

        Raises:
            KeyUnusable: empty or not base64.
        """
        return cls(_decode_key(text.removeprefix(_SYMMETRIC_PREFIX)))

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> SymmetricKey:
        """Draw a new secret from a cryptographic source."""
        return cls(random_bytes(_SECRET_BYTES))

    @property
    def text(self) -> str:
        """``whsec_…``: shown once to the portal, never logged."""
        return _SYMMETRIC_PREFIX + base64.b64encode(self.secret).decode()

    def sign(self, signed: bytes) -> str:
        """The ``v1,…`` entry for the canonical string."""
        digest = hmac.new(self.secret, signed, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()

    def verify(self, entry: str, signed: bytes) -> bool:
        """Whether this entry is ours, compared in constant time."""
        given = entry.encode(errors="surrogateescape")  # headers may carry any byte
        return hmac.compare_digest(given, self.sign(signed).encode())


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A ``whpk_`` key: verifies ``v1a`` entries, makes none."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read ``whpk_…``.

        Raises:
            KeyUnusable: no 32-byte key.
        """
        raw = _decode_key(text.removeprefix(_PUBLIC_PREFIX))
        if len(raw) != _SEED_BYTES:
            raise KeyUnusable("a public key has 32 bytes")
        return cls(raw)

    @property
    def text(self) -> str:
        """``whpk_…``, as given to portals."""
        return _PUBLIC_PREFIX + base64.b64encode(self.raw).decode()

    @property
    def key_id(self) -> str:
        """A stable short name for the key, derived from it."""
        return "whk_" + hashlib.sha256(self.raw).hexdigest()[:24]

    def verify(self, entry: str, signed: bytes) -> bool:
        """Whether this entry was made with the private half."""
        version, _, encoded = entry.partition(",")
        if version != "v1a":
            return False
        try:
            value = base64.b64decode(encoded, validate=True)
            Ed25519PublicKey.from_public_bytes(self.raw).verify(value, signed)
        except (InvalidSignature, ValueError):
            return False
        # The last character has unused bits: one signature has one spelling only.
        return base64.b64encode(value).decode() == encoded


class PrivateKey:
    """A ``whsk_`` key: the Ed25519 seed that makes ``v1a`` entries; loaded once, used often."""

    __slots__ = ("_key", "_seed", "public")

    public: PublicKey
    """The half that may be published."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> PrivateKey:
        """Read ``whsk_…``: a 32-byte seed, or libsodium's seed and public key (64 bytes).

        Raises:
            KeyUnusable: wrong length, or a public half that is not the seed's own.
        """
        raw = _decode_key(text.removeprefix(_PRIVATE_PREFIX))
        if len(raw) not in (_SEED_BYTES, 2 * _SEED_BYTES):
            raise KeyUnusable("a private key has 32 or 64 bytes")
        key = cls(raw[:_SEED_BYTES])
        if raw[_SEED_BYTES:] not in (b"", key.public.raw):
            raise KeyUnusable("the public half does not belong to the seed")
        return key

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> PrivateKey:
        """Draw a new key from a cryptographic source."""
        return cls(random_bytes(_SEED_BYTES))

    @property
    def text(self) -> str:
        """``whsk_…`` in libsodium's 64-byte form: for storage (encrypted), never shown."""
        return _PRIVATE_PREFIX + base64.b64encode(self._seed + self.public.raw).decode()

    def sign(self, signed: bytes) -> str:
        """The ``v1a,…`` entry for the canonical string."""
        return "v1a," + base64.b64encode(self._key.sign(signed)).decode()


def canonical(message_id: str, timestamp: int | str, body: bytes) -> bytes:
    """The signed string ``id.timestamp.body``.

    Raises:
        ValueError: an id that is empty or holds a dot or space (it could be shifted into the
            timestamp), or a timestamp that is not whole, non-negative Unix seconds.
    """
    if not message_id or not message_id.isascii() or any(c in ". \r\n" for c in message_id):
        raise ValueError("message id is empty or holds a separator")
    seconds = str(timestamp)
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _MAX_DIGITS):
        raise ValueError("timestamp is not whole Unix seconds")
    return b"%s.%s.%s" % (message_id.encode(), seconds.encode(), body)


def sign(
    keys: Sequence[SymmetricKey | PrivateKey], message_id: str, timestamp: int | str, body: bytes
) -> dict[str, str]:
    """The three headers of one sending; an entry for every active key, in the order given.

    Raises:
        ValueError: unusable id or timestamp, or no key at all.
    """
    if not keys:
        raise ValueError("a webhook is never sent unsigned")
    signed = canonical(message_id, timestamp, body)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(key.sign(signed) for key in keys),
    }


def verify(
    keys: Sequence[SymmetricKey | PublicKey],
    headers: Mapping[str, str | None],
    body: bytes,
    *,
    now: int,
    tolerance_s: int = TOLERANCE_S,
) -> None:
    """Check one message against every active key, as a receiver does.

    Args:
        keys: any one of them may match.
        headers: lower-case names.
        body: the raw bytes as received.
        now: Unix seconds.
        tolerance_s: how far the timestamp may lie from ``now``, either way.

    Raises:
        SignatureInvalid: a header is missing or malformed, the time is off, or no entry matches.
    """
    message_id = headers.get(ID_HEADER)
    timestamp = headers.get(TIMESTAMP_HEADER)
    entries = headers.get(SIGNATURE_HEADER)
    if not message_id or not timestamp or not entries:
        raise SignatureInvalid("a required header is missing")
    try:
        signed = canonical(message_id, timestamp, body)
    except ValueError as error:
        raise SignatureInvalid(str(error)) from error
    if abs(now - int(timestamp)) > tolerance_s:
        raise SignatureInvalid("timestamp is too old or too new")
    # All entries are tried, matched or not: the time taken tells nothing about which one held.
    tried = entries.split(" ")[:_MAX_SIGNATURES]
    matches = [key.verify(entry, signed) for entry in tried for key in keys]
    if True not in matches:
        raise SignatureInvalid("no signature matches")


def _decode_key(text: str) -> bytes:
    body = text.rstrip("=")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnusable("a key is not base64") from None
    if not raw:
        raise KeyUnusable("a key is empty")
    return raw
