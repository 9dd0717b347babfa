"""The evidence bundle of a document: what an inspector can check without asking us.

Holds every revision's hash, the certificates that signed, and the verdict at the time of asking
(TT 15/2025/TT-BKHCN, art. 5). Revocation answers and time-stamps are inside the signed PDF
itself (PAdES B-LT and above), so they are not repeated here. Deterministic for the same input.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.documents.answers import DocumentAnswer
from gateway.documents.verdicts import show_validation
from gateway.foundation.clock import in_vietnam, iso
from signing.contract import Validation


def pack(
    document: DocumentAnswer, revisions: Sequence[Any], validation: Validation, now: datetime
) -> bytes:
    """A ZIP with ``manifest.json``, ``validation.json`` and ``certificates/*.cer`` (DER)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        entries = [_entry(row) for row in revisions]
        manifest = {
            "document": msgspec.to_builtins(document),
            "revisions": entries,
            "collected_at": iso(now),
        }
        _add(bundle, now, "manifest.json", _json(manifest))
        _add(bundle, now, "validation.json", _json(show_validation(validation)))
        for row, entry in zip(revisions, entries, strict=True):
            if row.certificate is not None:
                _add(bundle, now, entry["certificate"], bytes(row.certificate))
    return out.getvalue()


def _entry(row: Any) -> dict[str, Any]:
    name = f"certificates/{row.number:02d}-{row.role}.cer" if row.certificate else None
    return {
        "number": row.number,
        "sha256": row.sha256,
        "size": row.size,
        "created_at": iso(row.created_at),
        "signature_request": row.request_id,
        "role": row.role,
        "level": row.level,
        "field_names": row.field_names,
        "certificate": name,
    }


def _add(bundle: zipfile.ZipFile, now: datetime, name: str, content: bytes) -> None:
    stamp = in_vietnam(now)
    info = zipfile.ZipInfo(name, stamp.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    bundle.writestr(info, content)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)
