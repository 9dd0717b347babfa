"""Keeping the libraries' own log lines out of our logs.

pyHanko and its path builder log whole certificate subjects (names, e-mail addresses, identity
numbers in SERIALNUMBER or UID) with tracebacks whenever a check fails. What matters of it is in
our findings and verdicts; the rest is personal data and must not be logged.
"""

from __future__ import annotations

import logging

_TALKATIVE = ("pyhanko", "pyhanko_certvalidator", "pikepdf", "fontTools")


def silence_libraries() -> None:
    """Let the libraries make no records at all; idempotent."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
