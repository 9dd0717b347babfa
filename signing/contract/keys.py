"""Keys, clocks and how a signer process is configured."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from signing.contract.remote import Confirmation
from signing.contract.timestamps import TimestampAuthority
from signing.contract.validation import TrustAnchor
from signing.key_config import KeyConfig


class Clock(Protocol):
    """Injected time; ``now`` is aware and in UTC."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Credential:
    """A key the service can use: its name in the configuration and its certificate (DER)."""

    name: str
    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime
    key_type: str  # "rsa-2048", "rsa-3072", "ecdsa-p256" …
    certificate: bytes
    organisation: str | None = None
    confirmation: Confirmation = Confirmation.HERE


@dataclass(frozen=True, slots=True)
class SignerConfig:
    """What a signer process needs to start; built by whoever wires the product."""

    keys: tuple[KeyConfig, ...] = ()
    roots: tuple[bytes, ...] = ()  # DER or PEM
    anchors: tuple[TrustAnchor, ...] = ()  # the kinds of those ``roots`` that have one
    intermediates: tuple[bytes, ...] = ()
    timestamp_urls: tuple[str, ...] = ()
    timestamp_timeout_s: float = 30.0
    fetch_hosts: tuple[str, ...] = ()  # hosts OCSP and CRL may be fetched from; empty = any public
    allow_loopback: bool = False  # development PKI only
    fast_lane: bool = True  # False: every document takes the ordinary path
    # "refuse": no B-LT or B-LTA without an answer about revocation; "warn": B-T with a warning
    revocation_unknown: str = "refuse"
    # under which acts that wait are sealed: the first seals, each opens; none = against damage only
    state_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    time_style: str = "vgca"  # of times in stamps: vgca or iso, where the order does not say
    online_revocation: bool = False  # whether validation may ask OCSP and CRL services
    validation_limit_s: float = 60.0  # for one file; what is not reached stays undecided
    timestamp_authorities: tuple[TimestampAuthority, ...] = ()  # after ``timestamp_urls``
    # of an act of several signatures (the clerk's): "each" gets its own time-stamp, or "one" of the
    # document is over all of them (ETSI EN 319 142-1, clause 6.3)
    timestamps_of_an_act: str = "each"
    archive_digest: str = "sha256"  # of later document time-stamps; sha384, sha512
    revocation_folder: str = ""  # that processes share for CRLs and OCSP answers
    timestamp_slots: str = ""  # folder that processes share to keep to ``concurrent``
    places_socket: str = ""  # where leave is given for ``concurrent`` over all machines
    rewrite_hosts: tuple[tuple[str, str], ...] = ()  # named in certificates → asked instead
    algorithm_ends: tuple[tuple[str, datetime], ...] = ()  # "rsa-2048", "sha256" → not after

    @property
    def authorities(self) -> tuple[TimestampAuthority, ...]:
        """Every authority once, in the order of asking; its own options win over the defaults."""
        listed = {
            url: TimestampAuthority(url, self.timestamp_timeout_s) for url in self.timestamp_urls
        }
        return tuple((listed | {one.url: one for one in self.timestamp_authorities}).values())

    @property
    def stamps_acts_once(self) -> bool:
        """Whether several signatures of an act get one time-stamp, of the document."""
        return self.timestamps_of_an_act == "one"
