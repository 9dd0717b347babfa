"""Keys that can sign: one module a kind, opened through an explicit table.

Leaves the judgement whether a certificate may be used to ``signing.evidence.eligibility``.
"""

from __future__ import annotations

from collections.abc import Callable

from signing.clock import SystemClock
from signing.contract import Clock, CredentialRefused, KeyConfig
from signing.keys.contract import ConfirmedSource, KeySource, KeyUnavailable, OpenedKey
from signing.keys.csc import CscSource
from signing.keys.hook import HookSource
from signing.keys.mysign import MySignSource
from signing.keys.mysign_csc import MySignCscSource
from signing.keys.pem import PemSource
from signing.keys.pkcs11 import Pkcs11Source
from signing.keys.pkcs12 import Pkcs12Source
from signing.keys.smartca import SmartCaSource
from signing.keys.vgca import VgcaSource

__all__ = ["ConfirmedSource", "KeySource", "KeyUnavailable", "OpenedKey", "source_for"]


def _mysign(config: KeyConfig) -> KeySource:
    """MySign speaks two dialects: in vtss the request waits for the official, in CSC the call."""
    if config.remote is not None and config.remote.api == "csc":
        return MySignCscSource(config)
    return MySignSource(config)


_KINDS: dict[str, Callable[[KeyConfig], KeySource]] = {
    "pkcs12": Pkcs12Source,
    "pem": PemSource,
    "pkcs11": Pkcs11Source,
    "csc": CscSource,
    "smartca": SmartCaSource,
    "mysign": _mysign,
}
_CLOCKED: dict[str, Callable[[KeyConfig, Clock], KeySource]] = {
    "hook": HookSource,
    "vgca": VgcaSource,
}


def source_for(config: KeyConfig, clock: Clock | None = None) -> KeySource:
    """Find the module that opens this kind of key; ``clock`` is the machine's when left out.

    Raises:
        CredentialRefused: code ``unknown_key_kind``.
    """
    clocked = _CLOCKED.get(config.kind)
    if clocked is not None:
        return clocked(config, clock or SystemClock())
    kind = _KINDS.get(config.kind)
    if kind is None:
        raise CredentialRefused(
            "unknown_key_kind",
            f"Loại khóa ký “{config.kind}” chưa được hỗ trợ.",
            f"key kind {config.kind!r} is not supported",
        )
    return kind(config)
