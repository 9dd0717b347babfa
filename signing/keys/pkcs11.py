"""Keys on PKCS#11 tokens and HSMs, that never leave them.

Owns finding certificate and key, the choice of mechanism, and the raw signature's form. Leaves
login and sessions to ``token``, the sentences for errors to ``token_refusals``. The PIN comes with
each act and lives until the act is released; only an HSM's PIN may stand in the configuration (as
a secret), for the agency's seal. Follows PKCS#11 v2.40 (mechanisms §2.1, §2.3).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from signing.contract import Credential, CredentialRefused, KeyConfig
from signing.key_config import TokenConfig
from signing.keys.certified import describe, signature_size
from signing.keys.contract import OpenedKey, hash_of
from signing.keys.refusals import pin_required, refuse_faults, wrong_pin
from signing.keys.token import Seat, Token, find_token
from signing.keys.token_library import binding
from signing.keys.token_refusals import refusal_of

# DigestInfo before the digest itself (RFC 8017 §9.2 note 1)
_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands on the token: the certificate, its neighbours, how its key signs."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    mechanism: Any
    mechanism_param: Any
    hashed: bool  # the token is given the digest, not the data


@dataclass(slots=True)
class Pkcs11Key:
    """An opened key on a token; see ``OpenedKey``."""

    config: KeyConfig
    credential: Credential
    kept: bool
    _token: Token
    _found: _Found
    _pin: str = field(repr=False)
    _released: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        """Whose key it is."""
        return self._found.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The other certificates on the token."""
        return self._found.chain

    @property
    def uses_pss(self) -> bool:
        """RSASSA-PSS unless the audited exception is configured (TT 15/2025 Annex I)."""
        return not self.config.allow_pkcs1v15

    @property
    def signature_size(self) -> int:
        """Modulus length for RSA; DER of two integers for EC."""
        return signature_size(self.certificate)

    @property
    def spent(self) -> bool:
        """A token signs again within the act."""
        return False

    async def sign_raw(self, data: bytes) -> bytes:
        """Sign on the token, in a thread: the device may take its time."""
        raw: bytes = await asyncio.to_thread(self._token.run, self._pin, self._signing(data))
        if isinstance(self.certificate.public_key(), ec.EllipticCurvePublicKey):
            half = len(raw) // 2
            return encode_dss_signature(
                int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
            )
        return raw

    async def release(self) -> None:
        """Forget the act's PIN; the token logs out with its last act."""
        if not self.kept and not self._released:
            self._released, self._pin = True, ""
            await asyncio.to_thread(self._token.leave)

    def _signing(self, data: bytes) -> Any:
        found, config = self._found, self.config
        given = data
        if found.hashed:
            given = hashlib.new(config.digest, data).digest()
            if found.mechanism == binding().Mechanism.RSA_PKCS:
                given = _DIGEST_INFO[config.digest] + given

        def work(seat: Seat) -> bytes:
            if config.name not in seat.found:
                seat.found[config.name] = _private_key(seat.session, config, found.certificate)
            key = seat.found[config.name]
            raw = key.sign(given, mechanism=found.mechanism, mechanism_param=found.mechanism_param)
            return bytes(raw)

        return work


class Pkcs11Source:
    """A configured key on a token; keeps it open only when its PIN is configured."""

    def __init__(self, config: KeyConfig) -> None:
        refuse_faults(config)
        self.config = config
        self._key: Pkcs11Key | None = None

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Log in to the token; a configured PIN is compared with one that is given."""
        configured = self.config.password
        used = configured if configured is not None else pin
        if used is None:
            raise pin_required()
        if pin is not None and not hmac.compare_digest(pin.encode(), used.encode()):
            raise wrong_pin()
        if self._key is None:
            key = await asyncio.to_thread(self._open, used, kept=configured is not None)
            if not key.kept:
                return key
            self._key = key
        return self._key

    def _open(self, pin: str, *, kept: bool) -> Pkcs11Key:
        token = find_token(self.config)
        token.enter(pin, stay=kept)
        try:
            found = token.run(pin, lambda seat: _look(seat.session, token, self.config))
            credential = describe(self.config, found.certificate)
        except BaseException:
            token.leave()
            raise
        return Pkcs11Key(self.config, credential, kept, token, found, pin)


def _look(session: Any, token: Token, config: KeyConfig) -> _Found:
    own, others = _certificates(session, config)
    _private_key(session, config, own)  # a missing key is told before anything is prepared
    mechanism, param, hashed = _mechanism(token.mechanisms, own, config)
    return _Found(own, others, mechanism, param, hashed)


def _certificates(
    session: Any, config: KeyConfig
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The key's certificate, and every other one the token holds."""
    pkcs11 = binding()
    wanted = _template(config, certificate=True)
    own: list[x509.Certificate] = []
    others: list[x509.Certificate] = []
    query = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}
    for one in session.get_objects(query):
        try:
            certificate = x509.load_der_x509_certificate(one[pkcs11.Attribute.VALUE])
        except ValueError:
            continue  # a token may carry certificates of other kinds
        fits = all(one[name] == value for name, value in wanted.items())
        (own if fits else others).append(certificate)
    if len(own) != 1:
        raise _not_found(config, f"{len(own)} certificates fit")
    return own[0], tuple(others)


def _private_key(session: Any, config: KeyConfig, certificate: x509.Certificate) -> Any:
    pkcs11 = binding()
    is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    wanted = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.RSA if is_rsa else pkcs11.KeyType.EC,
        **_template(config, certificate=False),
    }
    keys = list(session.get_objects(wanted))
    if len(keys) != 1:
        raise _not_found(config, f"{len(keys)} private keys fit")
    return keys[0]


def _template(config: KeyConfig, *, certificate: bool) -> dict[Any, Any]:
    """What to look for: the id where configured, else the label."""
    attribute = binding().Attribute
    token = config.token or TokenConfig()
    if certificate and token.certificate_label:
        return {attribute.LABEL: token.certificate_label}
    found: dict[Any, Any] = {}
    if token.key_id:
        found[attribute.ID] = bytes.fromhex(token.key_id)
    if token.key_label and not (certificate and token.key_id):
        found[attribute.LABEL] = token.key_label
    return found


def _mechanism(
    offered: frozenset[int], certificate: x509.Certificate, config: KeyConfig
) -> tuple[Any, Any, bool]:
    """(mechanism, parameter, whether it takes the digest): the first of ours the token offers."""
    pkcs11 = binding()
    names, digest = pkcs11.Mechanism, config.digest.upper()
    ours: tuple[tuple[Any, Any, bool], ...]
    salted = (names[digest], pkcs11.MGF[digest], hash_of(config).digest_size)
    if isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        ours = ((names.ECDSA, None, True), (names[f"ECDSA_{digest}"], None, False))
    elif config.allow_pkcs1v15:
        ours = ((names[f"{digest}_RSA_PKCS"], None, False), (names.RSA_PKCS, None, True))
    else:
        ours = (
            (names[f"{digest}_RSA_PKCS_PSS"], salted, False),
            (names.RSA_PKCS_PSS, salted, True),
        )
    for choice in ours:
        if int(choice[0]) in offered:
            return choice
    raise refusal_of(pkcs11.MechanismInvalid())


def _not_found(config: KeyConfig, detail: str) -> CredentialRefused:
    return CredentialRefused(
        "key_not_found",
        f"Không xác định được khóa hoặc chứng thư số “{config.name}” trên thiết bị ký.",
        f"key {config.name!r} on its token: {detail}",
    )
