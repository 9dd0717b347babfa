"""Finds and reads the postal tables an operator edits; leaves their meaning to ``deadlines``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from gateway.shipments.deadlines import PostalLaw, WorkCalendar, read_law

_NAME = "postal_deadlines.toml"
_PLACES = (
    Path(__file__).resolve().parents[2] / "config",
    Path(sys.prefix) / "share" / "motcua" / "config",
)


@cache
def load_law(path: str = "") -> PostalLaw:
    """The tables at ``path``, or the ones that came with the program.

    Raises:
        LawTableError: the file is incomplete or contradicts itself.
        FileNotFoundError: there is no such file.
    """
    if path:
        return read_law(Path(path).read_text("utf-8"))
    for place in _PLACES:
        if (place / _NAME).is_file():
            return read_law((place / _NAME).read_text("utf-8"))
    raise FileNotFoundError(f"{_NAME} is in none of {', '.join(map(str, _PLACES))}")


def due_date_of(accepted: date, scope: str, with_slip: bool, holidays: frozenset[date]) -> date:
    """J+n by our tables under a given calendar: what vector files ask."""
    law = replace(load_law(), working=WorkCalendar(holidays))
    return law.due_date(accepted, scope, with_appointment_slip=with_slip)


def may_return_after(invitations: Sequence[date], holidays: frozenset[date]) -> bool:
    """The two-invitation rule by our tables under a given calendar: what vector files ask."""
    return replace(load_law(), working=WorkCalendar(holidays)).may_return(invitations)
