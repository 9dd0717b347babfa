"""Walking the evidence chains: every link, every repeated column, every stored byte.

What ``motcua audit verify`` does. Stops at the first break of a tenant and goes on to the next one:
what follows a break proves nothing. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.documents.evidence import authority_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.chain import Break, Walk, authorities_of, files_of
from gateway.documents.evidence.extensions import EXTENSION
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore

_PAGE = 200
_WHAT = {
    "certificate": "chứng thư số",
    "authority_certificate": "chứng thư của dịch vụ cấp dấu thời gian",
    "ocsp": "câu trả lời OCSP",
    "crl": "danh sách thu hồi CRL",
    "timestamp": "dấu thời gian",
    "input": "tệp trước khi ký",
    "result": "tệp đã ký",
}


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain as the operator noted it: number and SHA-256."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Walked:
    """One tenant's chain after the walk: where it ends, and its first break."""

    tenant: str
    head: Head
    first_break: Break | None


class EvidenceAudit:
    """Verifies every chain of a database against its file store.

    ``elsewhere``: what other capabilities' longer files are called → their query (see
    ``unrecorded_elsewhere``). Those have been recorded for as long as there are any.
    """

    def __init__(
        self,
        database: Database,
        files: FileStore,
        elsewhere: Mapping[str, sa.Select[Any]] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self._files = files
        self._elsewhere = elsewhere
        self._sound: set[str] = set()  # files found whole: many records share a CRL

    async def verify(self, noted: Mapping[str, Head] | None = None) -> list[Walked]:
        """Walk every tenant's chain; ``noted`` are earlier heads that must still lie on it."""
        noted = noted or {}
        longer = list(self._elsewhere.values())
        names = await self._database.read(lambda c: evidence_store.tenants(c, longer))
        missing = [
            Walked(name, head, Break(name, head.number, "không còn chuỗi bản ghi nào"))
            for name, head in noted.items()
            if name not in names
        ]
        return [*missing, *[await self._walk(name, noted.get(name)) for name in names]]

    async def _walk(self, tenant: str, noted: Head | None) -> Walked:
        # Taken first: what is appended meanwhile is the next walk's.
        head = await self._database.read(lambda c: evidence_store.head_of(c, tenant))
        walk = Walk(tenant)
        found = await self._records(walk, head.number if head is not None else 0, noted)
        found = found or walk.end(head)
        if found is None:
            found = await self._database.read(lambda c: self._around(c, walk, noted))
        return Walked(tenant, Head(walk.number, walk.sha256), found)

    async def _records(self, walk: Walk, until: int, noted: Head | None) -> Break | None:
        while walk.number < until:
            after, limit = walk.number, min(_PAGE, until - walk.number)
            rows = await self._database.read(
                lambda c: evidence_store.records_after(c, walk.tenant, after, limit)  # noqa: B023 - awaited within the turn
            )
            if not rows:
                return Break(walk.tenant, walk.number + 1, "thiếu bản ghi này")
            authorities = await self._database.read(
                lambda c: authority_store.of_records(c, walk.tenant, after + 1, rows[-1].number)  # noqa: B023 - awaited within the turn
            )
            for row in rows:
                found = walk.step(row) or _noted_otherwise(walk, noted)
                found = found or _found_otherwise(row, authorities.get(row.number, set()))
                found = found or await self._stored(row)
                if found is not None:
                    return found
        return None

    async def _stored(self, row: Any) -> Break | None:
        for what, digest in files_of(msgspec.json.decode(row.content)):
            if digest in self._sound:
                continue
            name = f"{_WHAT.get(what, what)} {digest}"
            try:
                await self._files.check(digest)
            except FileMissing:
                return Break(row.tenant, row.number, f"{name}: không còn trong kho tệp")
            except FileDamaged:
                return Break(row.tenant, row.number, f"{name}: byte trong kho tệp đã bị sửa")
            self._sound.add(digest)
        return None

    def _around(self, connection: Connection, walk: Walk, noted: Head | None) -> Break | None:
        """What no single record shows: rows beyond the head, a cut chain, acts not recorded."""
        last = evidence_store.last_number(connection, walk.tenant)
        head = evidence_store.head_of(connection, walk.tenant)
        if last > (head.number if head is not None else 0):
            return Break(walk.tenant, last, "bản ghi đứng sau đầu chuỗi")
        if noted is not None and noted.number > walk.number:
            return Break(walk.tenant, noted.number, "bản ghi từng là đầu chuỗi nay không còn")
        return _unrecorded(connection, walk.tenant) or self._unrecorded_elsewhere(
            connection, walk.tenant
        )

    def _unrecorded_elsewhere(self, connection: Connection, tenant: str) -> Break | None:
        for what, lengthened in self._elsewhere.items():
            for row in evidence_store.unrecorded_elsewhere(connection, tenant, lengthened):
                reason = f"lần gia hạn thứ {row.number} của {what} {row.id} không có bản ghi"
                return Break(tenant, 0, reason)
        return None


def _found_otherwise(row: Any, authorities: set[str]) -> Break | None:
    """The table by which a revoked authority's time-stamps are found says what the record says."""
    if authorities_of(msgspec.json.decode(row.content)) == authorities:
        return None
    return Break(row.tenant, row.number, "bảng tra chứng thư cấp dấu thời gian khác với bản ghi")


def _noted_otherwise(walk: Walk, noted: Head | None) -> Break | None:
    if noted is None or noted.number != walk.number or noted.sha256 == walk.sha256:
        return None
    return Break(walk.tenant, walk.number, "khác với đầu chuỗi đã ghi lại trước đây")


def _unrecorded(connection: Connection, tenant: str) -> Break | None:
    """A signed file published since the chain began must be spoken of."""
    first = evidence_store.records_after(connection, tenant, 0, 1)
    since: datetime | None = first[0].recorded_at if first else None
    if since is None:
        return None
    extended = evidence_store.first_of_kind(connection, tenant, EXTENSION)
    for row in evidence_store.unrecorded_revisions(connection, tenant, since, extended):
        reason = f"phiên bản {row.number} của văn bản {row.document_id} không có bản ghi"
        return Break(tenant, 0, reason)
    return None
