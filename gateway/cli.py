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
from gateway.command_words import CONFIG_HELP, REPEATABLE, Parser, number_of_days, port_number

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

    parser = Parser(
        prog="motcua", description="Cổng thanh toán và ký số / payment and e-signature gateway"
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"motcua {__version__}",
        help="hiện phiên bản rồi thoát / show the version and exit",
    )
    parser.set_defaults(run=None)
    add = parser.add_subparsers(title="lệnh / commands", metavar="LỆNH")

    def command(
        name: str, about: str, run: Command, *, config: bool = False
    ) -> argparse.ArgumentParser:
        sub = add.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run)
        if config:
            sub.add_argument("--config", help=CONFIG_HELP)
        return sub

    _add_service(command)
    _add_providers(command)
    signing_commands.add_commands(command)
    documents_commands.add_commands(add)
    return parser


def _add_service(command: _Adder) -> None:
    from gateway import commands  # noqa: PLC0415 - imports its needs itself

    demo = command(
        "demo",
        "chạy trọn một hồ sơ mẫu; chỉ trả 0 khi mọi bước đều được kiểm chứng"
        " / one dossier end to end; 0 only if every step was verified",
        commands.demo,
    )
    demo.add_argument(
        "--input",
        type=Path,
        help="ký tệp PDF này thay cho quyết định mẫu / sign this PDF instead of the typeset one",
    )
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("demo-out"),
        help="thư mục để kết quả (mặc định: demo-out) / folder of the results",
    )

    about = "chạy dịch vụ / the service"
    _serve_options(command("serve", about, commands.serve, config=True))
    about = "chạy thêm tiến trình nền, không nhận HTTP / extra workers, without HTTP"
    command("work", about, commands.work, config=True)
    about = "nâng cấp cấu trúc cơ sở dữ liệu / bring the schema up"
    command("migrate", about, commands.migrate, config=True)
    about = "báo mọi lỗi cấu hình trong một lần / every configuration error at once"
    command("check-config", about, commands.check_config, config=True)
    _add_keys(command)


def _add_keys(command: _Adder) -> None:
    from gateway import commands  # noqa: PLC0415 - imports its needs itself

    keys = command("keys", "khóa API: cấp, liệt kê, thu hồi / API keys", commands.keys, config=True)
    keys.add_argument(
        "action",
        choices=["create", "list", "revoke"],
        help="create: cấp khóa mới; list: liệt kê; revoke: thu hồi / what to do",
    )
    keys.add_argument(
        "--portal",
        default="portal",
        help="phần mềm giữ khóa (mặc định: portal) / whose key it is",
    )
    keys.add_argument(
        "--mode",
        choices=["live", "test"],
        help="chế độ thật hay thử, mặc định theo cổng / default: the gateway's own",
    )
    keys.add_argument(
        "--scope",
        action="append",
        help=f"quyền của khóa, mặc định đủ mọi quyền / default: every scope; {REPEATABLE}",
    )
    keys.add_argument(
        "--official",
        help="cấp thành khóa riêng của một người, ví dụ official:nguyen.van.a"
        " / make it a person's own token",
    )
    keys.add_argument("--name", default="", help="tên gợi nhớ của khóa / a name to know it by")
    keys.add_argument(
        "--expires-in-days",
        type=number_of_days(1),
        help="số ngày có hiệu lực / days until it ends",
    )
    keys.add_argument("--id", help="mã của khóa cần thu hồi / the key to revoke")


def _add_providers(command: _Adder) -> None:
    from gateway import commands  # noqa: PLC0415 - imports its needs itself

    simulate = command(
        "simulate",
        "chạy mọi bộ mô phỏng, kèm kịch bản lỗi và trang điều khiển"
        " / all simulators, with fault scripts and a page",
        commands.simulate,
    )
    simulate.add_argument(
        "--port",
        type=port_number,
        default=8090,
        help="cổng lắng nghe (mặc định: 8090) / port to listen on",
    )
    simulate.add_argument(
        "--gateway",
        default="http://127.0.0.1:8080",
        help="địa chỉ của cổng cần gọi lại / where the gateway is called back",
    )
    simulate.add_argument(
        "--folder",
        type=Path,
        default=Path("var/dev"),
        help="nơi giữ khóa thử nghiệm (mặc định: var/dev) / where development keys are kept",
    )

    about = "bảng khả năng của các nhà cung cấp / capability matrix"
    providers = command("providers", about, commands.providers)
    providers.add_argument("--json", action="store_true", help="in ra dạng JSON / as JSON")
    about = "đối chiếu bộ kết nối với tệp mẫu / connectors against vector files"
    conformance = command("conformance", about, commands.conformance)
    conformance.add_argument(
        "files", nargs="+", type=Path, help="các tệp mẫu (JSON) / vector files"
    )


def _serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--with-simulators",
        action="store_true",
        help="dựng kèm môi trường thử có bộ mô phỏng / a development world around it",
    )
    serve.add_argument(
        "--folder",
        type=Path,
        help="nơi giữ môi trường thử (mặc định: var/dev) / where that world is kept",
    )
    serve.add_argument(
        "--port",
        type=port_number,
        help="cổng của môi trường thử (mặc định: 8080) / port of that world",
    )


if __name__ == "__main__":
    sys.exit(main())
