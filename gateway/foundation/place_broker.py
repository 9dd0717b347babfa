"""Leave for this machine's signer processes, which know no database, to ask a service.

Owns a Unix socket: a line ``{"name": …, "count": …}`` asks for one of so many places of a service
over all machines (``places``); ``taken`` answers once it is held, and it is held until the other
side closes or is killed. While the database is away the answer is ``alone``: then each machine
counts for itself. The socket lies in a folder that only this user may enter.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.held_folders import HeldFolder, make_held, sweep_held
from gateway.foundation.places import Places, Want
from gateway.foundation.waker import Waker

_PREFIX = "motcua-places-"
_LONGEST_LINE = 4096
_TAKEN, _ALONE = b"taken\n", b"alone\n"


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class PlaceBroker:
    """One gateway's; ``path`` is what its children are told."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._folder: HeldFolder | None = None

    @property
    def path(self) -> str:
        """Where to ask; the folder is made when it is first needed."""
        if self._folder is None:
            below = Path(tempfile.gettempdir())
            sweep_held(below, _PREFIX, 0.0)
            self._folder = make_held(below, _PREFIX)
        return str(self._folder.path / "s")

    async def run(self) -> None:
        """Answer until cancelled."""
        server = await asyncio.start_unix_server(self._answer, self.path, limit=_LONGEST_LINE)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self.close()

    def close(self) -> None:
        """Nobody can ask any more."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            try:
                asked = msgspec.json.decode(await reader.readline(), type=_Question)
            except (msgspec.MsgspecError, ValueError):  # no question, or a line without end
                return
            holding = asyncio.ensure_future(self._hold(writer, _want(asked)))
            try:
                await reader.read()  # until the other side closes, or is killed
            finally:
                holding.cancel()
                await asyncio.gather(holding, return_exceptions=True)

    async def _hold(self, writer: asyncio.StreamWriter, want: Want) -> None:
        try:
            async with self._places.taken(want):
                writer.write(_TAKEN)
                await asyncio.Event().wait()
        except DatabaseUnavailable:
            writer.write(_ALONE)


def _want(asked: _Question) -> Want:
    mark = hashlib.sha256(asked.name.encode()).hexdigest()[:32]
    return f"service:{mark}", asked.count


def place_broker(database: Database, clock: Clock, waker: Waker) -> PlaceBroker | None:
    """A broker where several machines may work; on SQLite one process counts by itself."""
    if database.dialect != "postgresql":
        return None
    return PlaceBroker(Places(database, clock, waker))
