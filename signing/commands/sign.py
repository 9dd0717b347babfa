"""``motcua sign``: sign one file from the command line, without a gateway or a database.

Owns reading and writing the files; without a configured key the development PKI signs, started
in-process over loopback, and its root is written beside the result. The command's words and
arguments are the caller's.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

from signing.clock import SystemClock
from signing.commands.checking_process import CheckingProcess, FileGaveUp
from signing.commands.large import validate_whole
from signing.contract import (
    CredentialRefused,
    DocumentRefused,
    Inspection,
    Level,
    Role,
    Signed,
    SignerConfig,
    SignOrder,
    Validation,
    with_earlier_signatures,
)
from signing.devpki import DevPki, DevPkiServer
from signing.inspection import inspect_file
from signing.processes.unfinished import UNFINISHED
from signing.service import SigningService

_IN_MEMORY = 20 * 1024 * 1024


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
) -> Signed:
    """Sign ``in_path`` into ``out_path``, which is written only when signing succeeded.

    ``key`` is the name of a configured key, the first by default. Without ``config`` the
    development PKI signs (kept in ``state_dir`` if given), and ``OUT.root.pem`` is left beside.
    A file above 20 MiB is inspected in a process of its own and signed from file to file.

    Raises:
        SigningError: refused; nothing was written. OSError: a file cannot be read or written.
    """
    async with _configured(config, state_dir) as ready:
        service = SigningService(ready, SystemClock())
        try:
            order = SignOrder(b"", key or _first_key(ready), role, level, pin=pin)
            signed = await _sign(service, order, in_path, out_path)
        finally:
            await service.close()
    if config is None:
        root = out_path.with_name(out_path.name + ".root.pem")
        await asyncio.to_thread(_write, root, ready.roots[0])
    return signed


async def _sign(service: SigningService, order: SignOrder, in_path: Path, out_path: Path) -> Signed:
    if (await asyncio.to_thread(in_path.stat)).st_size <= _IN_MEMORY:
        pdf = await asyncio.to_thread(in_path.read_bytes)
        await _refuse_broken(service, pdf)
        signed = await service.sign(dataclasses.replace(order, pdf=pdf))
        await asyncio.to_thread(_write, out_path, signed.pdf)
        return signed
    found = await asyncio.to_thread(_inspect, in_path)
    found.refuse_if_blocked()
    spare = _beside(out_path)
    made = await service.sign_file(order, in_path, spare, found.sha256)
    await asyncio.to_thread(spare.replace, out_path)
    return made


def _inspect(path: Path) -> Inspection:
    """In children, whose memory is given back with them; earlier signatures have to be whole."""
    try:
        with CheckingProcess(partial(inspect_file, repair=False)) as inspector:
            look = cast("Inspection", inspector.call(path))
        if look.blocked or not look.signatures:
            return look
        with CheckingProcess(validate_whole) as validator:
            judged = validator.call(path, (), SystemClock().now())
            return with_earlier_signatures(look, cast("Validation", judged))
    except FileGaveUp as stopped:
        raise DocumentRefused(
            f"inspection_{stopped.code}",
            UNFINISHED.get(f"inspection_{stopped.code}", UNFINISHED["inspection_crashed"]),
            f"the inspection gave up: {stopped.code}",
        ) from stopped


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
    spare = _beside(path)
    spare.write_bytes(data)
    spare.replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".part")
