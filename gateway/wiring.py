"""From settings to the values capabilities are built from; every problem named at once."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from connectors import registry
from connectors.contract import (
    Account,
    Clock,
    MisconfiguredAccount,
    NotificationConnector,
    PaymentConnector,
    PostalConnector,
    Spec,
    Transport,
)
from gateway.certification.rules import Agency, Certifier, Offices
from gateway.documents.confirmations.desk import ConfirmationPolicy
from gateway.documents.confirmations.hand_off import HandOffPolicy
from gateway.documents.confirmations.signing_places import BatchPolicy
from gateway.documents.rules import Authority, KeyUse
from gateway.file_wiring import judge_files
from gateway.foundation.clock import SystemClock
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.foundation.secrets import SecretBox, derive_key
from gateway.key_uses import use_of
from gateway.operator_data import data_folder, document_templates
from gateway.preservation_wiring import (
    algorithm_ends,
    timestamp_authorities,
    unusable_preservation,
)
from gateway.settings import ConfigurationError, Settings
from gateway.shared_folder import shared_folder
from gateway.signing_settings import Trust
from signing.contract import AnchorKind, Confirmation, KeyConfig, SignerConfig, TrustAnchor
from signing.key_config import FILE_KINDS, REMOTE_KINDS, RemoteConfig, TokenConfig

_AGENCY = "agency:"
# kinds of keys whose owners confirm outside of the gateway
DEVELOPMENT_MARK = "PHÁT TRIỂN"  # stands in the name of every development certificate


@dataclass(frozen=True)
class Connectors:
    """Every configured account, built, by its name."""

    payment: dict[str, PaymentConnector] = field(default_factory=dict)
    notification: dict[str, NotificationConnector] = field(default_factory=dict)
    postal: dict[str, PostalConnector] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)


def account(name: str, given: Mapping[str, Any]) -> Account:
    """An account as configured: the provider's ``Spec`` says which keys are secrets.

    A secret may be a list, newest first, so that a rotation overlaps.
    """
    provider = str(given.get("provider", ""))
    spec = _specs().get(provider)
    secret_names = set(spec.secrets) if spec else set()
    options = {k: v for k, v in given.items() if k != "provider" and k not in secret_names}
    secret_values = {
        k: tuple(v) if isinstance(v, list) else (str(v),)
        for k, v in given.items()
        if k in secret_names and v
    }
    return Account(name, provider, options, secret_values)


def build_connectors(settings: Settings, transport: Transport, clock: Clock) -> Connectors:
    """Build every account.

    Raises:
        ConfigurationError: everything that is wrong with any of them.
    """
    built, problems = Connectors(), []
    if "signing" in settings.payment_accounts:
        problems.append("payment_accounts.signing: tên này dành cho /callbacks/signing/…")
    for name, given in settings.payment_accounts.items():
        found = account(name, given)
        built.accounts[name] = found
        try:
            if found.provider in registry.NOTIFICATION:
                built.notification[name] = registry.build_notification(found, transport, clock)
            else:
                built.payment[name] = registry.build_payment(found, transport, clock)
        except MisconfiguredAccount as error:
            problems += [f"payment_accounts.{name}: {p}" for p in error.problems]
    for name, given in settings.postal_accounts.items():
        found = account(name, given)
        built.accounts[name] = found
        try:
            built.postal[name] = registry.build_postal(found, transport, clock)
        except MisconfiguredAccount as error:
            problems += [f"postal_accounts.{name}: {p}" for p in error.problems]
    if problems:
        raise ConfigurationError(problems)
    return built


def signer_config(settings: Settings) -> SignerConfig:
    """Keys, time-stamps and trust for the signer processes.

    Raises:
        ConfigurationError: certificate files that cannot be read.
    """
    problems: list[str] = []
    section = settings.signing
    keys = tuple(
        KeyConfig(
            name=name,
            kind=key.kind,
            path=key.path,
            password=key.password or None,
            image_path=key.image or None,
            image_width_mm=key.image_width_mm,
            image_height_mm=key.image_height_mm,
            allow_pkcs1v15=key.allow_pkcs1v15,
            digest=key.digest,
            token=TokenConfig(**_fields(key.token)) if key.kind == "pkcs11" else None,
            remote=RemoteConfig(**_fields(key.remote)) if key.kind in REMOTE_KINDS else None,
        )
        for name, key in section.keys.items()
    )
    anchors = trust_anchors(section.trust, problems)
    config = SignerConfig(
        keys=keys,
        roots=(
            *_files(section.trust.roots, "signing.trust.roots", problems),
            *(anchor.certificate for anchor in anchors),
        ),
        anchors=anchors,
        intermediates=_files(section.trust.intermediates, "signing.trust.intermediates", problems),
        timestamp_urls=tuple(section.timestamps.urls),
        timestamp_timeout_s=section.timestamps.timeout_s,
        fetch_hosts=tuple(section.trust.fetch_hosts),
        allow_loopback=section.trust.allow_loopback,
        revocation_unknown=section.trust.revocation_unknown,
        time_style=section.time_style,
        online_revocation=section.trust.online_revocation,
        validation_limit_s=section.trust.validation_limit_s,
        timestamp_authorities=timestamp_authorities(settings),
        timestamps_of_an_act=section.timestamps.of_an_act,
        timestamp_slots=section.timestamps.slots_folder or shared_folder(settings, "slots"),
        revocation_folder=section.timestamps.answers_folder or shared_folder(settings, "answers"),
        rewrite_hosts=tuple(section.trust.rewrite_hosts.items()),
        archive_digest=section.preservation.digest,
        algorithm_ends=algorithm_ends(
            Path(
                section.preservation.algorithms or data_folder("preservation") / "algorithms.toml"
            ),
            problems,
        ),
    )
    problems += unusable_preservation(settings)
    problems += _unusable(keys)
    if section.time_style not in ("vgca", "iso"):
        problems.append("signing.time_style: phải là “vgca” hoặc “iso”")
    if settings.server.mode == "live" and any(is_development(r) for r in config.roots):
        problems.append("signing.trust.roots: không tin PKI phát triển ở chế độ live")
    if problems:
        raise ConfigurationError(problems)
    return config


def trust_anchors(trust: Trust, problems: list[str]) -> tuple[TrustAnchor, ...]:
    """The roots of a named kind; what cannot be used is added to ``problems``."""
    kinds = {kind.value: kind for kind in AnchorKind}
    found: list[TrustAnchor] = []
    for name, anchor in trust.anchors.items():
        where = f"signing.trust.anchors.{name}"
        if anchor.kind not in kinds:
            problems.append(f"{where}.kind: phải là một trong {', '.join(kinds)}")
        kind = kinds.get(anchor.kind, AnchorKind.OWN)
        files = _files([anchor.file], f"{where}.file", problems)
        found.extend(TrustAnchor(certificate, kind) for certificate in files)
    return tuple(found)


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(struct)


def _unusable(keys: tuple[KeyConfig, ...]) -> list[str]:
    """What is wrong with the keys themselves, before any signer process starts."""
    problems = [
        f"signing.keys.{key.name}.path: không có tệp này"
        for key in keys
        if key.kind in FILE_KINDS and not Path(key.path).is_file()
    ]
    for key in keys:
        problems += [f"signing.keys.{key.name}.{fault}" for fault in key.faults()]
    return problems


def unbuildable(settings: Settings) -> list[str]:
    """Every account, key and certificate that a gateway could not be built with."""
    clock = SystemClock()
    problems: list[str] = []
    checks: tuple[Callable[[], object], ...] = (
        lambda: build_connectors(settings, HttpTransport(clock, Metrics()), clock),
        lambda: signer_config(settings),
        lambda: document_templates(settings.signing.templates),
        lambda: judge_files(settings),
    )
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            problems += error.problems
    return problems


def is_development(certificate: bytes) -> bool:
    """Whether a certificate (PEM or DER) says of itself that it is for development."""
    pem = certificate.lstrip().startswith(b"-----BEGIN")
    try:
        read = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
        return DEVELOPMENT_MARK in read(certificate).subject.rfc4514_string()
    except ValueError:
        return False


def authority(settings: Settings) -> Authority:
    """Whose name stands for which key, and the clerks who may use an agency's."""
    keys = settings.signing.keys
    return Authority(
        keys={key.holder: name for name, key in keys.items() if key.holder},
        clerks={
            key.holder: frozenset(key.clerks)
            for key in keys.values()
            if key.holder.startswith(_AGENCY)
        },
        register_required=settings.signing.authority_register_required,
        uses={name: use_of(key) for name, key in keys.items()},
    )


