"""Answers about certificates that still hold, by certificate and issuer, in one process's memory.

Owns their bound: an answer goes when it is out of date (``nextUpdate``, an hour at most, see
``revocation_answers``), and beyond a number the one that was asked for longest ago. What is lost
here is asked again, or read from ``kept_answers``.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from signing.evidence.revocation_answers import Answer

MOST_ANSWERS = 2_000  # about 2 kB each; lists are shared between the answers that they give
Name = tuple[bytes, bytes]


class AnswersAtHand:
    """At most so many answers, none of them out of date when it is given."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._answers: OrderedDict[Name, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, name: Name, now: datetime) -> Answer | None:
        """The answer about a certificate, while it holds."""
        answer = self._answers.get(name)
        if answer is None:
            return None
        if now >= answer.valid_until:
            del self._answers[name]
            return None
        self._answers.move_to_end(name)
        return answer

    def keep(self, name: Name, answer: Answer, now: datetime) -> None:
        """Remember an answer; when there are too many, first forget what is out of date."""
        self._answers.pop(name, None)
        if len(self._answers) >= self._most:
            self._forget_old(now)
        self._answers[name] = answer

    def clear(self) -> None:
        """Know nothing any more, as a process that has just begun."""
        self._answers.clear()

    def _forget_old(self, now: datetime) -> None:
        for name in [n for n, answer in self._answers.items() if now >= answer.valid_until]:
            del self._answers[name]
        while len(self._answers) >= self._most:
            self._answers.popitem(last=False)
