"""What every kind of key looks like once it is open.

A key makes raw signatures over bytes; CMS, PDF and trust are built elsewhere. An opened key keeps
its private-key object (or session) loaded: opening is the expensive part
(OpenSSL checks an RSA key for some 80 ms every time it is parsed).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeGuard, runtime_checkable

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from signing.contract import (
    Credential,
    KeyConfig,
    RemoteItem,
    SigningUnavailable,
    Ticket,
    Told,
)

PSS_SALT_LENGTH = 32  # bytes; the length of a SHA-256 digest
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def hash_of(config: KeyConfig) -> hashes.HashAlgorithm:
    """The digest a key signs with; an RSASSA-PSS salt is as long as it (RFC 4055 §3.1)."""
    return _HASHES[config.digest]


class KeyUnavailable(SigningUnavailable):
    """The key's own token or service failed: asking another time-stamping authority is no help."""


class OpenedKey(Protocol):
    """A usable private key with its certificate and the chain that came with it."""

    @property
    def config(self) -> KeyConfig:
        """How the key is configured."""
        ...

    @property
    def credential(self) -> Credential:
        """The key as the gateway knows it."""
        ...

    @property
    def certificate(self) -> x509.Certificate:
        """Whose key it is."""
        ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What the key store holds besides; candidates for the chain, not trusted."""
        ...

    @property
    def uses_pss(self) -> bool:
        """Whether RSA signatures are RSASSA-PSS (ignored by other algorithms)."""
        ...

    @property
    def signature_size(self) -> int:
        """The longest raw signature this key makes, in bytes."""
        ...

    @property
    def kept(self) -> bool:
        """Whether the same object serves every act; False when it holds one act's PIN."""
        ...

    @property
    def spent(self) -> bool:
        """Whether this act has already used what it cannot repeat (a confirmation, a code)."""
        ...

    async def sign_raw(self, data: bytes) -> bytes:
        """Sign ``data`` with the configured digest; RSA as RSASSA-PSS, EC as DER ECDSA.

        Raises:
            CredentialRefused, KeyUnavailable.
        """
        ...

    async def release(self) -> None:
        """End the act: forget its PIN, log out, close its connection. Kept keys stay open."""
        ...


@runtime_checkable
class AuthorisedKey(OpenedKey, Protocol):
    """A key whose owner's confirmation is for one act and cannot be repeated in it.

    Each raw signature is made once; whoever uses it keeps it until file and time-stamp are there.
    """

    def expect(self, signatures: int) -> None:
        """Say how many signatures the act consists of, before the first.

        Raises:
            CredentialRefused: ``one_time_code_used`` when what was given is too little for them.
        """
        ...


def is_authorised(key: OpenedKey) -> TypeGuard[AuthorisedKey]:
    """Whether a key is an ``AuthorisedKey``, told by its class.

    Asked for every document; ``isinstance`` would look at each member of the protocol anew.
    """
    return hasattr(type(key), "expect")


class KeySource(Protocol):
    """A configured key before it is open."""

    config: KeyConfig

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Open the key for one act, or give the one already open; ``release`` it afterwards.

        Raises:
            CredentialRefused: ``pin_required``, ``wrong_pin``, ``key_unreadable`` …
            KeyUnavailable: the token or the service cannot be reached.
        """
        ...


@runtime_checkable
class ConfirmedSource(KeySource, Protocol):
    """A key whose owner confirms in the provider's application; see ``contract.remote``.

    ``open`` gives a key with a certificate that cannot sign here. ``now`` is the injected time.
    """

    async def start(self, reference: str, items: tuple[RemoteItem, ...], now: datetime) -> Ticket:
        """Send the digests once.

        Raises:
            KeyUnavailable: nothing was sent.
        """
        ...

    async def ask(self, ticket: Ticket, now: datetime) -> Ticket:
        """How it stands; the same ticket when nobody answers."""
        ...

    async def cancel(self, ticket: Ticket, now: datetime) -> Ticket:
        """Withdraw it where the provider can; else only ask."""
        ...

    def read_callback(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Told:
        """Verify and read.

        Raises:
            CredentialRefused: code ``callback_refused``.
        """
        ...
