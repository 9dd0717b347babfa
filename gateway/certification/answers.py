"""What the API says about certifications and registers: shapes, and rows → shapes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.certification import store
from gateway.certification.rules import RegisterKey, Status, printed_number, printed_volume
from gateway.foundation.clock import in_vietnam, iso


class Original(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The paper original as its certifier compared it."""

    title: str
    issued_by: str
    number: str | None
    pages: int


class RevocationAnswer(msgspec.Struct, frozen=True):
    """The decision that cancelled a certified copy."""

    decision_number: str
    reason: str
    at: str


class CertificationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A certification; number, book volume and year are null until it is issued."""

    id: str
    object: str = "certification"
    status: str
    kind: str
    reference: str
    agency_code: str
    agency_name: str | None
    book: str
    volume: str | None
    number: int | None
    year: int | None
    document_id: str
    source_sha256: str
    original: Original
    requester: dict[str, str]
    copies: int
    certifier: str
    certifier_name: str | None
    sha256: str | None
    size: int | None
    pages: int | None
    level: str | None
    verification_url: str | None
    content_path: str | None
    legal_basis: str | None
    issued_at: str | None
    revocation: RevocationAnswer | None
    created_at: str
    sequence: int


class CertificationList(msgspec.Struct, frozen=True):
    """One page of certifications, newest first."""

    data: list[CertificationAnswer]
    has_more: bool
    next: str | None


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a register (SCT/BS columns); another portal's lines tell no names."""

    number: int
    volume: str
    issued_at: str
    status: str
    certification_id: str | None
    requester: str | None
    title: str | None
    signer: str | None
    copies: int | None
    note: str | None


class RegisterAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A year of a book, in order of numbers, without gaps."""

    object: str = "register"
    agency_code: str
    book: str
    year: int
    last: int
    entries: list[EntryAnswer]


class Shower:
    """Rows → answers; knows the address people verify at."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")

    def address(self, token: str) -> str:
        """What the QR code says."""
        return f"{self._public_url}/v/{token}"

    def show(self, row: Any) -> CertificationAnswer:
        """One certification."""
        issued = row.status != Status.DRAFT
        return CertificationAnswer(
            id=row.id,
            status=row.status,
            kind=row.kind,
            reference=row.reference,
            agency_code=row.agency_code,
            agency_name=row.agency_name,
            book=row.book,
            volume=printed_volume(row.volume, row.year) if issued else None,
            number=row.number,
            year=row.year,
            document_id=row.document_id,
            source_sha256=row.source_sha256,
            original=Original(**row.original),
            requester={"name": row.requester_name},
            copies=row.copies,
            certifier=row.certifier,
            certifier_name=row.certifier_name,
            sha256=row.sha256,
            size=row.size,
            pages=row.pages,
            level="B-LTA" if issued else None,
            verification_url=self.address(row.token) if issued else None,
            content_path=f"/v1/certifications/{row.id}/content" if issued else None,
            legal_basis=row.legal_basis,
            issued_at=iso(row.issued_at) if issued else None,
            revocation=_revocation(row),
            created_at=iso(row.created_at),
            sequence=row.sequence,
        )

    def render(self, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Event data: what ``gateway/app.py`` registers for ``cer``."""
        rows = store.by_id(connection, ids)
        return {row.id: msgspec.to_builtins(self.show(row)) for row in rows}


def show_register(key: RegisterKey, rows: Sequence[Any], tenant: str) -> RegisterAnswer:
    """A register's lines as one portal may see them."""
    entries = [_entry(row, key, is_mine=row.tenant == tenant) for row in rows]
    return RegisterAnswer(
        agency_code=key.agency_code,
        book=key.book,
        year=key.year,
        last=rows[-1].number if rows else 0,
        entries=entries,
    )


_COLUMNS = ("Số chứng thực", "Quyển số", "Ngày tháng năm", "Người yêu cầu", "Tên bản chính",
            "Người ký", "Số bản sao", "Ghi chú")  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(register: RegisterAnswer) -> bytes:
    """The register for a spreadsheet: UTF-8 with BOM, no cell is ever a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for e in register.entries:
        cells = (printed_number(e.number), e.volume, e.issued_at, e.requester, e.title,
                 e.signer, e.copies, e.note)  # fmt: skip
        writer.writerow([_cell(c) for c in cells])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _entry(row: Any, key: RegisterKey, *, is_mine: bool) -> EntryAnswer:
    note = None
    if row.status == Status.REVOKED:
        day = in_vietnam(row.revoked_at).strftime("%d/%m/%Y")
        note = f"Đã hủy theo Quyết định số {row.decision_number} ngày {day}"
    return EntryAnswer(
        number=row.number,
        volume=printed_volume(row.volume, key.year),
        issued_at=iso(row.issued_at),
        status=row.status,
        certification_id=row.id if is_mine else None,
        requester=row.requester_name if is_mine else None,
        title=row.original["title"] if is_mine else None,
        signer=f"{row.certifier_name}, {row.certifier_title}",
        copies=row.copies,
        note=note,
    )


def _revocation(row: Any) -> RevocationAnswer | None:
    if row.status != Status.REVOKED:
        return None
    return RevocationAnswer(row.decision_number, row.revoke_reason, iso(row.revoked_at))
