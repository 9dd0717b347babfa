"""``motcua sign``: sign one file from the command line, without a gateway or a database.

Owns reading and writing the files; without a configured key the development PKI signs, started
in-process over loopback, and its root is written beside the result. The command's words and
arguments are the caller's.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from signing.clock import SystemClock
from signing.contract import (
    CredentialRefused,
    Level,
    Role,
    SignedPdf,
    SignerConfig,
    SignOrder,
    with_earlier_signatures,
)
from signing.devpki import DevPki, DevPkiServer
from signing.service import SigningService


async def sign_file(
    in_path: Path,
    out_path: Path,
    level: Level = Level.B_LTA,
    key: str | None = None,
    config: SignerConfig | None = None,
    *,
    role: Role = Role.PERSON,
    pin: str | None = None,
    state_dir: Path | None = None,
) -> SignedPdf:
    """Sign ``in_path`` into ``out_path``, which is written only when signing succeeded.

    ``key`` is the name of a configured key, the first by default. Without ``config`` the
    development PKI signs (kept in ``state_dir`` if given), and ``OUT.root.pem`` is left beside.

    Raises:
        SigningError: refused; nothing was written. OSError: a file cannot be read or written.
    """
    pdf = await asyncio.to_thread(in_path.read_bytes)
    async with _configured(config, state_dir) as ready:
        service = SigningService(ready, SystemClock())
        try:
            name = key or _first_key(ready)
            await _refuse_broken(service, pdf)
            signed = await service.sign(SignOrder(pdf, name, role, level, pin=pin))
        finally:
            await service.close()
    await asyncio.to_thread(_write, out_path, signed.pdf)
    if config is None:
        root = out_path.with_name(out_path.name + ".root.pem")
        await asyncio.to_thread(_write, root, ready.roots[0])
    return signed


async def _refuse_broken(service: SigningService, pdf: bytes) -> None:
    """Let no signature follow one that is not whole any more.

    Raises:
        DocumentRefused: the finding that forbids signing.
    """
    look = await service.inspect(pdf, repair=False)
    if look.signatures and not look.blocked:
        look = with_earlier_signatures(look, await service.validate(pdf))
    look.refuse_if_blocked()


def _first_key(config: SignerConfig) -> str:
    if not config.keys:
        raise CredentialRefused(
            "unknown_credential", "Chưa cấu hình khóa ký nào.", "no key is configured"
        )
    return config.keys[0].name


@asynccontextmanager
async def _configured(
    config: SignerConfig | None, state_dir: Path | None
) -> AsyncIterator[SignerConfig]:
    if config is not None:
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="motcua-devpki-") as temporary:
        directory = state_dir or Path(temporary)
        pki = await asyncio.to_thread(DevPki.create, directory, SystemClock())
        async with DevPkiServer(pki) as server:
            yield server.signer_config()


def _write(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a broken run leaves no half a file."""
    spare = path.with_name(path.name + ".part")
    spare.write_bytes(data)
    spare.replace(path)
