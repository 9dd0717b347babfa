"""The State Bank's list of card-issuer numbers (BIN), as data.

Source: SBV letter 1589/NHNN-TT of 05/03/2024, in ``banks.json`` beside. Payment intermediaries
use numbers outside this list (``any_bin`` of the account allows them).
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank: its BIN, short code, names and SWIFT code (None when the list has none)."""

    bin: str
    code: str
    short_name: str
    legal_name_vi: str
    swift: str | None


@functools.cache
def banks() -> dict[str, Bank]:
    """Every bank of the list by its BIN."""
    text = (Path(__file__).parent / "banks.json").read_text(encoding="utf-8")
    return {
        row["bin"]: Bank(
            row["bin"], row["code"], row["short_name"], row["legal_name_vi"], row.get("swift")
        )
        for row in json.loads(text)["banks"]
    }
