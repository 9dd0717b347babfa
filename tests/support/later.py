"""Runs ``motcua`` with its clock some seconds ahead, so that leases of a killed process are over.

``python -m tests.support.later SECONDS serve --config FILE``; ``@FILE`` instead of seconds names a
file that is read again and again, so that the clocks of living processes move together. Only the
gateway's own clock moves; the signer processes, the simulators and the development PKI keep the
machine's time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import cli
from gateway.foundation.clock import SystemClock


def _move(ahead: Callable[[], timedelta]) -> None:
    SystemClock.now = lambda _self: datetime.now(UTC) + ahead()  # type: ignore[method-assign] # a clock that is ahead


def _ahead(text: str) -> Callable[[], timedelta]:
    if text.startswith("@"):
        path = Path(text[1:])
        return lambda: timedelta(seconds=float(path.read_text("utf-8")))
    fixed = timedelta(seconds=float(text))
    return lambda: fixed


if __name__ == "__main__":
    _move(_ahead(sys.argv[1]))
    sys.exit(cli.main(sys.argv[2:]))
