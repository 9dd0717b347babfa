"""The evidence bundle of a document: what an inspector can check without asking us.

A ZIP: the signed document, each signature's CMS, the certificates that signed and their issuers,
the raw OCSP answers, CRLs and time-stamps, the records of the evidence log with the links that
chain them, the verdict of the day, a Vietnamese report, and how to check it all with openssl. The
same bytes for the same state on the same day. Leaves loading to ``collect``, words and looks of the
report to ``report``, names of what other programs check to ``pieces``, their commands to ``guide``.
Follows TT 15/2025/TT-BKHCN, art. 5.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.documents.answers import DocumentAnswer
from gateway.documents.evidence import guide
from gateway.documents.evidence.chain import files_of, link, link_sha256
from gateway.documents.evidence.pieces import (
    MOST_PDF,
    Chain,
    chain_of,
    crl_answers,
    described,
    document_name,
    files_of_pieces,
    ocsp_answers,
)
from gateway.documents.verdicts import show_validation
from gateway.foundation.clock import in_vietnam, iso
from signing.contract import SignedPieces, Validation

# what a record calls a file → folder and ending in the bundle
_PLACES = {
    "certificate": ("certificates", "pem"),
    "authority_certificate": ("certificates", "pem"),
    "ocsp": ("ocsp", "der"),
    "crl": ("crl", "crl"),
    "timestamp": ("timestamps", "tst"),
}
KINDS = frozenset(_PLACES)
_ANSWERS = ("ocsp/", "crl/")


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
    day: date  # of the verdict, in Vietnam
    pieces: SignedPieces = field(default_factory=SignedPieces)
    pdf: bytes | None = None  # the latest revision; None: too large, or lost

    @property
    def as_of(self) -> datetime:
        """When the newest thing in it happened; not when it was asked for."""
        moments = [row.created_at for row in self.revisions]
        moments += [row.recorded_at for row in self.records]
        newest: datetime = max(moments)
        return newest

    @property
    def includes_document(self) -> bool:
        """Whether the signed file itself goes along."""
        return self.pdf is not None and len(self.pdf) <= MOST_PDF

    def contents(self) -> list[dict[str, Any]]:
        """What the records say, in order."""
        return [msgspec.json.decode(row.content) for row in self.records]


def pack(collected: Collected, report: bytes) -> bytes:
    """The ZIP with everything in it."""
    stamp = in_vietnam(collected.as_of).timetuple()[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in _entries(collected, report):
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(info, content)
    return out.getvalue()


def _entries(collected: Collected, report: bytes) -> Iterator[tuple[str, bytes]]:
    chain = _chain(collected)
    parts = _parts(collected, chain)
    yield guide.NAME, guide.write_guide(_guided(collected, parts, chain))
    yield "report.pdf", report
    yield "manifest.json", _json(_manifest(collected))
    # The day stands in the manifest: a second of it would make every export another file.
    undated = replace(collected.validation, checked_at=None)
    yield "validation.json", _json(show_validation(undated))
    yield "records.json", _json(_records(collected))
    for row in collected.records:
        yield _record_name(row.number), row.content.encode()
    for row in collected.revisions:
        if row.certificate is not None:
            yield _certificate_name(row), bytes(row.certificate)
    if collected.pdf is not None and collected.includes_document:
        yield _document_name(collected), collected.pdf
    yield from sorted(parts.items())


def _chain(collected: Collected) -> Chain:
    """Every certificate that the records kept or the file holds."""
    recorded = [
        collected.raw[digest]
        for content in collected.contents()
        for what, digest in files_of(content)
        if what.endswith("certificate") and digest in collected.raw
    ]
    return chain_of([*collected.pieces.certificates, *recorded])


def _parts(collected: Collected, chain: Chain) -> dict[str, bytes]:
    """What the records kept and what the file itself holds, each once, by name."""
    held = dict(chain.pems()) if chain.files else {}
    return dict(_raw_files(collected)) | dict(files_of_pieces(collected.pieces)) | held


def _guided(collected: Collected, parts: Mapping[str, bytes], chain: Chain) -> guide.Guided:
    folders = [[(n, r) for n, r in sorted(parts.items()) if n.startswith(f)] for f in _ANSWERS]
    return guide.Guided(
        document=_document_name(collected),
        included=collected.includes_document,
        revisions=[(row.number, row.sha256, row.size) for row in _prefixes(collected)],
        signatures=collected.pieces.signatures,
        unreadable=collected.pieces.unreadable,
        chain=chain,
        ocsps=ocsp_answers(folders[0], chain),
        crls=crl_answers(folders[1], chain),
    )


def _prefixes(collected: Collected) -> Sequence[Any]:
    """The revisions that begin the latest one: not the broken file that it was repaired from."""
    pdf, rows = collected.pdf, collected.revisions
    if pdf is None:
        return rows[-1:]
    return [row for row in rows if hashlib.sha256(pdf[: row.size]).hexdigest() == row.sha256]


def _document_name(collected: Collected) -> str:
    return document_name(collected.revisions[-1].number)


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
        "file": _file(collected),
        "signatures": described(collected.pieces),
        "unreadable_signatures": list(collected.pieces.unreadable),
        "as_of": iso(collected.as_of),
        "judged_on": collected.day.isoformat(),
    }


def _file(collected: Collected) -> dict[str, Any]:
    """Where the signed file is, or why it is not here."""
    row = collected.revisions[-1]
    reason = None
    if not collected.includes_document:
        reason = f"lớn hơn {MOST_PDF // 1024**2} MiB, chỉ kèm giá trị băm"
    return {
        "name": _document_name(collected),
        "included": collected.includes_document,
        "reason": reason,
        "sha256": row.sha256,
        "size": row.size,
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
