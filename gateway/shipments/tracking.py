"""Following a carrier's feed: one poller an account, the cursor moves with what it brought.

Owns the lease of a feed and whose an event is. Every event is stored, known or not, before
anything follows from it; one that names no parcel of ours stays an orphan and alerts. The feed's
lease only avoids double work: a poller that lost it cannot move the cursor, and an event that
comes twice is one event.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from connectors.contract import ConnectorError, Feed, TrackingFeed
from gateway.foundation.clock import Clock
from gateway.foundation.database import Database, DatabaseUnavailable
from gateway.foundation.ids import new_id
from gateway.foundation.leases import kept_alive
from gateway.shipments import store
from gateway.shipments.evidence import NewEvidence, of_event, row_of, storable
from gateway.shipments.news import News
from gateway.shipments.recording import Recorder, Recording

_log = structlog.get_logger(__name__)

_RENEW_S = store.FEED_LEASE.total_seconds() / 3


class Tracker:
    """The poller of one account; every process may run one."""

    def __init__(
        self,
        account: str,
        feed: TrackingFeed,
        *,
        database: Database,
        clock: Clock,
        recorder: Recorder,
        news: News,
        poll_s: float,
    ) -> None:
        self._account = account
        self._feed = feed
        self._database = database
        self._clock = clock
        self._recorder = recorder
        self._news = news
        self._poll_s = poll_s

    async def run(self) -> None:
        """Poll for ever; what goes wrong here is tried again and harms no other account."""
        while True:
            try:
                await self.once()
            except DatabaseUnavailable:
                _log.warning("tracking_waits_for_database", account=self._account)
            except Exception:
                self._news.alert("feed_failed")
                _log.exception("tracking_failed", account=self._account)
            await self._clock.sleep(self._poll_s)

    async def once(self) -> int:
        """Read everything new, if it is our turn; returns how many events were brought."""
        taken = await self._database.write(
            lambda c: store.take_feed(c, self._account, self._clock.now())
        )
        if taken is None:
            return 0
        try:
            async with kept_alive(self._clock, _RENEW_S, lambda: self._renew(taken.fence)):
                return await self._read(taken)
        except ConnectorError as error:
            self._news.alert("feed_failed")
            _log.warning("feed_not_read", account=self._account, error=type(error).__name__)
            return 0
        finally:
            await self._release(taken.fence)

    async def _read(self, taken: Row[Any]) -> int:
        cursor, count = taken.cursor, 0
        while True:
            page = await self._feed.events_since(cursor)
            recording = await self._database.write(
                lambda c, page=page: self._take_in(c, taken.fence, page)  # type: ignore[misc] # a default argument is not in the type
            )
            if recording is None:
                return count  # another poller took over
            self._news.tell(recording)
            count += len(page.events)
            if not page.more or page.cursor == cursor:
                return count
            cursor = page.cursor

    def _take_in(self, connection: Connection, fence: int, page: Feed) -> Recording | None:
        """A page of events and the cursor behind it, together."""
        now = self._clock.now()
        until = now + store.FEED_LEASE
        if not store.move_feed(
            connection, self._account, fence, cursor=page.cursor, lease_until=until
        ):
            return None
        owned, orphans = self._sort(connection, page)
        recording = self._recorder.record(connection, owned)
        rows = [row_of(self._account, None, new) for new in orphans]
        fresh = store.insert_evidence(connection, rows) if rows else set()
        recording.alerts += ["unknown_item"] * len(fresh)
        return recording

    def _sort(
        self, connection: Connection, page: Feed
    ) -> tuple[dict[str, list[NewEvidence]], list[NewEvidence]]:
        """Whose each event is: by our reference, or by item number when it names none."""
        now, events = self._clock.now(), page.events
        message_id = self._keep(connection, page)
        refs = {storable(e.client_ref, 64) or "" for e in events if e.client_ref}
        codes = {storable(e.item_code, 40) or "" for e in events if not e.client_ref}
        by_ref, by_code = store.owners(connection, self._account, refs, codes - {""})
        owned: dict[str, list[NewEvidence]] = defaultdict(list)
        orphans = []
        for event in events:
            owner = by_ref.get(event.client_ref or "")
            if not event.client_ref:
                owner = by_code.get(event.item_code or "")
            new = of_event(event, now, message_id=message_id)
            if owner is None:
                orphans.append(new)
            else:
                owned[owner].append(new)
        return owned, orphans

    def _keep(self, connection: Connection, page: Feed) -> str | None:
        """Keep the page itself, unless it says nothing that we did not know."""
        now = self._clock.now()
        keys = {of_event(event, now).key for event in page.events}
        if not page.answer or keys <= store.known_keys(connection, self._account, keys):
            return None
        message_id = new_id("msg", self._clock)
        store.keep_message(connection, message_id, self._account, page.answer, now)
        return message_id

    async def _renew(self, fence: int) -> None:
        until = self._clock.now() + store.FEED_LEASE
        await self._database.write(
            lambda c: store.move_feed(c, self._account, fence, lease_until=until)
        )

    async def _release(self, fence: int) -> None:
        # Half a period: whoever looks next, here or elsewhere, is never a moment too early.
        next_at = store.due_in(self._clock.now(), self._poll_s / 2)
        await self._database.write(
            lambda c: store.move_feed(c, self._account, fence, lease_until=None, next_at=next_at)
        )
