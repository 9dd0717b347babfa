"""How long each stage of an act took, for ``SignedPdf.timings_ms``."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter


@dataclass(slots=True)
class Timings:
    """Milliseconds by stage; ``last`` is when the one before ended."""

    stages: dict[str, float]
    last: float

    def mark(self, stage: str) -> None:
        """The stage that has just ended."""
        now = perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self.last) * 1000
        self.last = now
