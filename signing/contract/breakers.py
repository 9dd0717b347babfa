"""What is known of services that keep failing, told from one machine to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A circuit breaker's state; moments are seconds since 1970, 0: never."""

    failures: int = 0  # in a row
    rest_s: float = 60.0
    failed_at: float = 0.0
    open_until: float = 0.0
    probe_until: float = 0.0  # somebody is trying it until then


class BreakerStates(Protocol):
    """The breakers that the processes of one machine share, each by a name of its service."""

    def read(self) -> Mapping[str, tuple[BreakerState, float]]:
        """Every state there is, with the moment of its last change (seconds since 1970)."""
        ...

    def impose(self, name: str, state: BreakerState, known: BreakerState | None) -> bool:
        """Put what another machine knows in the place of what is ``known`` here.

        False when that changed meanwhile, or cannot be written: nothing was done.
        """
        ...
