"""The command ``motcua``: parse, call, exit status. What a command does lives elsewhere.

Heavy modules are imported by the command that needs them, so that ``--help`` and the web process
start at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from gateway import __version__
from gateway.command_endings import run_to_end

Command = Callable[[argparse.Namespace], int]


class _Adder(Protocol):
    def __call__(
        self, name: str, about: str, run: Command, *, config: bool = False
    ) -> argparse.ArgumentParser: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; exit status 0 only when it did what it says."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.run is None:
        parser.print_help()
        return 2
    return run_to_end(lambda: int(given.run(given)))


def _parser() -> argparse.ArgumentParser:
    from gateway import (  # noqa: PLC0415 - they import their needs themselves
        documents_commands,
        signing_commands,
    )

    parser = argparse.ArgumentParser(
        prog="motcua", description="Cổng thanh toán và ký số / payment and e-signature gateway"
    )
    parser.add_argument("--version", action="version", version=f"motcua {__version__}")
    parser.set_defaults(run=None)
    add = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(
        name: str, about: str, run: Command, *, config: bool = False
    ) -> argparse.ArgumentParser:
        sub = add.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run)
        if config:
            sub.add_argument("--config", help="TOML file (default: MOTCUA_CONFIG)")
        return sub

    _add_service(command)
    _add_providers(command)
    signing_commands.add_commands(command)
    documents_commands.add_commands(add)
    return parser


def _add_service(command: _Adder) -> None:
    from gateway import commands  # noqa: PLC0415 - imports its needs itself

    demo = command(
        "demo", "one dossier end to end; 0 only if every step was verified", commands.demo
    )
    demo.add_argument("--input", type=Path, help="sign this PDF instead of the typeset decision")
    demo.add_argument("--out", type=Path, default=Path("demo-out"))

    _serve_options(command("serve", "the service", commands.serve, config=True))
    command("work", "extra workers, without HTTP", commands.work, config=True)
    command("migrate", "bring the schema up", commands.migrate, config=True)
    command("check-config", "every configuration error at once", commands.check_config, config=True)

    keys = command("keys", "API keys", commands.keys, config=True)
    keys.add_argument("action", choices=["create", "list", "revoke"])
    keys.add_argument("--portal", default="portal")
    keys.add_argument("--mode", choices=["live", "test"], help="default: the gateway's own")
    keys.add_argument("--scope", action="append", help="repeatable; default: every scope")
    keys.add_argument("--official", help="make it a person's own token, as official:nguyen.van.a")
    keys.add_argument("--name", default="")
    keys.add_argument("--expires-in-days", type=commands.days)
    keys.add_argument("--id", help="the key to revoke")


def _add_providers(command: _Adder) -> None:
    from gateway import commands  # noqa: PLC0415 - imports its needs itself

    simulate = command(
        "simulate", "all simulators, with fault scripts and a page", commands.simulate
    )
    simulate.add_argument("--port", type=int, default=8090)
    simulate.add_argument("--gateway", default="http://127.0.0.1:8080")
    simulate.add_argument("--folder", type=Path, default=Path("var/dev"))

    providers = command("providers", "capability matrix", commands.providers)
    providers.add_argument("--json", action="store_true")
    conformance = command("conformance", "connectors against vector files", commands.conformance)
    conformance.add_argument("files", nargs="+", type=Path)


def _serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--with-simulators", action="store_true", help="a development world around it"
    )
    serve.add_argument(
        "--folder", type=Path, default=Path("var/dev"), help="where that world is kept"
    )
    serve.add_argument("--port", type=int, default=8080, help="of that world (default: 8080)")


if __name__ == "__main__":
    sys.exit(main())
