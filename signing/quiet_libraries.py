"""Keeping the libraries' own log lines out of our logs.

pyHanko and its path builder log whole certificate subjects (names, e-mail addresses, identity
numbers in SERIALNUMBER or UID) with tracebacks whenever a check fails. What matters of it is in
our findings and verdicts; the rest is personal data and must not be logged.
"""

from __future__ import annotations

import logging

_TALKATIVE = ("pyhanko", "pyhanko_certvalidator")


def silence_libraries() -> None:
    """Stop the libraries' records from reaching any handler of ours; idempotent."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not any(isinstance(h, logging.NullHandler) for h in logger.handlers):
            logger.addHandler(logging.NullHandler())
