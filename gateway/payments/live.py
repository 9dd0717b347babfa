"""Who is watching a payment right now: wake-ups for the citizen's page.

Owns waiting inside one process; a missed wake-up costs a watcher one look at the database. The
number of watchers is capped, because each keeps a connection open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator


class Live:
    """Watchers by payment."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self.closing = False
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def notify(self, payment_id: str) -> None:
        """Wake everybody who watches a payment."""
        for event in self._watchers.get(payment_id, ()):
            event.set()

    def close(self) -> None:
        """Send every watcher away (shutdown)."""
        self.closing = True
        for watchers in self._watchers.values():
            for event in watchers:
                event.set()

    @property
    def is_full(self) -> bool:
        """Whether one more watcher is too many."""
        return (
            self.closing or sum(len(watchers) for watchers in self._watchers.values()) >= self._most
        )

    @contextlib.contextmanager
    def watch(self, payment_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the payment changed; clear it before looking."""
        event = asyncio.Event()
        watchers = self._watchers[payment_id]
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(payment_id, None)
