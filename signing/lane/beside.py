"""Work beside waiting: what does not need an answer is done while the answer is under way.

Owns one question and the work that shares its wait; neither outlives the other, whatever fails and
whoever gives up. The question is asked in the caller's own task: one more task would cost a turn of
the event loop before the question is sent and another one after it is answered. Leaves what is
asked and what is done to the callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Shared:
    """Work that is done at the second turn of the event loop, unless it is called off.

    The HTTP client sends from a task of its own on Python 3.11: that is the first turn.
    """

    def __init__(self, work: Callable[[], None], waiting: asyncio.Task[Any]) -> None:
        self.failure: BaseException | None = None
        self._work = work
        self._waiting = waiting
        self._loop = asyncio.get_running_loop()
        self._turn = self._loop.call_soon(self._sent)

    def _sent(self) -> None:
        self._turn = self._loop.call_soon(self._do)

    def _do(self) -> None:
        try:
            self._work()
        except BaseException as failure:  # whoever waits raises it
            self.failure = failure
            self._waiting.cancel()  # withdraws the question

    def call_off(self) -> None:
        """Nobody waits any more; after the work it does nothing."""
        self._turn.cancel()


async def beside(question: Coroutine[Any, Any, T], work: Callable[[], None]) -> T:
    """Ask, work while the answer is under way, give the answer.

    A question that is answered or refused before it is sent leaves no time for the work.

    Raises:
        Whatever the question or the work raises; the other one's end is awaited first.
    """
    waiting = asyncio.current_task()
    assert waiting is not None
    given_up_before = waiting.cancelling()
    shared = _Shared(work, waiting)
    try:
        answer = await question
    except BaseException as error:
        if shared.failure is None:
            raise
        given_up = waiting.uncancel() > given_up_before  # by somebody else, too
        if given_up and isinstance(error, asyncio.CancelledError):
            raise
    else:
        if shared.failure is None:
            return answer
        waiting.uncancel()  # the question went on to its answer all the same
    finally:
        shared.call_off()
    raise shared.failure
