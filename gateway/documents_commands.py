"""``motcua authorities``, ``audit``, ``renew`` and ``distrust``: what they do, their arguments."""

# ruff: noqa: PLC0415 - a command imports what only it needs, so that the others start at once

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.command_words import CONFIG_HELP, REPEATABLE, Parser, number_of_days
from gateway.foundation.clock import SystemClock
from gateway.foundation.problems import Problem
from gateway.settings import ConfigurationError, Settings, config_path, load

if TYPE_CHECKING:
    from gateway.distrusting import Said
    from gateway.documents.authority.rules import Mandate
    from gateway.documents.evidence.audit import Head, Walked
    from gateway.foundation.database import Database

_AGENCY = "agency:"
_HEAD = re.compile(r"(\S+):(\d{1,9}):([0-9a-f]{64})")


def add_commands(add: argparse._SubParsersAction[Parser]) -> None:
    """Tell the parser about every command of documents."""
    _add_authorities(add)
    _add_audit(add)
    _add_renewal(add)
    _add_distrust(add)


def _add_authorities(add: argparse._SubParsersAction[Parser]) -> None:
    about = (
        "lập sổ thẩm quyền ký từ tệp cấu hình"
        " / the authority register, begun from the configuration"
    )
    register = add.add_parser("authorities", help=about, description=about)
    register.set_defaults(run=authorities)
    register.add_argument(
        "action", choices=["import"], help="import: ghi các dòng còn thiếu / add the missing rows"
    )
    register.add_argument("--config", help=CONFIG_HELP)
    register.add_argument(
        "--portal", default="portal", help="phần mềm có sổ này (mặc định: portal) / whose register"
    )
    register.add_argument(
        "--decision",
        required=True,
        help="số quyết định làm căn cứ / number of the decision it rests on",
    )
    register.add_argument(
        "--decision-date",
        required=True,
        type=date.fromisoformat,
        help="ngày của quyết định, NNNN-TT-NN / its date, YYYY-MM-DD",
    )
    register.add_argument(
        "--from",
        dest="valid_from",
        required=True,
        type=date.fromisoformat,
        help="có hiệu lực từ ngày, NNNN-TT-NN / valid from, YYYY-MM-DD",
    )
    register.add_argument(
        "--capacity",
        action="append",
        choices=["none", "TM.", "KT.", "TL.", "Q."],
        help="ký thay, ký thừa lệnh …, mặc định none: thẩm quyền của chính người ký"
        f" / default: none (the official's own right); {REPEATABLE}",
    )


def _add_audit(add: argparse._SubParsersAction[Parser]) -> None:
    about = (
        "kiểm tra chuỗi nhật ký bằng chứng và các tệp kèm theo; trả 1 khi có chỗ đứt"
        " / walk the evidence chains and the bytes they speak of; 1 at a break"
    )
    audit = add.add_parser("audit", help=about, description=about)
    audit.set_defaults(run=verify_audit)
    audit.add_argument("action", choices=["verify"], help="verify: kiểm tra / check everything")
    audit.add_argument("--config", help=CONFIG_HELP)
    audit.add_argument(
        "--head",
        action="append",
        default=[],
        help="mốc đã ghi lại trước đây, TENANT:SỐ:SHA256"
        f" / TENANT:NUMBER:SHA256 noted earlier; {REPEATABLE}",
    )


def _add_renewal(add: argparse._SubParsersAction[Parser]) -> None:
    about = "gia hạn dấu thời gian lưu trữ sắp hết hạn / renew archive time-stamps that end soon"
    renewal = add.add_parser("renew", help=about, description=about)
    renewal.set_defaults(run=renew)
    renewal.add_argument("--config", help=CONFIG_HELP)
    renewal.add_argument(
        "--within-days",
        type=number_of_days(0),
        help="hết hạn trong số ngày này, mặc định theo renew_within_days"
        " / ending within so many days (default: renew_within_days)",
    )
    renewal.add_argument(
        "--dry-run", action="store_true", help="chỉ liệt kê, không làm gì / only list what is due"
    )


