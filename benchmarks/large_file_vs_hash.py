"""A 50 MB document signed from file to file, against one SHA-256 over the same bytes in memory.

B-B, RSA-2048, wall time, rounds in turn; the file was inspected before in this process (an
inspection reads it all and takes twice its size in memory for its time). Anonymous memory is
sampled every millisecond while signing; mapped pages of the files are not counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from pathlib import Path

from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, bench, compare, document, run
from signing.contract import Level, Role, SignOrder

_MEGABYTES = 50


def main() -> list[Ratio]:
    """Wall time over the hash, and extra megabytes."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    order = SignOrder(b"", RSA, Role.INVISIBLE, Level.B_B)
    async with bench() as made:
        service = made.service(fast_lane=True)
        source, target = made.folder / "scans.pdf", made.folder / "signed.pdf"
        await asyncio.to_thread(source.write_bytes, _scans())
        await service.sign_file(order, source, target)

        async def sign() -> None:
            target.unlink(missing_ok=True)
            await service.sign_file(order, source, target)

        with _Watched() as memory:
            await sign()
        held = await asyncio.to_thread(source.read_bytes)

        async def digest() -> None:
            hashlib.sha256(held)

        cost = await compare({"SHA-256": (digest, 5), "sign": (sign, 5)}, rounds=7)
    print(f"extra anonymous memory while signing: {memory.extra_mb:.1f} MB")
    return [
        Ratio("large_file_vs_hash", cost["sign"].wall / cost["SHA-256"].wall, 3.5, True),
        Ratio("large_file_extra_mb", memory.extra_mb, 32, True),
    ]


def _scans() -> bytes:
    """The benchmark's document with 50 MB of streams that do not compress, in one more update."""
    pdf = bytearray(document())
    root = pdf.rsplit(b"/Root ", 1)[1].split(b" ", 1)[0].decode()
    before = int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    size = int(pdf.rsplit(b"/Size ", 1)[1].split()[0])
    offsets = []
    for number in range(size, size + _MEGABYTES):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n<</Length %d>>\nstream\n" % (number, 1 << 20)
        pdf += os.urandom(1 << 20) + b"\nendstream\nendobj\n"
    start = len(pdf)
    pdf += b"xref\n%d %d\n" % (size, _MEGABYTES)
    pdf += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    pdf += b"trailer\n<</Size %d/Root %s 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        size + _MEGABYTES, root.encode(), before, start,
    )  # fmt: skip
    return bytes(pdf)


class _Watched:
    """Samples this process's anonymous memory."""

    def __enter__(self) -> _Watched:
        self._before = self._most = _anonymous_mb()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.001):
            self._most = max(self._most, _anonymous_mb())

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def extra_mb(self) -> float:
        """The most above the beginning."""
        return self._most - self._before


def _anonymous_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0
