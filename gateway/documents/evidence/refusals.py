"""Records of acts that were refused: who tried, over which hash, which check said what, when.

The check results of an act that came to nothing are archived like those of one that did (TT
15/2025/TT-BKHCN, art. 5). One record for one refusal of a day: repetitions, and replays of one
idempotency key on any day, are counted beside the chain. Nobody can flood it: of one person, and of
one portal, only so many refusals of a day are recorded; the last record says that more were not.

A wrong PIN is the key's business, not the document's: its record names no document, so it is in the
chain and not in the document's bundle. Services that broke down are no refusals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.documents.evidence import refusal_store
from gateway.documents.evidence.log import append, moment
from gateway.foundation.clock import vietnam_day
from gateway.foundation.problems import CATALOGUE, Problem
from signing.contract import SigningError

_log = structlog.get_logger(__name__)

REFUSAL = "refusal"
MOST_OF_ONE, MOST_OF_ALL = 200, 2_000  # records of one day: of one person, of one portal

_PROBLEMS = frozenset(
    {
        "authority_refused", "person_without_authority", "not_your_step", "official_required",
        "not_your_certification", "document_blocked", "document_changed", "document_refused",
        "credential_refused", "signing_unavailable", "person_signature_invalid",
        "person_signature_unproven", "certified_copy_not_valid", "source_blocked",
    }
)  # fmt: skip
_OF_THE_KEY = frozenset({"wrong_pin", "pin_required", "pin_locked", "pin_expired", "pin_not_set"})
_OF_THE_KEY |= {"otp_required", "one_time_code_used"}
_BROKEN = frozenset({"signer_timeout", "signer_died", "signer_closed", "signer_lost"})
_BROKEN |= {"internal_error", "signing_unavailable", "outcome_unknown"}
_NOT_LISTED = "Trong ngày còn những lần bị từ chối khác, chỉ được đếm, không ghi riêng."


@dataclass(frozen=True, slots=True)
class Why:
    """Which check refused, in a code and a Vietnamese sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody's try to sign; ``subject`` is the request, the certified copy or the document."""

    tenant: str
    subject: str
    document: Mapping[str, Any]  # id, reference, kind
    input_sha256: str | None
    official: str | None = None
    principal: str | None = None
    channel: str = "api"
    credential: str | None = None
    role: str | None = None
    position: int | None = None
    shown_sha256: str | None = None
    key: str | None = None  # the idempotency key with its scope

    @property
    def who(self) -> str:
        """Whose refusals are counted together."""
        return self.official or self.principal or ""


def why_of(error: BaseException) -> Why | None:
    """Which check refused; None for whatever is no refusal by a check."""
    if isinstance(error, SigningError):
        return None if error.code in _BROKEN else Why(error.code, error.message_vi)
    if not isinstance(error, Problem) or error.code not in _PROBLEMS:
        return None
    code = str(error.extra.get("reason", error.code))
    if code in _BROKEN:
        return None
    return Why(code, error.detail_vi or CATALOGUE[error.code].vi)


def record_refusal(connection: Connection, attempt: Attempt, why: Why, now: datetime) -> int | None:
    """Append a refusal to its tenant's chain (part of a unit of work).

    Returns:
        Its number; None when it was recorded before, or when the day's measure is full.
    """
    mark, day = _mark(attempt, why), vietnam_day(now)
    tenant = attempt.tenant
    if not refusal_store.is_known(connection, tenant, mark) and _is_full(connection, attempt, now):
        return None
    key = hashlib.sha256(attempt.key.encode()).hexdigest() if attempt.key else None
    first = {"day": day.isoformat(), "who": attempt.who[:250], "last_at": now}
    row = refusal_store.lock_mark(connection, tenant, mark, **first)
    values = {"times": row.times + 1, "last_at": now}
    number = None
    same_key = key is not None and row.key_sha256 == key
    if row.number is None or not (row.day == day.isoformat() or same_key):
        number = append(connection, tenant, _content(attempt, why, now), now)
        values |= {"number": number, "day": day.isoformat(), "key_sha256": key}
    refusal_store.change_mark(connection, tenant, mark, **values)
    return number


def _is_full(connection: Connection, attempt: Attempt, now: datetime) -> bool:
    """Whether the day's measure is full; the one that fills it leaves a record that says so."""
    day, tenant = vietnam_day(now), attempt.tenant
    mine = refusal_store.recorded_on(connection, tenant, day, attempt.who[:250])
    everybodys = refusal_store.recorded_on(connection, tenant, day)
    if mine < MOST_OF_ONE and everybodys < MOST_OF_ALL:
        return False
    who = attempt.who if mine >= MOST_OF_ONE else ""
    mark = hashlib.sha256(f"more\n{who}\n{day.isoformat()}".encode()).hexdigest()
    first = {"day": day.isoformat(), "who": f"+{who}"[:250], "last_at": now}
    row = refusal_store.lock_mark(connection, tenant, mark, **first)
    values: dict[str, Any] = {"times": row.times + 1, "last_at": now}
    if row.number is None:
        refused = {"code": "more_not_listed", "detail": _NOT_LISTED}
        content = {"kind": REFUSAL, "attempt": {"official": who or None}, "refused": refused}
        values["number"] = append(connection, tenant, content, now)
        _log.warning("refusals_not_listed", tenant=tenant)
    refusal_store.change_mark(connection, tenant, mark, **values)
    return True


def _content(attempt: Attempt, why: Why, now: datetime) -> dict[str, Any]:
    check = {"code": why.code, "outcome": "failed", "at": moment(now), "detail": why.detail}
    about = {} if why.code in _OF_THE_KEY else {"document": dict(attempt.document)}
    return {
        "kind": REFUSAL,
        **about,
        "attempt": {
            "subject": attempt.subject,
            "position": attempt.position,
            "role": attempt.role,
            "official": attempt.official,
            "principal": attempt.principal,
            "channel": attempt.channel,
            "credential": attempt.credential,
            "input_sha256": attempt.input_sha256,
            "shown_sha256": attempt.shown_sha256,
            "tried_at": moment(now),
        },
        "refused": {"code": why.code, "detail": why.detail},
        "checks": [check],
    }


def _mark(attempt: Attempt, why: Why) -> str:
    parts = (
        attempt.subject, str(attempt.position), attempt.official or "", attempt.principal or "",
        attempt.input_sha256 or "", why.code,
    )  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
