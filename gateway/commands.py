"""What each command does; parsing is ``cli``'s, everything real is imported where it is needed."""

# ruff: noqa: PLC0415 - a command imports what only it needs, so that the others start at once

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import signal
import sys
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.foundation import logs
from gateway.foundation.clock import SystemClock
from gateway.foundation.garbage import collect_seldom
from gateway.settings import ConfigurationError, Settings, config_path, load
from signing.commands.system_words import reason_of

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.development import World


_ONLY_A_TRIAL = (
    "--port và --folder chỉ đi cùng --with-simulators; cổng của dịch vụ đặt ở server.port"
    " / only with --with-simulators; a service's port is server.port"
)


def demo(given: argparse.Namespace) -> int:
    """``motcua demo``."""
    from gateway.demo.run import run_demo

    pdf = given.input.read_bytes() if given.input else None
    given.out.mkdir(parents=True, exist_ok=True)
    logs.configure(level="error", as_json=False)
    return asyncio.run(run_demo(pdf, given.out))


def serve(given: argparse.Namespace) -> int:
    """``motcua serve``: until told to stop; then finishes what is in flight."""
    if not given.with_simulators and (given.port, given.folder) != (None, None):
        raise ConfigurationError([_ONLY_A_TRIAL])
    if given.with_simulators:
        logs.configure(level="warning", as_json=False)
        port = 8080 if given.port is None else given.port
        return _run(_serve_in_a_world(given.folder or Path("var/dev"), port))
    settings = _configured(given)
    logs.configure(level=settings.log.level, as_json=settings.log.format == "json")
    return _run(_serve(settings))


def work(given: argparse.Namespace) -> int:
    """``motcua work``: the workers alone, for more machines on one PostgreSQL."""
    settings = _configured(given)
    logs.configure(level=settings.log.level, as_json=settings.log.format == "json")
    return _run(_serve(settings, http=False))


def migrate(given: argparse.Namespace) -> int:
    """``motcua migrate``."""
    from gateway.foundation.engines import make_engine
    from gateway.migrations.run import check, upgrade

    engine = make_engine(load(config_path(given.config)).database.url)
    upgrade(engine)
    check(engine)
    engine.dispose()
    print("lược đồ đã cập nhật / schema is up to date")
    return 0


def check_config(given: argparse.Namespace) -> int:
    """``motcua check-config``: settings, accounts and key files, without starting anything."""
    _configured(given)
    print("cấu hình hợp lệ / configuration is valid")
    return 0


def keys(given: argparse.Namespace) -> int:
    """``motcua keys create|list|revoke``."""
    if given.action == "revoke" and not given.id:
        print("keys revoke: cần --id key_… (xem: motcua keys list)", file=sys.stderr)
        return 2
    return asyncio.run(_keys(given, load(config_path(given.config))))


def simulate(given: argparse.Namespace) -> int:
    """``motcua simulate``: providers, signing services and a PKI, until told to stop."""
    from gateway.development import World
    from gateway.trial_files import write_settings

    world = World(
        given.folder,
        given.gateway,
        simulator_port=given.port,
        pki_port=given.port + 1 if given.port else 0,
        remote_keys=True,
    )

    async def run() -> int:
        await world.start()
        print(f"mô phỏng / simulators: {world.simulators.base_url}/")
        for name in world.simulators.simulators:
            print(f"  {name:<12} {world.simulators.url_of(name)}/")
        print(f"PKI: {world.pki.base_url}")
        print(
            f"khóa ký / signing keys: {write_settings(given.folder, world.trial_keys())}",
            flush=True,
        )
        await _until_told()
        await world.close()
        return 0

    return asyncio.run(run())


def providers(given: argparse.Namespace) -> int:
    """``motcua providers``."""
    from connectors.registry import capability_markdown, capability_matrix

    if given.json:
        print(json.dumps(capability_matrix(), ensure_ascii=False, indent=1))
    else:
        print(capability_markdown())
    return 0


def conformance(given: argparse.Namespace) -> int:
    """``motcua conformance``: a line a vector; 1 when any failed."""
    from gateway.conformance import run_files

    return run_files(given.files, sys.stdout.write)


# ------------------------------------------------------------------ running


def _configured(given: argparse.Namespace) -> Settings:
    """The settings of a gateway that can be built: file, accounts and keys judged at once."""
    from gateway.wiring import unbuildable

    return load(config_path(given.config), judge=unbuildable)


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop where it is installed (extra ``fast``), else on asyncio's own loop."""
    quicker = importlib.util.find_spec("uvloop")
    factory = importlib.import_module("uvloop").new_event_loop if quicker else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


async def _serve(settings: Settings, *, http: bool = True) -> int:
    from sqlalchemy.exc import OperationalError

    from gateway.app import Gateway
    from gateway.migrations.run import SchemaOutdated

    gateway = Gateway(settings, SystemClock())
    try:
        await gateway.start(http=http)
    except SchemaOutdated as error:
        await gateway.stop()
        raise ConfigurationError([f"database: {error}; chạy: motcua migrate"]) from error
    except OperationalError as error:
        await gateway.stop()
        said = str(error.orig).partition("\n")[0]
        raise ConfigurationError([f"database: không mở được: {said}"]) from error
    except ConfigurationError:
        await gateway.stop()
        raise
    collect_seldom()
    if http:
        print(f"motcua: {gateway.base_url}", file=sys.stderr)
    died = await _until_told(gateway.died)
    await gateway.stop()
    return 1 if died else 0


