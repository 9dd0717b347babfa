"""Scripted faults: what a simulator does wrong, how often, and nothing by chance.

Owns the list of faults and the script a tester writes. Leaves to each simulator what a fault
means in its protocol; a fault it cannot commit stays in the script.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What can go wrong at a provider."""

    LOSE_CALLBACK = "lose_callback"
    DUPLICATE_CALLBACK = "duplicate_callback"  # times: 2
    DELAY_CALLBACK = "delay_callback"  # seconds: 1.0
    REORDER_CALLBACKS = "reorder_callbacks"  # this one goes out after the next one
    BAD_SIGNATURE = "bad_signature"  # the callback is signed with another secret
    CHANGE_AMOUNT = "change_amount"  # amount_vnd: 1000, well signed
    TIMEOUT_AFTER_WORK = "timeout_after_work"  # seconds: 60
    TIMEOUT_BEFORE_WORK = "timeout_before_work"  # seconds: 60
    REFUSE = "refuse"  # code: the provider's own
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"


class FaultScript:
    """A queue for each fault; each entry is used once."""

    def __init__(self) -> None:
        self._waiting: dict[Fault, deque[Mapping[str, Any]]] = {f: deque() for f in Fault}

    def add(self, fault: Fault, times: int = 1, **arguments: Any) -> None:
        """Let a fault happen at the next ``times`` occasions."""
        self._waiting[fault].extend(dict(arguments) for _ in range(times))

    def names(self) -> list[str]:
        """The faults that can be scripted."""
        return [fault.value for fault in Fault]

    def script(self, name: str, times: int = 1, **arguments: Any) -> None:
        """Add a fault by its name.

        Raises:
            ValueError: there is no such fault.
        """
        self.add(Fault(name), times, **arguments)

    def take(self, fault: Fault) -> Mapping[str, Any] | None:
        """Use a fault up: its arguments, or None when it is not (or no longer) scripted."""
        waiting = self._waiting[fault]
        return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Forget every fault."""
        for waiting in self._waiting.values():
            waiting.clear()

    def pending(self) -> dict[str, int]:
        """How many of each fault are still to come."""
        return {fault.value: len(found) for fault, found in self._waiting.items() if found}
