"""Levels compared: pure values, for whoever keeps files."""

from __future__ import annotations

from signing.contract import Level


def falls_short(wanted: str, reached: str) -> bool:
    """Whether a level is below the one that was asked for."""
    return Level(reached).rank < Level(wanted).rank


def higher(level: str | None, other: str) -> str:
    """The higher of two levels, of which the first may be none."""
    return other if level is None or falls_short(other, level) else level