async def _serve_in_a_world(folder: Path, port: int) -> int:
    """The gateway at ``port``, the simulators ten above, the development PKI beside them."""
    from gateway.app import Gateway
    from gateway.development import World, listen

    try:
        socket = listen(port)
        world = World(
            folder,
            f"http://127.0.0.1:{port}",
            simulator_port=port + 10,
            pki_port=port + 11,
            remote_keys=True,
        )
        await world.start()
    except OSError as error:
        ports = f"{port}, {port + 10}, {port + 11}"
        problem = f"cổng mạng {ports}: {reason_of(error)}; chọn cổng khác: --port"
        raise ConfigurationError([problem]) from error
    gateway = Gateway(world.settings(), SystemClock())
    await gateway.start(socket=socket)
    await _introduce(gateway, world)
    died = await _until_told(gateway.died)
    await gateway.stop()
    await world.close()
    return 1 if died else 0


async def _introduce(gateway: Gateway, world: World) -> None:
    from gateway.development import CLERK, OFFICIALS

    base_url = gateway.base_url
    secret = (await gateway.keys.create("portal", "test", ["*"])).secret
    people = [*OFFICIALS.values(), CLERK]
    tokens = [await gateway.keys.create("portal", "test", ["*"], official=one) for one in people]
    officials = "\n".join(
        f"  {one:<23} {token.secret}" for one, token in zip(people, tokens, strict=True)
    )
    shell = await _tokens_for_a_shell(gateway, world, secret)
    print(
        f"""
Cổng / gateway            {base_url}
  API                     {base_url}/docs · {base_url}/openapi.json
  tình trạng / health     {base_url}/readyz · {base_url}/metrics
Mô phỏng / simulators     {world.simulators.base_url}/
Khóa thử / test key       {secret}
Khóa cá nhân của người ký và văn thư / personal tokens of the officials and the clerk
{officials}
Cho vỏ lệnh, kèm khóa của SmartCA, MySign …/ for a shell: . {shell}

curl -s {base_url}/v1/payments -H 'Authorization: Bearer {secret}' \\
  -H 'Idempotency-Key: thu-1' -H 'Content-Type: application/json' -d '{{"reference":
  "000.00.12.H55-261102-0001","procedure_code":"2.000815","agency_code":"H55.12","items":[{{"code":
  "CTBS","name":"Phí chứng thực bản sao","kind":"fee","quantity":3,"unit_amount":7000}}],"payer":
  {{"name":"Nguyễn Văn An"}},"channel":"online"}}'

Mở checkout_url trong câu trả lời để nộp. Ctrl-C để dừng.
Open the answer's checkout_url to pay. Ctrl-C stops.
""",
        flush=True,
    )


async def _tokens_for_a_shell(gateway: Gateway, world: World, secret: str) -> Path:
    """A file with the addresses, the portal's key, and a token for each simulated service."""
    from gateway.key_simulators import holder_of
    from gateway.trial_files import write_shell

    values = {
        "GATEWAY": gateway.base_url,
        "SIMULATORS": world.simulators.base_url,
        "PORTAL": secret,
    }
    for name in world.services.keys() if world.services else ():
        made = await gateway.keys.create("portal", "test", ["*"], official=holder_of(name))
        values[name.replace("-", "_").upper()] = made.secret
    return write_shell(world.folder, values)


async def _until_told(died: asyncio.Event | None = None) -> bool:
    """Wait for SIGINT or SIGTERM, or for a background task's death; True for the latter."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    waiting = [asyncio.ensure_future(told.wait())]
    if died is not None:
        waiting.append(asyncio.ensure_future(died.wait()))
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return died is not None and died.is_set()


async def _keys(given: argparse.Namespace, settings: Settings) -> int:
    from gateway.app import open_keys

    async with open_keys(settings, SystemClock()) as found:
        if given.action == "create":
            expires = timedelta(days=given.expires_in_days) if given.expires_in_days else None
            made = await found.create(
                given.portal,
                given.mode or settings.server.mode,
                given.scope or ["*"],
                given.name,
                official=given.official,
                expires_in=expires,
            )
            print(f"{made.id}\n{made.secret}")
            print("Khóa chỉ hiện lần này / shown only now", file=sys.stderr)
            return 0
        if given.action == "revoke":
            if await found.revoke(given.id):
                return 0
            print(f"keys revoke: không có khóa đang dùng {given.id}", file=sys.stderr)
            return 1
        for row in await found.every():
            state = "revoked" if row["revoked_at"] else "active"
            tenant, owner = f"{row['portal']}/{row['mode']}", row["official"] or "-"
            print(f"{row['id']} {tenant} …{row['last_four']} {state} {owner} {row['name']}")
        return 0
