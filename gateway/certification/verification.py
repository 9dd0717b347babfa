"""Public verification: what the register and the signatures say about a code, or a file.

Owns looking up and judging; pages and JSON are ``public``. Tells number, book, agency, signer,
date, pages, hash and status; never the document, the requester or the paper's title. A file is
judged in memory and kept nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.certification import store
from gateway.certification.rules import FileMatch, file_verdict
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore, FilesUnavailable
from gateway.preservation.stored_files import ExtendingSignatures
from signing.contract import SigningError, Validation

_log = structlog.get_logger(__name__)
_TOKEN = re.compile(r"[0-9a-z]{26}")
_NOBODY = "0" * 26  # looked up for malformed codes, so that they take as long as unknown ones
_REMEMBER_S = 600.0
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """A certified copy: its row and every file ever issued for it, newest first."""

    row: Any
    files: Sequence[Any]

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every issued file."""
        return tuple(f.sha256 for f in self.files)


class Verification:
    """Answers strangers."""

    def __init__(
        self, database: Database, clock: Clock, files: FileStore, signatures: ExtendingSignatures
    ) -> None:
        self._database = database
        self._clock = clock
        self._files = files
        self._signatures = signatures
        self._seen: dict[str, tuple[float, Validation]] = {}

    async def look_up(self, code: str) -> Found | None:
        """The issued or revoked copy of a code; None for unknown and malformed codes alike."""
        token = code.strip().lower().replace("-", "").replace(" ", "")
        token = token if _TOKEN.fullmatch(token) else _NOBODY

        def query(connection: Connection) -> Found | None:
            row = store.find_by_token(connection, token)
            return None if row is None else Found(row, store.files_of(connection, row.id))

        return await self._database.read(query)

    async def signatures(self, found: Found) -> Validation | None:
        """The verdict on the issued file; None when it cannot be had now.

        Remembered for ten minutes, so that a popular code does not keep the signers busy.
        """
        digest = found.row.sha256
        seen = self._seen.get(digest)
        if seen is not None and self._clock.monotonic() - seen[0] < _REMEMBER_S:
            return seen[1]
        try:
            verdict = await self._judged(digest)
        except (SigningError, FileMissing, FileDamaged, FilesUnavailable) as error:
            _log.warning("issued_file_not_checked", error=type(error).__name__)
            return None
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[digest] = (self._clock.monotonic(), verdict)
        return verdict

    async def _judged(self, digest: str) -> Validation:
        content = await self._files.get_small(digest)
        if content is not None:
            return await self._signatures.validate(content)
        async with self._files.local(digest) as path:
            return await self._signatures.validate_file(path)

    async def check_file(self, found: Found, content: bytes) -> str:
        """``ok``, ``newer``, ``changed``, ``unclear`` or ``unchecked`` (``rules.file_verdict``)."""
        match, file = _compare(found.files, content)
        if match is not FileMatch.EXTENDED:
            return file_verdict(match, None, same_signatures=False)
        try:
            verdict = await self._signatures.validate(content)
        except SigningError:
            return file_verdict(match, None, same_signatures=False)
        # An archive time-stamp has no PAdES level of its own; every other signature has one.
        signers = {s.field_name for s in verdict.signatures if s.level is not None}
        same = signers == set(file.signature_fields)
        return file_verdict(match, verdict.verdict.value, same_signatures=same)


def _compare(files: Sequence[Any], content: bytes) -> tuple[FileMatch, Any]:
    digest = hashlib.sha256(content).hexdigest()
    for file in files:
        if file.sha256 == digest:
            return FileMatch.SAME, file
    for file in files:
        if len(content) > file.size:
            head = hashlib.sha256(memoryview(content)[: file.size]).hexdigest()
            if head == file.sha256:
                return FileMatch.EXTENDED, file
    return FileMatch.OTHER, None
