"""``motcua renew``: renewing archive time-stamps that end soon, also beside a running gateway.

Owns putting together what that needs and a line a document. What is due and how it is renewed are
``documents``'; a gateway at work beside it is no harm, because each revision is published once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from gateway.certification.keeping import CopyKeeping
from gateway.documents.preservation.asked import COMMAND, Asked
from gateway.documents.preservation.calendar import Calendar
from gateway.documents.preservation.service import Preservation
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Redis, Waker
from gateway.preservation_wiring import copy_policy, job_limit_s, preservation_policy
from gateway.settings import Settings
from gateway.wiring import signer_config
from signing.contract import Level, SigningError
from signing.processes.pool import SignerPool

BY_COMMAND = Asked(COMMAND, "renew")
Write = Callable[[str], object]


async def renew(
    settings: Settings,
    database: Database,
    clock: Clock,
    within: timedelta,
    *,
    dry_run: bool,
    write: Write,
) -> int:
    """Renew every portal's documents whose archive time-stamp ends within a time.

    Returns:
        How many could not be renewed.
    """
    signer = signer_config(settings)
    redis = Redis(settings.redis.url) if settings.redis.url else None
    files = FileStore(settings.files.url, settings.files.large_from)
    try:
        async with SignerPool(
            signer, settings.signing.processes, job_limit_s=job_limit_s(signer)
        ) as signatures:
            calendar = Calendar(database, clock, files, signatures)
            waker, metrics = Waker(redis), Metrics()
            copies = CopyKeeping(
                database,
                clock,
                waker,
                metrics,
                files=files,
                signatures=signatures,
                policy=copy_policy(settings),
            )
            for reckon in (calendar.reckon_missing, copies.reckon_missing):
                while await reckon():
                    pass
            due, due_copies = await calendar.due(within), await copies.due(within)
            if dry_run:
                _list([*due, *due_copies], write)
                return 0
            preservation = Preservation(
                database,
                clock,
                waker,
                metrics,
                files=files,
                signatures=signatures,
                policy=preservation_policy(settings),
            )
            failed = await _renew_all(due, preservation, database, write)
            failed += await _renew_copies(due_copies, copies, write)
            total = len(due) + len(due_copies)
            write(f"gia hạn / renewed {total - failed}, lỗi / failed {failed}\n")
            return failed
    finally:
        if redis is not None:
            await redis.close()


async def _renew_all(
    due: Sequence[Any], preservation: Preservation, database: Database, write: Write
) -> int:
    failed = 0
    for row in due:
        try:
            extension = await preservation.prepare(
                row.tenant, row.id, Level.B_LTA, later_than=row.provable_until, asked=BY_COMMAND
            )
            shown = await database.write(lambda c, e=extension: preservation.publish(c, e))  # type: ignore[misc]  # the default binds the loop's value
        except Problem as problem:
            failed += 1
            write(f"{row.id} {row.reference}: {problem.detail_vi or problem.code}\n")
        except (FileMissing, FileDamaged) as error:
            failed += 1
            write(f"{row.id} {row.reference}: {type(error).__name__}\n")
        else:
            preservation.announce()
            write(f"{row.id} {row.reference}: {shown.level}, {shown.provable_until}\n")
    return failed


async def _renew_copies(due: Sequence[Any], copies: CopyKeeping, write: Write) -> int:
    failed = 0
    for row in due:
        try:
            extended = await copies.renew(row, BY_COMMAND)
        except Problem as problem:
            failed += 1
            write(f"{row.id} {row.reference}: {problem.detail_vi or problem.code}\n")
        except SigningError as error:
            failed += 1
            write(f"{row.id} {row.reference}: {error.message_vi}\n")
        except (FileMissing, FileDamaged) as error:
            failed += 1
            write(f"{row.id} {row.reference}: {type(error).__name__}\n")
        else:
            until = extended.provability.until
            end = iso(until) if until is not None else "–"
            write(f"{row.id} {row.reference}: {extended.level}, {end}\n")
    return failed


def _list(due: Sequence[Any], write: Write) -> None:
    for row in due:
        write(f"{row.id} {row.reference}: {iso(row.provable_until)} ({row.provable_reason})\n")
    write(f"cần gia hạn / due: {len(due)}\n")
