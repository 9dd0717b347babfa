"""The evidence log: one record for every signing act, chained, with its raw bytes in the files.

Owns what a record says (who confirmed which hash when and how, by which authority, with which
certificate, revocation answers, time-stamps and checks) and its appending in the transaction that
publishes the signature. Leaves the chain to ``evidence_chain``, walking it to ``evidence_audit``,
giving it out to ``evidence_bundle``. Follows TT 15/2025/TT-BKHCN, art. 5. No PIN is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents.evidence import authority_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.chain import (
    authorities_of,
    canonical,
    link,
    link_sha256,
    result_of,
    sha256,
)
from gateway.foundation.clock import to_micros
from gateway.foundation.files import FileStore
from signing.contract import ActCheck, Signed

SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of the store that a record speaks of."""

    what: str  # certificate, authority_certificate, ocsp, crl, timestamp, input, result
    sha256: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who agreed to what: the principal, the official, the hash they were shown."""

    official: str | None
    principal: str | None
    channel: str
    credential: str
    shown_sha256: str | None
    input_sha256: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class SignedAct:
    """One carried-out act, ready to be recorded; ``kept`` names every file that is stored."""

    tenant: str
    document: Mapping[str, Any]  # id, reference, kind
    step: Mapping[str, Any]  # request, position, role, capacity, title, agency_code
    confirmation: Confirmation
    authority: Mapping[str, Any] | None  # the mandate; None where the configuration decides
    signed: Signed
    kept: Sequence[KeptFile]


async def keep(files: FileStore, signed: Signed) -> tuple[KeptFile, ...]:
    """Store every raw byte string of an act's evidence, before its transaction."""
    left = signed.evidence
    parts: list[tuple[str, tuple[bytes, ...]]] = [("certificate", (signed.certificate,))]
    if left is not None:
        parts = [
            ("certificate", left.chain),
            ("authority_certificate", left.authority_certificates),
            ("ocsp", left.ocsps),
            ("crl", left.crls),
            ("timestamp", left.timestamps),
        ]
    return await keep_raw(files, dict(parts))


async def keep_raw(files: FileStore, parts: Mapping[str, Sequence[bytes]]) -> tuple[KeptFile, ...]:
    """Store byte strings by what they are, before the transaction that records them."""
    return tuple(
        [
            KeptFile(what, await files.put_once(raw))
            for what, several in parts.items()
            for raw in several
        ]
    )


def record_act(connection: Connection, act: SignedAct, now: datetime) -> int:
    """Append an act to its tenant's chain (part of a unit of work); its number."""
    signed, confirmation = act.signed, act.confirmation
    content = {
        "kind": SIGNATURE,
        "document": dict(act.document),
        "step": dict(act.step),
        "confirmation": _confirmation(confirmation),
        "authority": act.authority,
        "signature": _signature(signed),
        "checks": checks_of(signed.evidence.checks if signed.evidence is not None else ()),
        "files": [{"what": f.what, "sha256": f.sha256} for f in act.kept],
    }
    return append(connection, act.tenant, content, now)


def append(connection: Connection, tenant: str, content: Mapping[str, Any], now: datetime) -> int:
    """Append any content with ``kind`` to a tenant's chain (part of a unit of work).

    Whoever appends waits for whoever is appending: the head is locked until the commit.
    """
    head = evidence_store.lock_head(connection, tenant)
    number = int(head.number) + 1
    body = canonical({**content, "recorded_at": moment(now), "recorded_us": to_micros(now)})
    own = link(tenant, number, head.sha256, body)
    signature = content.get("signature") or {}
    evidence_store.append_record(
        connection,
        {
            "tenant": tenant,
            "number": number,
            "previous_sha256": head.sha256,
            "sha256": link_sha256(own),
            "content": body.decode(),
            "kind": content["kind"],
            "document_id": (content.get("document") or {}).get("id"),
            "result_sha256": result_of(content),
            "certificate_sha256": signature.get("certificate_sha256"),
            "recorded_at": now,
        },
    )
    authority_store.add(connection, tenant, number, authorities_of(content))
    return number


def warnings_of(signed: Signed) -> list[str] | None:
    """What an act's answer warns of, in Vietnamese; None when there is nothing."""
    left = signed.evidence
    return list(left.warnings) if left is not None and left.warnings else None


def moment(at: datetime) -> str:
    """A moment as records write it: UTC, seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _confirmation(one: Confirmation) -> dict[str, Any]:
    return {
        "official": one.official,
        "principal": one.principal,
        "channel": one.channel,
        "credential": one.credential,
        "shown_sha256": one.shown_sha256,
        "input_sha256": one.input_sha256,
        "confirmed_at": moment(one.confirmed_at),
    }


def _signature(signed: Signed) -> dict[str, Any]:
    left = signed.evidence
    proven = left.proven_time if left is not None else None
    return {
        "level": signed.level.value,
        "fields": list(signed.field_names),
        "algorithm": left.algorithm if left is not None else None,
        "certificate_sha256": sha256(signed.certificate),
        "signed_at": moment(signed.signed_at),
        "proven_time": moment(proven) if proven is not None else None,
        "time_source": left.time_source if left is not None else None,
        "result_sha256": signed.sha256,
        "result_size": signed.size,
    }


def checks_of(checks: Sequence[ActCheck]) -> list[dict[str, str]]:
    """Checks as records write them."""
    return [
        {"code": c.code, "outcome": c.outcome.value, "at": moment(c.at), "detail": c.detail}
        for c in checks
    ]