def _add_distrust(add: argparse._SubParsersAction[Parser]) -> None:
    from gateway.documents.evidence.standings import CAUSES

    about = (
        "ghi nhận một chứng thư đã bị thu hồi, cho mọi phần mềm dùng cổng này"
        " / record that a certificate is revoked, for every portal of this gateway"
    )
    word = add.add_parser("distrust", help=about, description=about)
    word.set_defaults(run=distrust)
    word.add_argument(
        "certificate", help="tệp chứng thư (PEM, DER) hoặc SHA-256 / a file (PEM, DER) or SHA-256"
    )
    word.add_argument("--config", help=CONFIG_HELP)
    word.add_argument(
        "--reason",
        required=True,
        type=_reason,
        help="căn cứ, 10–500 ký tự / on what ground, 10-500 characters",
    )
    word.add_argument(
        "--cause",
        choices=CAUSES,
        help="lý do theo RFC 5280; không nêu thì mọi dấu thời gian của chứng thư đều mất giá trị"
        " / by RFC 5280; without one, all its time-stamps are void",
    )
    when = word.add_mutually_exclusive_group()
    when.add_argument(
        "--revoked-at",
        type=_moment,
        help="từ khi nào, RFC 3339 có múi giờ, mặc định bây giờ / since when, RFC 3339 (now)",
    )
    when.add_argument(
        "--withdraw",
        action="store_true",
        help="rút lại lời đã ghi bằng lệnh này / take back what this command recorded",
    )


def authorities(given: argparse.Namespace) -> int:
    """``motcua authorities import``: a row for each configured holder and clerk who has none."""
    settings = load(config_path(given.config))
    capacities = [None if c == "none" else c for c in given.capacity or ["none"]]
    wanted = wanted_authorities(
        settings, (given.decision, given.decision_date), given.valid_from, capacities
    )
    try:
        entered = asyncio.run(_import(settings, f"{given.portal}/{settings.server.mode}", wanted))
    except Problem as problem:
        for error in problem.errors:
            print(f"{error.pointer.strip('/')}: {error.detail}", file=sys.stderr)
        return 1
    for line in entered:
        print(line)
    print(f"{len(entered)} / {len(wanted)}", file=sys.stderr)
    return 0


def wanted_authorities(
    settings: Settings,
    decision: tuple[str, date],
    valid_from: date,
    capacities: Sequence[str | None],
) -> list[Mandate]:
    """What the configuration lets people do, as rows of the register.

    Clerks get their agency's seal. Officials get the agencies they certify for, or every
    configured agency where they name none: the small start has one.
    """
    from gateway.documents.authority.rules import Mandate

    keys = settings.signing.keys.values()
    agencies = {k.holder.removeprefix(_AGENCY): k for k in keys if k.holder.startswith(_AGENCY)}
    number, day = decision
    rows = [
        Mandate("", code, clerk, "agency", number, day, valid_from)
        for code, key in agencies.items()
        for clerk in key.clerks
    ]
    rows += [
        Mandate(
            "", code, key.holder, "person", number, day, valid_from,
            capacities=tuple(capacities), title=key.title or None,
        )
        for key in keys
        if key.holder.startswith("official:")
        for code in key.certifies or agencies
    ]  # fmt: skip
    return rows


async def _import(settings: Settings, tenant: str, wanted: Sequence[Mandate]) -> list[str]:
    from gateway.documents.authority.service import AuthorityRegister

    async with _opened(settings) as database:
        register = AuthorityRegister(database, SystemClock())
        entered = await register.import_missing(tenant, wanted, "motcua authorities import")
    return [f"{a.id} {a.agency_code} {a.official} {a.role}" for a in entered]


