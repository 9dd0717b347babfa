"""What the officer typed, read into parcel events; pure.

Owns the form of an entry and the identity of an event (same parcel, code and minute = same
event, so that a form sent twice counts once).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from connectors.contract import MoneyLane, ParcelEvent, ProviderRejected
from connectors.postal.item_numbers import find_problem, normalise
from connectors.postal.manual.statuses import ENTRIES


@dataclass(frozen=True, slots=True)
class Entry:
    """One line an officer typed about a parcel; ``at`` is aware."""

    client_ref: str
    code: str
    at: datetime
    item_code: str | None = None
    amount_vnd: int | None = None
    place: str = ""
    note: str = ""


def read_entry(entry: Entry) -> ParcelEvent:
    """The event an officer reports.

    Raises:
        ProviderRejected: ``unknown_code`` or ``time_without_zone``: the form shows it at once.
    """
    if entry.code not in ENTRIES:
        raise ProviderRejected("unknown_code", entry.code[:20])
    if entry.at.tzinfo is None:
        raise ProviderRejected("time_without_zone")
    label, movement, money = ENTRIES[entry.code]
    return ParcelEvent(
        event_key=_event_key(entry),
        client_ref=entry.client_ref,
        item_code=normalise(entry.item_code) if entry.item_code else None,
        code=entry.code,
        label=label,
        at=entry.at,
        movement=movement,
        money=money,
        amount_vnd=entry.amount_vnd if money is MoneyLane.COLLECTED else None,
        place=entry.place,
        reason=entry.note,
        facts={"certainty": "officer"},
    )


def read_item_code(typed: str | None, *, strict: bool) -> tuple[str | None, str]:
    """The number as it is printed, and whether it is an S10 number.

    Returns:
        The normalised number or None, with ``"none"``, ``"s10"`` or what is wrong with it.

    Raises:
        ProviderRejected: the account is strict and the number is not an S10 number.
    """
    number = normalise(typed) if typed else ""
    if not number:
        return None, "none"
    problem = find_problem(number)
    if problem is not None and strict:
        raise ProviderRejected("item_number", problem.value)
    return number, problem.value if problem else "s10"


def _event_key(entry: Entry) -> str:
    minute = int(entry.at.timestamp()) // 60
    story = f"{entry.client_ref}\n{entry.code}\n{minute}"
    return "manual:" + hashlib.sha256(story.encode()).hexdigest()[:32]
