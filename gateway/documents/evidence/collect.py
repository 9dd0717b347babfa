"""Loading what a document's bundle holds: rows in one read, then the raw bytes they name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.documents import store
from gateway.documents.answers import DocumentAnswer
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.bundle import KINDS, ChainProof, Collected, pack
from gateway.documents.evidence.chain import GENESIS, files_of
from gateway.documents.evidence.pieces import sound
from gateway.documents.evidence.report import draw_report
from gateway.foundation.clock import Clock, vietnam_day
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from signing.contract import SignedPieces, Validation

_LINKS = 2_000  # some 600 kB in the bundle


@dataclass(frozen=True, slots=True)
class _Rows:
    revisions: Sequence[Any]
    records: Sequence[Any]
    chain: ChainProof


class EvidenceDesk:
    """Puts the evidence of a document together."""

    def __init__(self, database: Database, clock: Clock, files: FileStore) -> None:
        self._database = database
        self._clock = clock
        self._files = files

    async def bundle(
        self,
        tenant: str,
        document: DocumentAnswer,
        validation: Validation,
        *,
        pieces: SignedPieces,
        pdf: bytes | None,
    ) -> bytes:
        """The ZIP of one document, judged by ``validation`` just now.

        ``pieces`` are those of its latest revision, ``pdf`` that revision, None for a large one.
        """
        rows = await self._database.read(lambda c: _read(c, tenant, document.id))
        collected = Collected(
            document=document,
            revisions=rows.revisions,
            validation=validation,
            records=rows.records,
            chain=rows.chain,
            raw=await self._raw(rows.records),
            day=vietnam_day(self._clock.now()),
            pieces=sound(pieces),
            pdf=pdf,
        )
        return await asyncio.to_thread(lambda: pack(collected, draw_report(collected)))

    async def _raw(self, records: Sequence[Any]) -> dict[str, bytes]:
        """The bytes by their hash; what is lost or changed is left out and shows in the bundle."""
        wanted = {
            digest
            for row in records
            for what, digest in files_of(msgspec.json.decode(row.content))
            if what in KINDS
        }
        found = {}
        for digest in sorted(wanted):
            try:
                found[digest] = await self._files.get(digest)
            except (FileMissing, FileDamaged):
                continue
        return found


def _read(connection: Connection, tenant: str, document_id: str) -> _Rows:
    records = evidence_store.records_of(connection, tenant, document_id)
    return _Rows(
        store.revisions_of(connection, document_id), records, _proof(connection, tenant, records)
    )


def _proof(connection: Connection, tenant: str, records: Sequence[Any]) -> ChainProof:
    head = evidence_store.head_of(connection, tenant)
    number, digest = (head.number, head.sha256) if head is not None else (0, GENESIS)
    if not records:
        return ChainProof(number, digest, (), complete=True)
    first = records[0].number
    if number - first >= _LINKS:
        return ChainProof(number, digest, records, complete=False)
    rows = evidence_store.records_after(connection, tenant, first - 1, number - first + 1)
    return ChainProof(number, digest, rows, complete=True)
