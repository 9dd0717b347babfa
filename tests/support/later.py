"""Runs ``motcua`` with its clock some seconds ahead, so that leases of a killed process are over.

``python -m tests.support.later SECONDS serve --config FILE``. Only the gateway's own clock moves;
the signer processes, the simulators and the development PKI keep the machine's time.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from gateway import cli
from gateway.foundation.clock import SystemClock


def _move(seconds: float) -> None:
    ahead = timedelta(seconds=seconds)
    SystemClock.now = lambda _self: datetime.now(UTC) + ahead  # type: ignore[method-assign] # a clock that is ahead


if __name__ == "__main__":
    _move(float(sys.argv[1]))
    sys.exit(cli.main(sys.argv[2:]))
