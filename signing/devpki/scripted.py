"""Faults of a simulator: switched on for good by a test, or scripted for the next occasions.

A fault is a field that is true or false. ``take`` is asked where it would happen: true while it is
switched on, or once for each time it was scripted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class ScriptedFaults:
    """What every simulator's faults can do; the faults themselves are the subclass's fields."""

    _script: Counter[str] = field(default_factory=Counter, init=False, repr=False, kw_only=True)

    def names(self) -> list[str]:
        """The faults that can be scripted."""
        return [one.name for one in fields(self) if one.type == "bool"]

    def script(self, name: str, times: int = 1, **arguments: object) -> None:
        """Let a fault happen at the next ``times`` occasions.

        Raises:
            ValueError: there is no such fault, or it takes no arguments.
        """
        if name not in self.names() or arguments:
            raise ValueError(name)
        self._script[name] += times

    def pending(self) -> dict[str, int]:
        """How many of each scripted fault are still to come."""
        return {name: times for name, times in self._script.items() if times}

    def take(self, name: str) -> bool:
        """Whether a fault happens now; uses a scripted one up."""
        if getattr(self, name):
            return True
        if not self._script[name]:
            return False
        self._script[name] -= 1
        return True
