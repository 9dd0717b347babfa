"""What ``motcua sign``, ``motcua inspect`` and ``motcua validate`` do, and their arguments."""

# ruff: noqa: PLC0415 - a command imports what only it needs, so that the others start at once

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.command_words import REPEATABLE
from gateway.foundation.clock import SystemClock
from gateway.settings import ConfigurationError, config_path, load

_SAME_FILE = (
    "tệp ra trùng với tệp vào, bản chưa ký sẽ mất; chọn tên khác"
    " / the output would overwrite the input"
)


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Declare them to the command line."""
    _add_sign(command)
    _add_inspect(command)
    _add_validate(command)


def _add_sign(command: Callable[..., argparse.ArgumentParser]) -> None:
    signing = command("sign", "ký số một tệp PDF / sign one file", sign, config=True)
    signing.add_argument("input", type=Path, help="tệp cần ký / the file to sign")
    signing.add_argument("output", type=Path, help="nơi ghi tệp đã ký / where the signed one goes")
    signing.add_argument(
        "--level",
        choices=["B-B", "B-T", "B-LT", "B-LTA"],
        default="B-LTA",
        help="mức chữ ký PAdES (mặc định: B-LTA) / the PAdES level",
    )
    signing.add_argument(
        "--key",
        help="tên khóa trong cấu hình, mặc định khóa đầu tiên / a key's name; default: the first",
    )
    signing.add_argument(
        "--pin-file",
        type=Path,
        help="tệp có dòng đầu là mã PIN của khóa; - là đầu vào chuẩn"
        " / its first line is the key's PIN; - is standard input",
    )


def _add_inspect(command: Callable[..., argparse.ArgumentParser]) -> None:
    about = "kiểm tra tệp hoặc thư mục trước khi ký / inspect files or folders"
    inspecting = command("inspect", about, inspect)
    inspecting.add_argument(
        "paths", nargs="+", type=Path, help="các tệp hoặc thư mục / files or folders"
    )
    inspecting.add_argument(
        "--sign",
        action="store_true",
        help="ký thử và kiểm tra lại từng tệp / also sign and re-verify each",
    )
    inspecting.add_argument(
        "--report", type=Path, help="ghi báo cáo JSON vào tệp này / write a JSON report here"
    )


def _add_validate(command: Callable[..., argparse.ArgumentParser]) -> None:
    about = "kiểm tra chữ ký của tệp hoặc thư mục / validate files or folders"
    validating = command("validate", about, validate, config=True)
    validating.add_argument(
        "paths", nargs="+", type=Path, help="các tệp hoặc thư mục / files or folders"
    )
    validating.add_argument(
        "--roots",
        type=Path,
        action="append",
        default=[],
        help=f"tệp chứng thư gốc tin cậy (PEM, DER) / trusted roots; {REPEATABLE}",
    )
    validating.add_argument("--json", action="store_true", help="in ra dạng JSON / as JSON")
    validating.add_argument(
        "--report-xml",
        type=Path,
        help="thư mục để báo cáo ETSI TS 119 102-2 / folder for ETSI TS 119 102-2 reports",
    )
    validating.add_argument(
        "--template",
        help="mẫu văn bản, các trường của mẫu được điền sau khi ký"
        " / a document template; its fields may be filled in after signing",
    )
    validating.add_argument(
        "--allow-field",
        action="append",
        default=[],
        help=f"trường biểu mẫu được điền sau khi ký / filled in after signing; {REPEATABLE}",
    )


def sign(given: argparse.Namespace) -> int:
    """``motcua sign``."""
    from gateway.wiring import signer_config
    from signing.commands.sign import sign_file
    from signing.contract import Level, SigningError

    if given.output.exists() and given.output.samefile(given.input):
        raise ConfigurationError([_SAME_FILE])
    path = config_path(given.config)
    config = signer_config(load(path)) if path else None
    pin = _first_line(given.pin_file) if given.pin_file is not None else None
    try:
        signed = asyncio.run(
            sign_file(given.input, given.output, Level(given.level), given.key, config, pin=pin)
        )
    except SigningError as error:
        print(error.message_vi, file=sys.stderr)
        return 1
    print(f"{given.output}: {signed.level} · SHA-256 {signed.sha256}")
    return 0


def _first_line(path: Path) -> str:
    """A secret that stands neither in the arguments nor in the shell's history."""
    text = sys.stdin.readline() if str(path) == "-" else path.read_text("utf-8")
    return text.partition("\n")[0].rstrip("\r")


def inspect(given: argparse.Namespace) -> int:
    """``motcua inspect``."""
    from gateway.signing_desk import signing_desk
    from signing.commands.check import inspect_paths

    now = SystemClock().now()
    if given.report is not None:
        given.report.touch()  # refused now, not after the work
    if not given.sign:
        return inspect_paths(given.paths, None, given.report, write=sys.stdout.write, now=now)
    with signing_desk() as desk:
        return inspect_paths(
            given.paths,
            desk.sign,
            given.report,
            write=sys.stdout.write,
            now=now,
            sign_file=desk.sign_file,
        )


def validate(given: argparse.Namespace) -> int:
    """``motcua validate``."""
    from gateway.wiring import trust_anchors
    from signing.commands.check import certificates_in, validate_paths

    path = config_path(given.config)
    settings = load(path).signing if path else None
    trust = settings.trust if settings else None
    fields = _template_fields(given.template, settings.templates if settings else "")
    problems: list[str] = []
    anchors = trust_anchors(trust, problems) if trust else ()
    roots = [*given.roots, *(Path(r) for r in (trust.roots if trust else []))]
    blobs = tuple(path.read_bytes() for path in roots)
    problems += [
        f"{path}: không phải chứng thư số PEM hoặc DER"
        for path, blob in zip(roots, blobs, strict=True)
        if not certificates_in(blob)
    ]
    if problems:
        raise ConfigurationError(problems)
    return validate_paths(
        given.paths,
        blobs,
        given.json,
        write=sys.stdout.write,
        now=SystemClock().now(),
        anchors=anchors,
        allowed_fields=frozenset(given.allow_field) | fields,
        reports=given.report_xml,
    )


def _template_fields(asked: str | None, table: str) -> frozenset[str]:
    """The fields of the template named on the command line; unknown ones end the command."""
    from gateway.documents.templates import UnknownTemplate
    from gateway.foundation.clock import in_vietnam
    from gateway.operator_data import document_templates

    if not asked:
        return frozenset()
    today = in_vietnam(SystemClock().now()).date()
    try:
        return document_templates(table).find(asked, today).fields
    except UnknownTemplate as unknown:
        known = ", ".join(unknown.known) or "chưa có mẫu nào"
        sentence = f"--template: không có mẫu “{asked}” đang có hiệu lực; các mẫu: {known}"
        raise ConfigurationError([sentence]) from unknown