def confirmation_policy(settings: Settings) -> ConfirmationPolicy:
    """How officials who confirm elsewhere are waited for."""
    section = settings.signing.confirmations
    return ConfirmationPolicy(
        wait=timedelta(seconds=section.wait_s),
        per_provider=section.per_provider,
        hand_off=HandOffPolicy(
            public_url=settings.server.public_url,
            secret=hmac.digest(pepper(settings), b"hand-offs", "sha256"),
            lasts=timedelta(seconds=section.hand_off_s),
            downloads=section.downloads,
        ),
    )


def batch_policy(settings: Settings) -> BatchPolicy:
    """How many documents of a batch are signed at a time."""
    section = settings.signing.batches
    return BatchPolicy(section.per_key, section.per_provider, section.per_timestamps)


def offices(settings: Settings) -> Offices:
    """Who certifies copies, and for which agency."""
    certifiers, agencies = {}, {}
    for name, key in settings.signing.keys.items():
        if key.holder.startswith(_AGENCY):
            agencies[key.holder.removeprefix(_AGENCY)] = Agency(name, key.name)
        elif key.certifies:
            certifiers[key.holder] = Certifier(name, key.name, key.title, frozenset(key.certifies))
    uses = {name: use_of(key) for name, key in settings.signing.keys.items()}
    at_service = frozenset(name for name, use in uses.items() if use.at_service)
    late = frozenset(n for n, use in uses.items() if use.confirmation is not Confirmation.HERE)
    return Offices(certifiers, agencies, at_service, late, {n: _takes(u) for n, u in uses.items()})


