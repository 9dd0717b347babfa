"""How ``motcua`` speaks of its commands: Vietnamese first, then English, headings included.

Owns the parser that says so and the texts that several commands share. The sentences about wrong
arguments are ``argument_errors``'.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from gateway.argument_errors import in_both_languages

CONFIG_HELP = "tệp cấu hình TOML, mặc định theo MOTCUA_CONFIG / TOML file (default: MOTCUA_CONFIG)"
REPEATABLE = "lặp lại được / repeatable"
_MOST_DAYS = 36_500
_LAST_PORT = 65_535 - 11


class _Lines(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        said = "cách dùng / usage: " if prefix is None else prefix
        super().add_usage(usage, actions, groups, said)


class Parser(argparse.ArgumentParser):
    """A parser whose headings and ``--help`` are Vietnamese first; so are its subcommands'."""

    def __init__(self, **options: Any) -> None:
        options = {"formatter_class": _Lines, **options, "add_help": False}
        super().__init__(**options)
        self._positionals.title = "tham số / arguments"
        self._optionals.title = "tùy chọn / options"
        self.add_argument(
            "-h",
            "--help",
            action="help",
            default=argparse.SUPPRESS,
            help="hiện hướng dẫn này rồi thoát / show this help and exit",
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments; exit status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: lỗi tham số / error: {in_both_languages(message)}\n")


def port_number(text: str) -> int:
    """The ``type`` of an argument that is a TCP port; 0 takes any that is free.

    Simulators and their PKI listen at the eleven ports above it at most.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(
            f"cần cổng mạng từ 0 đến {_LAST_PORT}, không phải {text!r}"
            f" / not a port from 0 to {_LAST_PORT}: {text!r}"
        )
    return int(text)


def number_of_days(least: int) -> Callable[[str], int]:
    """The ``type`` of an argument that is a number of days, from ``least`` to a hundred years."""

    def read(text: str) -> int:
        short = len(text) <= len(str(_MOST_DAYS))
        if not (short and text.isascii() and text.isdigit() and least <= int(text) <= _MOST_DAYS):
            raise argparse.ArgumentTypeError(
                f"cần số ngày từ {least} đến {_MOST_DAYS}, không phải {text!r}"
                f" / not a number of days from {least} to {_MOST_DAYS}: {text!r}"
            )
        return int(text)

    return read
