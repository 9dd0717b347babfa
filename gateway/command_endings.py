"""How a command ends when something outside of it is wrong.

Owns the sentence on standard error and the exit status for what an operator can mend: the
configuration, a file, an order that is refused, a reader that left. Leaves what a command finds
out, and the status for it, to the command; our own faults stay tracebacks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from gateway.foundation.problems import Problem
from gateway.settings import ConfigurationError

WRONG: Final = 2
REFUSED: Final = 1
_READER_LEFT: Final = 141  # what a shell gives for SIGPIPE
_STOPPED: Final = 130


def run_to_end(command: Callable[[], int]) -> int:
    """Run it; its exit status, or the one for what went wrong around it."""
    try:
        status = command()
        sys.stdout.flush()
    except ConfigurationError as error:
        for problem in error.problems:
            _tell(f"cấu hình: {problem}")
        return WRONG
    except Problem as problem:
        _tell(problem.document("vi", "")["detail"])
        return REFUSED
    except BrokenPipeError:
        _leave_output()
        return _READER_LEFT
    except OSError as error:
        _tell(_sentence(error))
        return WRONG
    except KeyboardInterrupt:
        return _STOPPED
    return status


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _sentence(error: OSError) -> str:
    why = error.strerror or type(error).__name__
    if error.filename is None:
        return f"hệ thống từ chối / the system refused: {why}"
    return f"không đọc hoặc ghi được tệp / cannot be read or written: {error.filename} ({why})"


def _leave_output() -> None:
    """Let Python's own flush at the end go nowhere, instead of complaining once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
