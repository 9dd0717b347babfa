"""Waking workers: in-process always, across processes through Redis when there is one.

A wake-up is a hint. Workers also look by themselves every second, so losing one (or all of
Redis, or a ``FLUSHALL``) costs a second and nothing else. The one home of the redis library.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import Any

import structlog
from redis import asyncio as redis_client
from redis.exceptions import RedisError

_log = structlog.get_logger(__name__)
_CHANNEL = "motcua:wake"


class Redis:
    """An optional Redis/Valkey; every method degrades to 'not there' instead of failing."""

    def __init__(self, url: str) -> None:
        self._client: redis_client.Redis = redis_client.Redis.from_url(
            url, socket_timeout=1.0, socket_connect_timeout=1.0, health_check_interval=15
        )
        self._down = False

    async def publish(self, channel: str, message: str) -> bool:
        """Tell other processes; False when Redis is away."""
        return await self._try(self._client.publish(channel, message)) is not None

    async def take(self, key: str, limit: int, window_s: int) -> int | None:
        """Count one use in a fixed window; the count so far, or None when Redis is away."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.incr(key)
        pipeline.expire(key, window_s, nx=True)
        result = await self._try(pipeline.execute())
        return int(result[0]) if result else None

    async def ping(self) -> bool:
        """Whether it answers."""
        return bool(await self._try(self._client.ping()))

    async def listen(self, channel: str, on_message: Any) -> None:
        """Hand every message of a channel on, for ever; reconnects by itself."""
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(channel)
                    while True:
                        message = await pubsub.get_message(timeout=1.0)
                        if message is not None:
                            on_message(message["data"].decode())
            except (RedisError, OSError, TimeoutError):
                self._note(down=True)
                await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    async def _try(self, awaitable: Any) -> Any:
        try:
            result = await awaitable
        except (RedisError, OSError, TimeoutError):
            self._note(down=True)
            return None
        self._note(down=False)
        return result

    def _note(self, *, down: bool) -> None:
        if down != self._down:
            self._down = down
            _log.warning("redis_state", down=down)


class Waker:
    """Topics that workers wait on."""

    def __init__(self, redis: Redis | None = None) -> None:
        self._redis = redis
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._pending: set[asyncio.Task[Any]] = set()

    def wake(self, topic: str) -> None:
        """Wake this process's worker now and the others' when possible; never blocks."""
        self._events[topic].set()
        if self._redis is not None:
            task = asyncio.ensure_future(self._redis.publish(_CHANNEL, topic))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def wait(self, topic: str, timeout_s: float = 1.0) -> bool:
        """Wait for a wake-up, at most ``timeout_s``; True when there was one."""
        event = self._events[topic]
        try:
            async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def relay(self) -> None:
        """Pass on the wake-ups of other processes (a background task; ends without Redis)."""
        if self._redis is not None:
            await self._redis.listen(_CHANNEL, lambda topic: self._events[topic].set())
