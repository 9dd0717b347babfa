"""How moments, codes and names look inside a page.

Owns ``<time>`` elements, grouping and masking; leaves money to ``foundation.money`` and the
sentence forms of dates to ``foundation.dates``. Times come in aware, in any zone, and are shown
in Vietnam's.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import TypeVar

from markupsafe import Markup

from gateway.foundation import dates

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

T = TypeVar("T")


def nfc(value: T) -> T:
    """Normalise text to NFC, keeping its type; anything else passes unchanged."""
    if isinstance(value, str):
        return type(value)(unicodedata.normalize("NFC", value))
    return value


def day(moment: datetime, lang: str) -> str:
    """``05/11/2026``, in English ``5 Nov 2026``."""
    there = dates.local(moment)
    if lang == "vi":
        return f"{there:%d/%m/%Y}"
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year}"


def clock_time(moment: datetime, lang: str) -> str:
    """``16:45``, the same in both languages."""
    del lang
    return f"{dates.local(moment):%H:%M}"


def table_time(moment: datetime, lang: str) -> str:
    """``05/11/2026 16:45``, in English ``5 Nov 2026, 16:45``."""
    if lang == "vi":
        return dates.format_table(moment)
    return f"{day(moment, lang)}, {clock_time(moment, lang)}"


def time_element(moment: datetime, lang: str, form: str = "sentence") -> Markup:
    """Wrap a moment in ``<time>``; ``form`` is sentence, table, day or clock."""
    show = {
        "sentence": dates.format_moment,
        "table": table_time,
        "day": day,
        "clock": clock_time,
    }[form]
    machine = dates.format_machine(moment)
    return Markup('<time datetime="{}">{}</time>').format(machine, show(moment, lang))


def bare_amount(amount: int, lang: str) -> str:
    """``1.234.567``: the number alone, for columns whose header names the unit."""
    grouped = f"{amount:,}"
    return grouped.replace(",", ".") if lang == "vi" else grouped


def in_groups(text: str, size: int = 4) -> str:
    """Cut a long code into groups that a person can compare: ``1023 4567 89``."""
    return " ".join(text[i : i + size] for i in range(0, len(text), size))


def masked_name(name: str) -> str:
    """Keep initials and the given name: ``Nguyễn Văn An`` becomes ``N. V. An``."""
    parts = nfc(name).split()
    if len(parts) < 2:
        return parts[0][:1] + "***" if parts else ""
    return " ".join([*(f"{part[0]}." for part in parts[:-1]), parts[-1]])
