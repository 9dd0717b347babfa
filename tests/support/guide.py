"""The commands that the guide of an evidence ZIP tells, as its reader would run them."""

from __future__ import annotations


def commands_of(text: str) -> list[str]:
    """The indented lines, in order."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]
