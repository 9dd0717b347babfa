"""Records of extensions: a level raised, an archive time-stamp renewed, proof appended.

An extension is an act with proof of its own (TT 15/2025/TT-BKHCN, art. 5): one record says which
revision became which, by which time-stamp, OCSP answers and CRLs, and who or what asked. Leaves the
chain to ``log``, and when to extend to whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents.evidence.log import KeptFile, append, checks_of, keep_raw, moment
from gateway.foundation.files import FileStore
from signing.contract import Extended

EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class ExtensionAct:
    """One published extension, ready to be recorded."""

    tenant: str
    subject: Mapping[str, Any]  # id, reference, kind
    asked: Mapping[str, Any]
    extended: Extended
    kept: Sequence[KeptFile]
    input_sha256: str
    from_level: str | None
    wanted: str
    revisions: tuple[int, int]  # from, to


async def keep_extension(files: FileStore, extended: Extended) -> tuple[KeptFile, ...]:
    """Store every raw byte string that an extension used, before its transaction."""
    left = extended.evidence
    if left is None:
        return ()
    return await keep_raw(
        files,
        {
            "certificate": left.certificates,
            "authority_certificate": left.authority_certificates,
            "ocsp": left.ocsps,
            "crl": left.crls,
            "timestamp": left.timestamps,
        },
    )


def record_extension(connection: Connection, act: ExtensionAct, now: datetime) -> int:
    """Append an extension to its tenant's chain (part of a unit of work); its number."""
    result = KeptFile("result", act.extended.sha256)
    files = [KeptFile("input", act.input_sha256), result, *act.kept]
    left = act.extended.evidence
    content = {
        "kind": EXTENSION,
        "document": dict(act.subject),
        "asked": dict(act.asked),
        "extension": _extension(act),
        "checks": checks_of(left.checks if left is not None else ()),
        "files": [{"what": f.what, "sha256": f.sha256} for f in files],
    }
    return append(connection, act.tenant, content, now)


def _extension(act: ExtensionAct) -> dict[str, Any]:
    extended = act.extended
    until = extended.provability.until
    return {
        "from_revision": act.revisions[0],
        "to_revision": act.revisions[1],
        "input_sha256": act.input_sha256,
        "result_sha256": extended.sha256,
        "result_size": extended.size,
        "from_level": act.from_level,
        "wanted": act.wanted,
        "level": extended.level.value,
        "fields": list(extended.timestamp_fields),
        "extended_at": moment(extended.extended_at),
        "provable_until": moment(until) if until is not None else None,
        "provable_reason": extended.provability.reason,
        "shortfall": extended.shortfall,
        "missing": list(extended.missing),
    }
