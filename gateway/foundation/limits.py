"""How often a portal may call: shared through Redis when there is one, else per process."""

from __future__ import annotations

from gateway.foundation.clock import Clock
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Redis


class RateLimiter:
    """A fixed window of one second with a burst: simple, the same answer everywhere."""

    def __init__(self, clock: Clock, redis: Redis | None, per_second: int) -> None:
        self._clock = clock
        self._redis = redis
        self._limit = per_second
        self._windows: dict[str, tuple[int, int]] = {}

    async def check(self, subject: str) -> None:
        """Count one call.

        Raises:
            Problem: ``rate_limited`` with ``Retry-After``.
        """
        if self._limit <= 0:
            return
        window = int(self._clock.now().timestamp())
        count = self._count_here(subject, window)
        if self._redis is not None:
            shared = await self._redis.take(f"motcua:rate:{subject}:{window}", self._limit, 5)
            count = count if shared is None else shared
        if count > self._limit:
            raise Problem("rate_limited", headers={"Retry-After": "1"})

    def _count_here(self, subject: str, window: int) -> int:
        seen, count = self._windows.get(subject, (window, 0))
        count = count + 1 if seen == window else 1
        if len(self._windows) > 10_000:
            self._windows.clear()
        self._windows[subject] = (window, count)
        return count
