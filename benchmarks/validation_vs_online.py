"""Validating a B-LTA file: ours from its embedded data against pyHanko with a fresh online context.

One file (an official's RSA-2048 signature with its archive time-stamp), rounds interleaved so that
a busy machine hurts both alike. Ours runs here, stock pyHanko in a second process, the PKI that
answers OCSP and CRL over loopback in a third. pyHanko makes its validation context anew for every
file, as a service does that keeps nothing. The ratio is against its long-term validation
(EN 319 102-1), which answers the question that ours answers; its plain check, which knows no past
and gives no indication, is printed beside it. Both must find the file good. Medians of medians;
round trips cost pyHanko nearly nothing here, where every service is on this machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from benchmarks import _online_peer
from benchmarks._signing import document
from signing.clock import SystemClock
from signing.contract import Level, Role, SignerConfig, SignOrder, Verdict
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService
from signing.validation import validate_pdf
from signing.validation.trust import load_roots

TARGET = 3.0
ROUNDS = 5
THEIRS_A_ROUND = 8
OURS_A_ROUND = 16
KEY = "official-rsa"
_SPAWN = multiprocessing.get_context("spawn")


def main() -> tuple[float, float]:
    """Give (how many times faster, target)."""
    with tempfile.TemporaryDirectory() as folder:
        pki = _Child(_serve_pki, folder)
        config: SignerConfig = pki.channel.recv()
        pdf = asyncio.run(_signed(config))
        peer = _Child(_online_peer.serve, pdf, load_roots(config.roots)[0].dump())
        try:
            return _measure(pdf, config, peer.channel), TARGET
        finally:
            peer.stop()
            pki.stop()


class _Child:
    """A process that works until its pipe ends."""

    def __init__(self, work, *arguments) -> None:
        self.channel, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=work, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def stop(self) -> None:
        self.channel.close()
        self._process.join(10)


def _serve_pki(channel: Connection, folder: str) -> None:
    async def serve() -> None:
        pki = DevPki.create(Path(folder), SystemClock())
        async with DevPkiServer(pki) as server:
            channel.send(server.signer_config())
            try:
                await asyncio.to_thread(channel.recv)
            except EOFError:
                return

    asyncio.run(serve())


def _measure(pdf: bytes, config: SignerConfig, peer: Connection) -> float:
    def ours() -> float:
        start = perf_counter()
        validation = validate_pdf(pdf, config.roots, SystemClock().now())
        taken = (perf_counter() - start) * 1000
        assert validation.verdict is Verdict.VALID, validation.summary
        return taken

    def theirs(way: str, times: int = THEIRS_A_ROUND) -> float:
        peer.send((way, times))
        return float(peer.recv())

    ours(), theirs("long-term", 1), theirs("plain", 1)
    slow, plain, fast = [], [], []
    for number in range(1, ROUNDS + 1):
        slow.append(theirs("long-term"))
        plain.append(theirs("plain"))
        fast.append(statistics.median(ours() for _ in range(OURS_A_ROUND)))
        print(
            f"round {number}: pyHanko online {slow[-1]:.1f} ms long-term, "
            f"{plain[-1]:.1f} ms plain; "
            f"ours {fast[-1]:.1f} ms a file"
        )
    own = statistics.median(fast)
    print(f"against pyHanko's plain check: {statistics.median(plain) / own:.2f}")
    return statistics.median(slow) / own


async def _signed(config: SignerConfig) -> bytes:
    service = SigningService(config, SystemClock())
    try:
        order = SignOrder(document(), KEY, Role.INVISIBLE, Level.B_LTA)
        return (await service.sign(order)).pdf
    finally:
        await service.close()
