"""Slots that count over several machines: one of this machine first, then one of all of them.

Owns the child's side of a Unix socket at which its gateway gives leave. A slot is held as long as
the connection is open, so that the kernel gives it back when its holder is killed. Who gives leave
(a row with a lease in the gateways' database) is not known here. When nobody answers, this
machine's own count holds alone: a database that is away forbids no time-stamp.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from signing.contract import SignerConfig, TimestampAuthority
from signing.evidence.slots import NoSlot, Slots, slots_for

log = logging.getLogger(__name__)

TAKEN, ALONE = b"taken\n", b"alone\n"


class AskedSlots:
    """Slots of one service: ``count`` on all machines together."""

    def __init__(self, here: Slots, socket: str, name: str, count: int) -> None:
        self._here = here
        self._socket = socket
        self._question = json.dumps({"name": name, "count": count}).encode() + b"\n"

    @asynccontextmanager
    async def taken(self, wait_s: float) -> AsyncIterator[None]:
        """Hold one; raises ``NoSlot``."""
        clock = asyncio.get_running_loop()
        until = clock.time() + wait_s
        async with self._here.taken(wait_s):
            line = await self._ask(max(until - clock.time(), 0.0))
            try:
                yield
            finally:
                if line is not None:
                    line.close()

    async def _ask(self, wait_s: float) -> asyncio.StreamWriter | None:
        """The connection that holds a slot; None when nobody can give leave."""
        try:
            reader, line = await asyncio.open_unix_connection(self._socket)
        except OSError as error:
            log.warning("slots are counted by this machine alone: %s", type(error).__name__)
            return None
        said = b""
        with contextlib.suppress(OSError):  # the gateway is gone in the middle of it
            try:
                line.write(self._question)
                async with asyncio.timeout(wait_s):
                    said = await reader.readline()
            except TimeoutError:
                line.close()
                raise NoSlot from None
            except BaseException:
                line.close()
                raise
        if said == TAKEN:
            return line
        line.close()
        return None


def authority_slots(config: SignerConfig, authority: TimestampAuthority) -> Slots:
    """What keeps requests at an authority to its ``concurrent``, as configured."""
    name, count = authority.url, authority.concurrent
    here = slots_for(name, count, config.timestamp_slots)
    return AskedSlots(here, config.places_socket, name, count) if config.places_socket else here
