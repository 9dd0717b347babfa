"""Validating a B-LTA file: ours from its embedded data against pyHanko with a fresh online context.

One file (an official's RSA-2048 signature with its archive time-stamp), one process for both
sides, rounds interleaved so that a busy machine hurts both alike; the PKI that answers OCSP and
CRL over loopback runs in a process of its own. pyHanko checks every signature and time-stamp with
a validation context made for the file, as a service does that keeps nothing; it must find the file
trusted, ours must find it ``valid``. Ours also judges later changes, trust, algorithm and time as
separate answers, with their sentences. Medians of medians; the round trips cost pyHanko little
here, where every service is on this machine.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend

from benchmarks.signing_vs_stock import _document
from signing.clock import SystemClock
from signing.contract import Level, Role, SignerConfig, SignOrder, Verdict
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService
from signing.validation import validate_pdf
from signing.validation.trust import load_roots

TARGET = 3.0
ROUNDS = 5
ONLINE_A_ROUND = 6
OURS_A_ROUND = 12
KEY = "official-rsa"


def main() -> tuple[float, float]:
    """Give (how many times faster, target)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        child = context.Process(target=_serve_pki, args=(theirs, folder), daemon=True)
        child.start()
        try:
            return _measure(ours.recv()), TARGET
        finally:
            ours.close()  # the child stops when its pipe ends
            child.join(10)


def _serve_pki(channel: Connection, folder: str) -> None:
    """The child's main: a development PKI until the parent closes the pipe."""

    async def serve() -> None:
        pki = DevPki.create(Path(folder), SystemClock())
        async with DevPkiServer(pki) as server:
            channel.send(server.signer_config())
            try:
                await asyncio.to_thread(channel.recv)
            except EOFError:
                return

    asyncio.run(serve())


def _measure(config: SignerConfig) -> float:
    pdf = asyncio.run(_signed(config))
    roots = load_roots(config.roots)

    def ours() -> None:
        validation = validate_pdf(pdf, config.roots, SystemClock().now())
        assert validation.verdict is Verdict.VALID, validation.summary

    def online() -> None:
        asyncio.run(_online(pdf, roots))

    online()
    ours()
    slow, fast = [], []
    for number in range(1, ROUNDS + 1):
        slow.append(_median(online, ONLINE_A_ROUND))
        fast.append(_median(ours, OURS_A_ROUND))
        print(f"round {number}: pyHanko online {slow[-1]:.1f} ms, ours {fast[-1]:.1f} ms a file")
    return statistics.median(slow) / statistics.median(fast)


def _median(work: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        start = perf_counter()
        work()
        taken.append((perf_counter() - start) * 1000)
    return statistics.median(taken)


async def _signed(config: SignerConfig) -> bytes:
    service = SigningService(config, SystemClock())
    try:
        order = SignOrder(_document(), KEY, Role.INVISIBLE, Level.B_LTA)
        return (await service.sign(order)).pdf
    finally:
        await service.close()


async def _online(pdf: bytes, roots: list[x509.Certificate]) -> None:
    backend = AIOHttpFetcherBackend(per_request_timeout=10)
    context = ValidationContext(
        trust_roots=roots, allow_fetching=True, revocation_mode="require", fetcher_backend=backend
    )
    try:
        for signature in PdfFileReader(io.BytesIO(pdf)).embedded_signatures:
            if signature.sig_object_type == "/DocTimeStamp":
                status = await async_validate_pdf_timestamp(signature, context)
            else:
                status = await async_validate_pdf_signature(
                    signature, signer_validation_context=context, ts_validation_context=context
                )
            assert (status.intact, status.valid, status.trusted) == (True, True, True)
    finally:
        await backend.close()
