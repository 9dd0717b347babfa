"""A killable process in which files from strangers are parsed, one at a time.

Owns the limits (address space, CPU, wall clock) and replacing a process that broke one. Leaves the
work itself to the function it is given, which must be importable by name, and reading its answers
to ``signing.processes.answers``: the caller may hold keys, and a child that a file took over may
answer anything. Used by the commands; the service has its own pool of signer processes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from signing.contract import Inspection, Validation
from signing.processes.answers import AnswerForms, AnswerUnreadable, write_answer
from signing.processes.limits import Limits, grant_cpu, restrict_memory

_SPAWN = multiprocessing.get_context("spawn")
_START_SECONDS = 120.0
_MOST = 2 * 1024**3  # bytes of one answer
_CALL = "call"


@dataclass(frozen=True, slots=True)
class _Stopped:
    """Instead of an answer: a limit or an exception by name, or what the disk said of the file."""

    code: str = ""
    errno: int = 0


class FileGaveUp(Exception):
    """The work on one file broke a limit; ``code`` is ``timeout``, ``memory`` or ``crashed``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CheckingProcess:
    """Calls one function again and again in a child that may be killed.

    The child is started on first use and again after it was killed. ``answers`` are the types
    that the function may return; nothing else is read.
    """

    def __init__(
        self,
        work: Callable[..., Any],
        limits: Limits | None = None,
        answers: tuple[type, ...] = (Inspection, Validation),
    ) -> None:
        self._work = work
        self._forms = AnswerForms({_CALL: (*answers, _Stopped)})
        self._limits = limits or Limits()
        self._process: Any = None
        self._channel: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def call(self, *arguments: Any) -> Any:
        """Do the work in the child.

        Raises:
            FileGaveUp: it took too long, too much memory, or the child died.
        """
        try:
            channel = self._connected()
            channel.send(arguments)
            found = self._forms.read(_CALL, self._received(channel))
        except (EOFError, OSError, AnswerUnreadable) as error:
            self.close()
            raise FileGaveUp("crashed") from error
        if not isinstance(found, _Stopped):
            return found
        if found.errno:
            raise OSError(found.errno, os.strerror(found.errno))
        raise FileGaveUp(found.code)

    def _received(self, channel: Connection) -> bytes:
        """The whole answer within the limit: half of one is none, however long it takes."""
        late = threading.Timer(self._limits.seconds, self._process.kill)
        late.start()
        try:
            return channel.recv_bytes(_MOST)
        except (EOFError, OSError):
            if late.finished.is_set():  # it was this that ended the child
                self.close()
                raise FileGaveUp("timeout") from None
            raise
        finally:
            late.cancel()

    def close(self) -> None:
        """Kill the child, if there is one."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._channel = None

    def _connected(self) -> Connection:
        if self._channel is None:
            self._channel, theirs = _SPAWN.Pipe()
            self._process = _SPAWN.Process(
                target=_serve, args=(theirs, self._work, self._limits), daemon=True
            )
            self._process.start()
            theirs.close()
            if not self._channel.poll(_START_SECONDS):
                raise EOFError
            self._channel.recv_bytes(_MOST)  # "ready": starting up is not counted against the file
        return self._channel


def _serve(channel: Connection, work: Callable[..., Any], limits: Limits) -> None:
    """The child's loop; a limit of the kernel ends it, a limit of Python is answered."""
    restrict_memory(limits)
    channel.send_bytes(b"ready")
    while True:
        try:
            arguments = channel.recv()
        except EOFError:
            return
        grant_cpu(limits)
        try:
            answer = write_answer(work(*arguments))
        except MemoryError:
            answer = write_answer(_Stopped("memory"))
        except OSError as error:  # the file, not the work: let the caller say which
            answer = write_answer(_Stopped("OSError", error.errno or 0))
        except Exception as error:  # the child answers for every file it is given
            answer = write_answer(_Stopped(type(error).__name__))
        channel.send_bytes(answer)
