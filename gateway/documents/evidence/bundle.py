"""The evidence bundle of a document: what an inspector can check without asking us.

A ZIP, deterministic for the same input: hashes of every revision, the certificates that signed and
their issuers, the raw OCSP answers, CRLs and time-stamps as they were received, the records of the
evidence log with the links that chain them, the verdict as of the asking, and a Vietnamese report.
Leaves loading to ``evidence_collect``, words and looks of the report to ``evidence_report``.
Follows TT 15/2025/TT-BKHCN, art. 5.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.documents.answers import DocumentAnswer
from gateway.documents.evidence.chain import files_of, link, link_sha256
from gateway.documents.verdicts import show_validation
from gateway.foundation.clock import in_vietnam, iso
from signing.contract import Validation

# what a record calls a file → folder and ending in the bundle
_PLACES = {
    "certificate": ("certificates", "pem"),
    "authority_certificate": ("certificates", "pem"),
    "ocsp": ("ocsp", "der"),
    "crl": ("crl", "crl"),
    "timestamp": ("timestamps", "tst"),
}
KINDS = frozenset(_PLACES)


@dataclass(frozen=True, slots=True)
class ChainProof:
    """Links from a document's first record to the head; without the foreign ones if too many."""

    head_number: int
    head_sha256: str
    rows: Sequence[Any]
    complete: bool


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything that is known about a document's signatures."""

    document: DocumentAnswer
    revisions: Sequence[Any]
    validation: Validation
    records: Sequence[Any]
    chain: ChainProof
    raw: Mapping[str, bytes]  # SHA-256 → bytes; what the store lost or found changed is missing
    collected_at: datetime

    def contents(self) -> list[dict[str, Any]]:
        """What the records say, in order."""
        return [msgspec.json.decode(row.content) for row in self.records]


def pack(collected: Collected, report: bytes) -> bytes:
    """The ZIP with everything in it."""
    stamp = in_vietnam(collected.collected_at).timetuple()[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in _entries(collected, report):
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(info, content)
    return out.getvalue()


def _entries(collected: Collected, report: bytes) -> Iterator[tuple[str, bytes]]:
    yield "report.pdf", report
    yield "manifest.json", _json(_manifest(collected))
    yield "validation.json", _json(show_validation(collected.validation))
    yield "records.json", _json(_records(collected))
    for row in collected.records:
        yield _record_name(row.number), row.content.encode()
    for row in collected.revisions:
        if row.certificate is not None:
            yield _certificate_name(row), bytes(row.certificate)
    yield from sorted(_raw_files(collected))


def _raw_files(collected: Collected) -> set[tuple[str, bytes]]:
    found = set()
    for content in collected.contents():
        for what, digest in files_of(content):
            if what in KINDS and digest in collected.raw:
                folder, ending = _PLACES[what]
                raw = collected.raw[digest]
                found.add((f"{folder}/{digest}.{ending}", _pem(raw) if ending == "pem" else raw))
    return found


def _pem(der: bytes) -> bytes:
    """A certificate in the form tools read most; bytes that are no certificate as they are."""
    try:
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    except ValueError:
        return der


def _manifest(collected: Collected) -> dict[str, Any]:
    missing = [
        {"record": row.number, "what": what, "sha256": digest}
        for row, content in zip(collected.records, collected.contents(), strict=True)
        for what, digest in files_of(content)
        if what in KINDS and digest not in collected.raw
    ]
    return {
        "document": msgspec.to_builtins(collected.document),
        "revisions": [_revision(row) for row in collected.revisions],
        "missing": missing,
        "collected_at": iso(collected.collected_at),
    }


def _revision(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "sha256": row.sha256,
        "size": row.size,
        "created_at": iso(row.created_at),
        "signature_request": row.request_id,
        "role": row.role,
        "level": row.level,
        "field_names": row.field_names,
        "certificate": _certificate_name(row) if row.certificate else None,
    }


def _records(collected: Collected) -> dict[str, Any]:
    """The records with the proof that they stand in the chain, and how to follow it."""
    chain = collected.chain
    return {
        "how": _HOW,
        "head": {"number": chain.head_number, "sha256": chain.head_sha256},
        "complete": chain.complete,
        "links": [_link(row) for row in chain.rows],
        "records": [
            {"number": row.number, "file": _record_name(row.number), "content": content}
            for row, content in zip(collected.records, collected.contents(), strict=True)
        ],
    }


def _link(row: Any) -> dict[str, Any]:
    own = link(row.tenant, row.number, row.previous_sha256, row.content.encode())
    return {**own, "sha256": link_sha256(own)}


def _record_name(number: int) -> str:
    return f"records/{number:06d}.json"


def _certificate_name(row: Any) -> str:
    return f"certificates/{row.number:02d}-{row.role}.cer"


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


_HOW = (
    "content_sha256 là SHA-256 của đúng các byte trong tệp records/….json."
    " sha256 của một mắt xích là SHA-256 của JSON {content_sha256, number, previous_sha256, tenant}"
    " viết theo thứ tự tên khóa, không khoảng trắng, UTF-8."
    " previous_sha256 là sha256 của mắt xích đứng trước; mắt xích cuối là đầu chuỗi (head)."
)
