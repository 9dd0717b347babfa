"""Jobs laid ready for a child: nobody has them until somebody takes them.

Owns the tray between a pool and one child: a pair of datagram sockets in which each job lies with
its number. The parent keeps the child's end open as well, so that it can take back what the child
has not taken. The kernel gives a datagram to one of the two, whole: a job that was taken back was
surely not begun, and what is gone from the tray may have been. No clock, no promise of the child's
and no message on the line takes part in that.

Leaves the jobs that are too long for a tray to the line (a slip with their number lies in the tray,
so that the tray alone says what comes first), and who takes what back to ``crews``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from dataclasses import dataclass

from signing.processes.wire import Wire

_NUMBER = struct.Struct(">Q")
LONGEST = 64 * 1024  # bytes of a job in a tray; a few fit into a socket's usual 200 KiB


@dataclass(frozen=True, slots=True)
class Ends:
    """What a child is given: its ends of the line and of the tray."""

    line: socket.socket
    tray: socket.socket


class Tray:
    """The parent's side; both ends are open here until ``close``."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        self.theirs.setblocking(False)

    def lay(self, number: int, message: bytes) -> bool:
        """Lay a job behind the others; False when it does not fit now. No message: a slip."""
        try:
            self._ours.sendmsg((_NUMBER.pack(number), message))
        except OSError:  # full, too long, or the kernel is short of memory
            return False
        return True

    def take_all_back(self) -> list[int]:
        """The numbers of all jobs that the child has not taken, the oldest first.

        What is written there is not read: a child that was taken over might have written it.
        """
        found: list[int] = []
        while True:
            try:
                came = self.theirs.recv(_NUMBER.size)  # the rest goes with it
            except BlockingIOError:
                return found
            if len(came) == _NUMBER.size:
                found += _NUMBER.unpack(came)

    def close(self) -> None:
        """Forget what lies there."""
        self._ours.close()
        self.theirs.close()


class Inbox:
    """The child's side: one job after the other, and the line on which answers go back.

    A job is taken when the one before it is answered and that answer is on its way, never sooner.
    """

    def __init__(self, ends: Ends) -> None:
        self._tray = ends.tray
        self._tray.setblocking(False)
        self._parent = os.getppid()
        self._room = memoryview(bytearray(_NUMBER.size + LONGEST))
        self._long: deque[bytes | bytearray] = deque()  # jobs that came on the line
        self._stir: asyncio.Future[None] | None = None
        self._open = True
        self._wire = Wire(ends.line, self._came, self._ended)

    async def next(self) -> tuple[int, memoryview | bytes | bytearray] | None:
        """The number and message of the next job, or None when the parent is gone.

        The message is read before the next one is asked for: it may lie in the same place.
        """
        await self._wire.flushed()
        while self._open and os.getppid() == self._parent:
            try:
                count = self._tray.recv_into(self._room)
            except BlockingIOError:
                await self._wait_for_tray()
                continue
            (number,) = _NUMBER.unpack_from(self._room)
            if count > _NUMBER.size:
                return number, self._room[_NUMBER.size : count]
            while self._open and not self._long:
                await self._stirred()
            if self._long:
                return number, self._long.popleft()
        return None

    def answer(self, number: int, message: bytes) -> None:
        """Send the answer to a job."""
        self._wire.send(message, number)

    async def _wait_for_tray(self) -> None:
        """Listened to at rest only: at work, a job that lies there would wake the loop for ever."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._tray.fileno(), self._wake)
        try:
            await self._stirred()
        finally:
            loop.remove_reader(self._tray.fileno())

    async def _stirred(self) -> None:
        self._stir = asyncio.get_running_loop().create_future()
        await self._stir

    def _wake(self) -> None:
        if self._stir is not None and not self._stir.done():
            self._stir.set_result(None)

    def _came(self, message: bytes | bytearray, _number: int) -> None:
        self._long.append(message)
        self._wake()

    def _ended(self) -> None:
        self._open = False
        self._wake()
