"""A load client over raw sockets: cheap enough to leave the machine to the server.

Owns connections, the clock of each request and the sums; the caller makes the requests beforehand.
Every answer is checked: one that is not what was expected fails the run.
"""

from __future__ import annotations

import select
import socket
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_TICKS = 100  # of /proc/…/stat, a second
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Sample:
    """One side of one round."""

    count: int
    seconds: float
    latencies: list[float]
    cpu_seconds: float

    @property
    def rps(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def line(self, name: str) -> str:
        """For people."""
        used = self.cpu_seconds / self.count * 1e6
        cuts = statistics.quantiles(self.latencies, n=100)
        return (
            f"{name:9} {self.rps:7.0f} rps   p50 {cuts[49] * 1e3:6.1f} ms   "
            f"p99 {cuts[98] * 1e3:6.1f} ms   {used:5.0f} µs CPU a request"
        )


@dataclass
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


def drive(
    port: int,
    requests: Iterable[bytes],
    *,
    concurrency: int,
    seconds: float,
    pid: int,
    expect: bytes,
) -> Sample:
    """Send requests over ``concurrency`` connections until they or the time run out.

    Raises:
        RuntimeError: an answer without ``expect``, or none within ten seconds.
    """
    waiting, poll, opened = iter(requests), select.epoll(), {}
    for _ in range(concurrency):
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened[made.fileno()] = _Connection(made)
        poll.register(made, select.EPOLLIN)
    cpu, start = _cpu_seconds(pid), perf_counter()
    try:
        latencies = _exchange(poll, opened, waiting, start + seconds, expect)
    finally:
        poll.close()
        for connection in opened.values():
            connection.socket.close()
    return Sample(len(latencies), perf_counter() - start, latencies, _cpu_seconds(pid) - cpu)


def _exchange(
    poll: select.epoll,
    opened: dict[int, _Connection],
    waiting: Iterator[bytes],
    end: float,
    expect: bytes,
) -> list[float]:
    latencies: list[float] = []
    busy = sum(_send(connection, waiting) for connection in opened.values())
    while busy:
        ready = poll.poll(_PATIENCE_S)
        if not ready:
            raise RuntimeError("no answer")
        for number, _ in ready:
            connection = opened[number]
            if not _receive(connection, expect):
                continue
            now = perf_counter()
            latencies.append(now - connection.sent_at)
            busy -= 1
            if now < end:
                busy += _send(connection, waiting)
    return latencies


def _send(connection: _Connection, waiting: Iterator[bytes]) -> bool:
    request = next(waiting, None)
    if request is None:
        return False
    connection.received = b""
    connection.sent_at = perf_counter()
    connection.socket.sendall(request)
    return True


def _receive(connection: _Connection, expect: bytes) -> bool:
    """Whether the answer is there in full."""
    part = connection.socket.recv(65536)
    connection.received += part
    head, found, body = connection.received.partition(b"\r\n\r\n")
    if part and not found:
        return False
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    if part and len(body) < int(length):
        return False
    if not head.startswith(b"HTTP/1.1 " + expect):
        raise RuntimeError(f"unexpected answer: {connection.received[:300]!r}")
    return True


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads (0 where there is no /proc)."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
