"""Signing one file after another with the development PKI, for ``motcua inspect --sign``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from signing.clock import SystemClock
from signing.contract import Level, Role, SignedFile, SignOrder
from signing.devpki import DevPki, DevPkiServer
from signing.processes.limits import Limits
from signing.processes.pool import SignerPool

_LIMITS = Limits(seconds=60.0, memory_bytes=3 * 1024**3)  # for one file, its copies included


@dataclass(frozen=True, slots=True)
class SigningDesk:
    """Signs a PDF in memory, and a large one from a file into another."""

    sign: Callable[[bytes], bytes]
    sign_file: Callable[[Path, Path], SignedFile]


@contextmanager
def signing_desk() -> Iterator[SigningDesk]:
    """What signs invisibly at B-LTA; raises ``SigningError`` when refused.

    The file is parsed and signed in children that a hostile one can only bring down itself.
    """
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        server = DevPkiServer(DevPki.create(Path(folder), SystemClock()))
        runner.run(server.start())
        pool = SignerPool(
            server.signer_config(), job_limit_s=_LIMITS.seconds, reading=_LIMITS, signing=_LIMITS
        )

        def sign(pdf: bytes) -> bytes:
            order = SignOrder(pdf, "official-rsa", Role.INVISIBLE, Level.B_LTA)
            return runner.run(pool.sign(order)).pdf

        def sign_file(source: Path, target: Path) -> SignedFile:
            order = SignOrder(b"", "official-rsa", Role.INVISIBLE, Level.B_LTA)
            return runner.run(pool.sign_file(order, source, target))

        try:
            yield SigningDesk(sign, sign_file)
        finally:
            runner.run(pool.close())
            runner.run(server.close())
