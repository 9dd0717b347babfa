"""A document's bytes on their way out: a revision of a document, whole or piece by piece.

Owns which revision is meant. Leaves bytes and their hashes to the file store.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from gateway.documents import store
from gateway.foundation.database import Database
from gateway.foundation.files import FileStore, StoredFile
from gateway.foundation.problems import Problem, not_found


class DocumentContents:
    """The files of every portal's documents."""

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database = database
        self._files = files

    async def open(self, tenant: str, document_id: str, revision: str) -> bytes | StoredFile:
        """The bytes of a revision (``latest``, ``original`` or a number); large ones by pieces.

        Raises:
            Problem: ``not_found``.
        """
        digest = await self._digest(tenant, document_id, revision)
        content = await self._files.get_small(digest)
        return content if content is not None else await self._files.stream(digest)

    async def _digest(self, tenant: str, document_id: str, revision: str) -> str:
        pick = _picker(revision)

        def query(connection: Connection) -> str:
            row = store.find_document(connection, tenant, document_id)
            if row is None:
                raise not_found("văn bản này")
            hashes = [r.sha256 for r in store.revisions_of(connection, document_id)]
            digest = pick(hashes)
            if digest is None:
                raise not_found("phiên bản này")
            return digest

        return await self._database.read(query)


def _picker(revision: str) -> Callable[[list[str]], str | None]:
    if revision == "latest":
        return lambda hashes: hashes[-1]
    if revision == "original":
        return lambda hashes: hashes[0]
    if not (revision.isascii() and revision.isdigit() and len(revision) < 6):
        raise Problem("invalid_request", "revision là “original”, “latest” hoặc một số.")
    wanted = int(revision)
    return lambda hashes: hashes[wanted] if wanted < len(hashes) else None
