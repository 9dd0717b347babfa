"""Many who ask the same at once ask once: the first one's answer is everybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Joins equal questions while the answer is under way; keeps nothing afterwards."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[T]] = {}

    async def do(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, or the error, of the one asking; who gives up waiting stops nobody else."""
        asking = self._under_way.get(question)
        if asking is None or asking.get_loop() is not asyncio.get_running_loop():
            asking = asyncio.ensure_future(ask())
            self._under_way[question] = asking
            asking.add_done_callback(lambda done: self._landed(question, done))
        return await asyncio.shield(asking)

    def _landed(self, question: Hashable, done: asyncio.Future[T]) -> None:
        if self._under_way.get(question) is done:
            del self._under_way[question]
        if not done.cancelled():
            done.exception()  # seen: everybody who waited may have given up
