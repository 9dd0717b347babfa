"""A connector's passport and a configured account of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a connector is for."""

    PAYMENT = "payment"  # starts attempts
    NOTIFICATION = "notification"  # only reports money seen on a bank account
    POSTAL = "postal"
    RECEIPT = "receipt"


class Stage(StrEnum):
    """How sure we are of the protocol: said openly in ``motcua providers``."""

    VERIFIED = "verified"  # recomputed from published vectors
    DOCUMENTED = "documented"  # from the provider's documents, unproved
    SIMULATED = "simulated"  # shape agreed with our own simulator only


class Capability(StrEnum):
    """Optional verbs; each has its protocol below."""

    QUERY = "query"
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    CANCEL = "cancel"
    SETTLEMENT = "settlement"
    BILL_LOOKUP = "bill_lookup"
    TRACKING_FEED = "tracking_feed"
    COLLECT_ON_DELIVERY = "collect_on_delivery"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Spec:
    """One connector's passport: printed by ``motcua providers``, checked at start.

    ``reference_charset`` is a regular-expression character class body, ``reference_max`` the
    longest reference in characters; ``amount_factor`` is what one đồng becomes on the wire;
    ``options`` and ``secrets`` are the account's required keys in the configuration file.
    """

    name: str
    title: str
    kind: Kind
    stage: Stage
    document: str
    version: str
    capabilities: frozenset[Capability] = frozenset()
    reference_charset: str = "A-Za-z0-9"
    reference_max: int = 40
    min_amount_vnd: int = 1
    max_amount_vnd: int = 10_000_000_000
    amount_factor: int = 1
    callback_legs: tuple[str, ...] = ("",)
    options: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    attempt_expires_s: int = 900
    starts_locally: bool = False  # ``create`` sends nothing: it may be done again


@dataclass(frozen=True, slots=True)
class Account:
    """One configured account of a provider: ``name`` is the ``{account}`` of its callbacks.

    Every secret is a tuple, newest first, so that a rotation overlaps; outgoing messages use
    the first, incoming ones are compared with each.
    """

    name: str
    provider: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
