"""What a benchmark measured against what it should reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of a benchmark's outcome; ``at_most`` when smaller is better."""

    name: str
    value: float
    target: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target holds."""
        return self.value <= self.target if self.at_most else self.value >= self.target

    def __str__(self) -> str:
        line = f"ratio {self.name} {self.value:.2f} target {self.target:g}"
        return f"{line} at most" if self.at_most else line
