"""Moments as people read them, always in Vietnamese time.

Owns the date formatters of pages and documents; leaves the present moment to ``clock``.
"""

from __future__ import annotations

from datetime import datetime

from gateway.foundation.clock import in_vietnam

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def local(moment: datetime) -> datetime:
    """The same moment on a Vietnamese clock; a naive time is a programming error."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset")
    return in_vietnam(moment)


def format_sentence_vi(moment: datetime) -> str:
    """``16:45 ngày 05/11/2026`` for sentences."""
    return local(moment).strftime("%H:%M ngày %d/%m/%Y")


def format_table(moment: datetime) -> str:
    """``05/11/2026 16:45`` for tables."""
    return local(moment).strftime("%d/%m/%Y %H:%M")


def format_sentence_en(moment: datetime) -> str:
    """``5 Nov 2026, 16:45 (GMT+7)`` for English sentences."""
    there = local(moment)
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year}, {there:%H:%M} (GMT+7)"


def format_moment(moment: datetime, language: str) -> str:
    """The sentence form in ``vi`` or ``en``; any other language reads Vietnamese."""
    return format_sentence_en(moment) if language == "en" else format_sentence_vi(moment)


def format_machine(moment: datetime) -> str:
    """``2026-11-05T16:45:00+07:00`` for ``<time datetime>`` and for API answers."""
    return local(moment).isoformat(timespec="seconds")