def _takes(use: KeyUse) -> frozenset[str]:
    """Which secrets a key can use, by the name of the field."""
    taken = {"pin": use.takes_pin, "otp": use.takes_pin and use.takes_otp}
    return frozenset(name for name, takes in taken.items() if takes)


def agency_names(settings: Settings) -> dict[str, str]:
    """Agency code → the name people read."""
    return {code: agency.name for code, agency in offices(settings).agencies.items()}


def state_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Under which acts that wait for their official are sealed; follow from the master keys."""
    masters = settings.secrets.master_keys or [_kept_key(settings, "master.key")]
    return tuple(hmac.digest(derive_key(m), b"prepared signatures", "sha256") for m in masters)


def secret_box(settings: Settings) -> SecretBox:
    """The box for secrets at rest; a test gateway makes and keeps its own master key."""
    masters = settings.secrets.master_keys or [_kept_key(settings, "master.key")]
    return SecretBox([derive_key(m) for m in masters])


def pepper(settings: Settings) -> bytes:
    """The key under which API keys are hashed."""
    return derive_key(settings.secrets.pepper or _kept_key(settings, "pepper.key"))


def form_secret(settings: Settings) -> bytes:
    """The key that proves that a posted form is ours; follows from the pepper."""
    return hmac.digest(pepper(settings), b"page forms", "sha256")


def _kept_key(settings: Settings, name: str) -> str:
    """A key beside the SQLite database; only test mode comes here."""
    url = settings.database.url
    folder = (
        Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite") else Path("var")
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), "utf-8")
    return path.read_text("utf-8")


def _files(names: list[str], where: str, problems: list[str]) -> tuple[bytes, ...]:
    found = []
    for name in names:
        try:
            found.append(Path(name).read_bytes())
        except OSError as error:
            problems.append(f"{where}: {name}: {type(error).__name__}")
    return tuple(found)


def _specs() -> dict[str, Spec]:
    return {spec.name: spec for spec in registry.specs()}