def verify_audit(given: argparse.Namespace) -> int:
    """``motcua audit verify``: a line a tenant; 0 only if every chain holds."""
    settings = load(config_path(given.config))
    noted = {}
    for text in given.head:
        match = _HEAD.fullmatch(text)
        if match is None:
            print(f"--head {text}: cần dạng / wanted: TENANT:NUMBER:SHA256", file=sys.stderr)
            return 2
        noted[match[1]] = (int(match[2]), match[3])
    walked = asyncio.run(_verify(settings, noted))
    if not walked:
        print("chưa có bản ghi nào / no records yet", file=sys.stderr)
    for one in walked:
        head = f"{one.tenant}:{one.head.number}:{one.head.sha256}"
        print(f"nguyên vẹn / intact {head}" if one.first_break is None else f"ĐỨT / BROKEN {head}")
        if one.first_break is not None:
            print(one.first_break, file=sys.stderr)
    return 1 if any(one.first_break is not None for one in walked) else 0


async def _verify(settings: Settings, noted: dict[str, tuple[int, str]]) -> list[Walked]:
    from gateway.certification import kept_store
    from gateway.documents.evidence.audit import EvidenceAudit, Head
    from gateway.file_wiring import file_store

    heads: dict[str, Head] = {tenant: Head(*head) for tenant, head in noted.items()}
    async with _opened(settings) as database:
        longer = {"bản sao chứng thực": kept_store.lengthened()}
        files = file_store(settings)
        return await EvidenceAudit(database, files, longer).verify(heads)


def renew(given: argparse.Namespace) -> int:
    """``motcua renew``: 0 when everything that was due could be renewed."""
    settings = load(config_path(given.config))
    asked, usual = given.within_days, settings.signing.preservation.renew_within_days
    within = timedelta(days=usual if asked is None else asked)
    return 1 if asyncio.run(_renew(settings, within, dry_run=given.dry_run)) else 0


async def _renew(settings: Settings, within: timedelta, *, dry_run: bool) -> int:
    from gateway.renewal import renew as renew_all

    async with _opened(settings) as database:
        return await renew_all(
            settings, database, SystemClock(), within, dry_run=dry_run, write=sys.stdout.write
        )


def distrust(given: argparse.Namespace) -> int:
    """``motcua distrust``: a line a portal; 1 when no portal has to do with the certificate."""
    from gateway.distrusting import certificate_named

    settings = load(config_path(given.config))
    try:
        digest = certificate_named(given.certificate)
        said = asyncio.run(_distrust(settings, digest, given))
    except ValueError as error:
        print(f"{given.certificate}: {error}", file=sys.stderr)
        return 2
    except Problem as problem:
        for fault in problem.errors:
            print(fault.detail, file=sys.stderr)
        return 1
    for tenant in said.told:
        print(f"đã ghi / recorded {tenant}")
    for tenant in said.known:
        print(f"đã có từ trước / known {tenant}")
    if not said.told and not said.known:
        print(
            f"không phần mềm nào có liên quan / no portal is concerned: {digest}", file=sys.stderr
        )
        return 1
    return 0


async def _distrust(settings: Settings, digest: str, given: argparse.Namespace) -> Said:
    from gateway.distrusting import distrust as say

    clock = SystemClock()
    revoked_at = None if given.withdraw else given.revoked_at or clock.now()
    async with _opened(settings) as database:
        return await say(
            settings,
            database,
            clock,
            digest,
            revoked_at=revoked_at,
            reason=given.reason,
            cause=None if given.withdraw else given.cause,
        )


def _reason(text: str) -> str:
    if not 10 <= len(text) <= 500:
        raise argparse.ArgumentTypeError("cần 10–500 ký tự / not 10 to 500 characters")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        example = "2026-11-02T10:00:00+07:00"
        raise argparse.ArgumentTypeError(
            f"cần thời điểm có múi giờ như {example}, không phải {text!r}"
            f" / not a moment with its offset, such as {example}: {text!r}"
        )
    return moment.astimezone(UTC)


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    """The configured database, on this version's schema.

    Raises:
        ConfigurationError: another schema; what to do stands in it.
    """
    from gateway.foundation.database import Database
    from gateway.migrations.run import SchemaOutdated, check

    database = Database(settings.database.url)
    try:
        await asyncio.to_thread(check, database.engine)
        yield database
    except SchemaOutdated as error:
        raise ConfigurationError([f"database: {error}; chạy: motcua migrate"]) from error
    finally:
        await database.close()
