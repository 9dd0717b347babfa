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
from signing.commands.system_words import reason_of

WRONG: Final = 2
REFUSED: Final = 1
_READER_LEFT: Final = 141  # what a shell gives for SIGPIPE
_STOPPED: Final = 130


def run_to_end(command: Callable[[], int]) -> int:
    """Run it; its exit status, or the one for what went wrong around it."""
    try:
        status = command()
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_output()
        return _READER_LEFT
    except KeyboardInterrupt:
        return _STOPPED
    except Exception as error:
        sentences = _sentences(error)
        if not sentences:
            raise
        for sentence in sentences:
            _tell(sentence)
        return REFUSED if isinstance(error, Problem) else WRONG
    return status


def _sentences(error: Exception) -> list[str]:
    """What an operator is told; nothing for faults of our own."""
    if isinstance(error, ConfigurationError):
        return [f"cấu hình: {problem}" for problem in error.problems]
    if isinstance(error, Problem):
        return [error.document("vi", "")["detail"]]
    if isinstance(error, OSError):
        return [_sentence(error)]
    away = _about_what_is_away(error)
    return [away] if away else []


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _sentence(error: OSError) -> str:
    why = reason_of(error)
    if error.filename is None:
        return f"hệ thống từ chối / the system refused: {why}"
    return f"không đọc hoặc ghi được tệp / cannot be read or written: {error.filename} ({why})"


def _about_what_is_away(error: Exception) -> str | None:
    """The sentence when a database or a file store does not answer; None for other errors."""
    # Imported here: a command that ends well needs neither.
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - see above

    from gateway.foundation.database import DatabaseUnavailable  # noqa: PLC0415 - see above
    from gateway.foundation.files import FilesUnavailable  # noqa: PLC0415 - see above

    if isinstance(error, FilesUnavailable):
        return f"kho tệp không trả lời / the file store does not answer: {error}"
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    if isinstance(cause, OperationalError):
        said = str(cause.orig).partition("\n")[0]
        return f"không mở được cơ sở dữ liệu / the database cannot be opened: {said}"
    if isinstance(error, DatabaseUnavailable):
        return f"cơ sở dữ liệu không trả lời / the database does not answer: {error}"
    return None


def _leave_output() -> None:
    """Let Python's own flush at the end go nowhere, instead of complaining once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
