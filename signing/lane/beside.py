"""Work beside waiting: what does not need an answer is done while the answer is under way.

Owns one question and the work that shares its wait; neither outlives the other, whatever fails and
whoever gives up. Leaves what is asked and what is done to the callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# The HTTP client sends from a task of its own on Python 3.11: the question's turn, then that one's.
# Fewer turns would only mean less overlap.
_TURNS_UNTIL_SENT = 2


async def beside(question: Coroutine[Any, Any, T], work: Callable[[], None]) -> T:
    """Ask, work while the answer is under way, give the answer.

    Raises:
        Whatever the question or the work raises; the other one's end is awaited first.
    """
    asking = asyncio.ensure_future(question)
    try:
        for _ in range(_TURNS_UNTIL_SENT):
            await asyncio.sleep(0)
        if not asking.done():  # refused at once: nothing to work for
            work()
        return await asking
    finally:
        if not asking.done():
            asking.cancel()
            await asyncio.wait([asking])
        if not asking.cancelled():
            asking.exception()  # seen, also when the work failed first
