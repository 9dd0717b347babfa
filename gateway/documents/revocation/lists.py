"""Lists of revoked certificates, fetched before somebody needs them and shared by all processes.

Owns when a list is fetched anew: at least every 45 minutes, so that no signer has to wait for one,
and before its ``nextUpdate``. One process of all fetches (a lease in the database), the bytes lie
in the database, and every gateway hands them to its own machine's signers; Redis has no part in
it. Leaves fetching and believing to the signing service.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.documents.confirmations import claims
from gateway.documents.revocation import store
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database
from signing.contract import FetchedList, SigningError, Watching

_log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=45)  # signers keep an answer for an hour
BEFORE_END = timedelta(minutes=10)
_SOONEST = timedelta(minutes=1)
_AGAIN_S = (60, 300, 900, 3_600, 21_600)  # after failures; the last one repeated
_AT_ONCE = 10


def next_fetch(fetched_at: datetime, next_update: datetime) -> datetime:
    """When a list is fetched again: in good time before its end, and never in a hurry."""
    return max(fetched_at + _SOONEST, min(fetched_at + EVERY, next_update - BEFORE_END))


class RevocationLists:
    """The lists of one gateway process."""

    def __init__(self, database: Database, clock: Clock, watching: Watching) -> None:
        self._database = database
        self._clock = clock
        self._watching = watching
        self._handed_on: dict[str, datetime] = {}

    async def once(self) -> int:
        """Fetch what is due, hand on what others fetched; how many were fetched."""
        now = self._clock.now()
        table = store.revocation_lists
        due = await self._database.write(lambda c: claims.claim(c, table, now, _AT_ONCE))
        for row in due:
            await self._fetch(row)
        await self._hand_on()
        return len(due)

    async def _fetch(self, row: Any) -> None:
        now = self._clock.now()
        try:
            fetched = await self._watching.fetch_list(row.url)
        except SigningError as error:
            failures = row.failures + 1
            wait_s = _AGAIN_S[min(failures, len(_AGAIN_S)) - 1]
            _log.warning("list_not_fetched", url=row.url, reason=error.code, failures=failures)
            values: dict[str, Any] = {
                "failures": failures,
                "due_at": now + timedelta(seconds=wait_s),
            }
        else:
            self._handed_on[row.url_sha256] = fetched.fetched_at
            values = _columns(fetched)
        await self._database.write(
            lambda c: store.change_list(
                c, row.url_sha256, row.lease_fence, lease_until=None, **values
            )
        )

    async def _hand_on(self) -> None:
        """Give this machine's signers what another one fetched."""
        now = self._clock.now()
        for row in await self._database.read(lambda c: store.fetched_lists(c, now)):
            if self._handed_on.get(row.url_sha256) == row.fetched_at:
                continue
            raw = await self._database.read(
                lambda c, digest=row.url_sha256: store.list_bytes(c, digest)  # type: ignore[misc]  # the default binds the loop's value
            )
            if raw is not None:
                try:
                    await self._watching.keep_list(row.url, raw, row.fetched_at)
                except SigningError as error:
                    _log.warning("list_not_handed_on", url=row.url, reason=error.code)
                    continue
                self._handed_on[row.url_sha256] = row.fetched_at


def _columns(fetched: FetchedList) -> dict[str, Any]:
    return {
        "raw": fetched.raw,
        "fetched_at": fetched.fetched_at,
        "next_update": fetched.next_update,
        "failures": 0,
        "due_at": next_fetch(fetched.fetched_at, fetched.next_update),
    }
