"""Keys confirmed elsewhere and desktop programs, with documents that are not held in memory.

Owns the way from the file store to the signing service and back for acts of two halves. Leaves
tickets, units of work and what is told to ``remote_acts``, ``embedding`` and ``hand_off``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.documents.chancery import Chancery
from gateway.documents.large import LargeDocuments
from gateway.documents.steps import Result
from gateway.foundation.spools import Spool, SpooledFile
from signing.contract import PreparedFile, RemoteFilePaths, SignOrder


class LargeRemoteActs:
    """What is done elsewhere with a document that is not held in memory."""

    def __init__(self, office: Chancery) -> None:
        self._files = office.files
        self._signatures = office.signatures
        self._large = LargeDocuments(office.files, office.signatures, office.doubts)

    async def prepare(self, order: SignOrder, sha256: str) -> PreparedFile:
        """Write the revision of a stored file into another one and store that.

        Raises:
            SigningError: the signing service's refusal; nothing was stored.
        """
        async with self._files.local(sha256) as source, self._files.spool() as spool:
            target = await spool.new()
            prepared = await self._signatures.prepare_file(order, source, target)
            await self._files.keep(target, prepared.sha256)
        return prepared

    async def finish(self, prepared: PreparedFile, act: Any) -> PreparedFile | Result:
        """Embed an act's raw signature in a stored file; store the next part, or the result.

        Raises:
            SigningError: the signing service's refusal; nothing was stored.
        """
        files = self._files
        async with (
            files.local(act.input_sha256) as original,
            files.local(prepared.sha256) as source,
            files.spool() as spool,
        ):
            target = await spool.new()
            paths = RemoteFilePaths(original, source, target)
            made = await self._signatures.finish_file(prepared, bytes(act.signature), paths)
            if not isinstance(made, PreparedFile):
                return await self._large.take_in(target, made, act.tenant)
            await files.keep(target, made.sha256)
        return made

    async def accept(self, order: SignOrder, act: Any, signed: Path) -> Result:
        """Prove a file that a desktop program brought back for an act's stored one; store it.

        Raises:
            SigningError: the signing service's refusal; the file is where it was.
        """
        async with self._files.local(act.input_sha256) as source:
            made = await self._signatures.accept_hand_off_file(order, source, signed)
        return await self._large.take_in(signed, made, act.tenant)

    async def keep_upload(self, content: bytes | SpooledFile) -> str:
        """Store a file that came back, whatever it is; its SHA-256."""
        if isinstance(content, bytes):
            return await self._files.put_once(content)
        if await asyncio.to_thread(content.path.exists):  # else it was stored already
            await self._files.keep(content.path, content.sha256)
        return content.sha256


async def path_of(content: bytes | SpooledFile, spool: Spool) -> Path:
    """Where a file that came back lies; one in memory is written there."""
    if isinstance(content, SpooledFile):
        return content.path
    path = await spool.new()
    await asyncio.to_thread(path.write_bytes, content)
    return path
