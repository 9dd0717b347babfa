"""Signing in two halves from file to file, for documents too large to be handed about.

Owns mapping the files and the copy that the revision is written into; the work is
``signing.remote.service``'s. A refusal leaves no target file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signing.contract import PreparedFile, RemoteFilePaths, SignedFile, SignOrder
from signing.keys.confirmed import ConfirmedKey
from signing.keys.contract import OpenedKey
from signing.pades.drafts import Draft, DraftOnDisk
from signing.pades.refusals import check_readable
from signing.reading.mapped_files import copied, mapped
from signing.reading.opening import Data
from signing.reading.stretches import read_into, sha256_of
from signing.remote.begun import Step
from signing.remote.state import Waiting, changed


class RemoteFileActs:
    """``RemoteFiles`` for the service, which gives what is declared here."""

    if TYPE_CHECKING:

        def _refuse_dangerous(self, pdf: bytes, inspected: bool | str = False) -> Any: ...
        def _confirmed(self, credential: str) -> Any: ...
        async def _begin(self, order: SignOrder, key: OpenedKey, draft: Draft) -> Step: ...
        async def _accept(self, order: SignOrder, signed: Data) -> SignedFile: ...
        def _unsealed(self, prepared: Any, pdf_sha256: bytes) -> Waiting: ...
        async def _go_on(
            self, waiting: Waiting, draft: Draft, original: Data, signature: bytes
        ) -> Step | SignedFile: ...

    async def prepare_file(
        self, order: SignOrder, source: Path, target: Path, inspected: str = ""
    ) -> PreparedFile:
        """Check everything, write the revision into a copy; see ``RemoteFiles``.

        ``inspected`` is the SHA-256 of the file that a process without keys found clean.
        """
        with mapped(source) as data:
            check_readable(data)
            self._refuse_dangerous(data, inspected)
            order = dataclasses.replace(order, pdf=data)
            async with _draft_of(data, source, target) as draft:
                key: ConfirmedKey = await self._confirmed(order.credential).open()
                return (await self._begin(order, key, draft)).on_disk()

    async def finish_file(
        self, prepared: PreparedFile, signature: bytes, files: RemoteFilePaths
    ) -> SignedFile | PreparedFile:
        """Embed a raw signature that verifies into a copy; see ``RemoteFiles``."""
        with mapped(files.original) as original, mapped(files.prepared) as data:
            digest = _digest_after(original, data)
            waiting = self._unsealed(prepared, digest)
            if waiting.original != len(original):
                raise changed("the act began with another file")
            async with _draft_of(data, files.prepared, files.target) as draft:
                step = await self._go_on(waiting, draft, original, signature)
                return step.on_disk() if isinstance(step, Step) else step

    async def accept_hand_off_file(
        self, order: SignOrder, source: Path, signed: Path, inspected: str = ""
    ) -> SignedFile:
        """Prove a file that a desktop program signed; see ``RemoteFiles``.

        ``inspected`` is the SHA-256 of ``source``, which a process without keys found clean.
        """
        with mapped(source) as before, mapped(signed) as after:
            self._refuse_dangerous(before, inspected)
            return await self._accept(dataclasses.replace(order, pdf=before), after)


@asynccontextmanager
async def _draft_of(data: Data, source: Path, target: Path) -> AsyncIterator[DraftOnDisk]:
    async with copied(source, target, len(data)) as copying:
        await copying
        with DraftOnDisk(target) as draft:
            yield draft


def _digest_after(original: Data, data: Data) -> bytes:
    """The SHA-256 of a file that must begin with another one.

    Raises:
        DocumentRefused: ``prepared_changed``.
    """
    state = hashlib.sha256()
    read_into(state, data, 0, len(original))
    if not hmac.compare_digest(state.copy().digest(), sha256_of(original).digest()):
        raise changed("the file does not begin with the one that was to be signed")
    read_into(state, data, len(original))
    return state.digest()
