"""``motcua renew``: renewing archive time-stamps that end soon, also beside a running gateway.

Owns putting together what that needs and a line a file. What is due is ``preservation``'s, how it
is renewed its keepers'; a gateway at work beside it is no harm, because each longer file is
published once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from gateway.certification.keeping import CopyKeeping
from gateway.documents.preservation.service import DocumentKeeping
from gateway.documents.revocation.distrust import Distrust
from gateway.file_wiring import file_store
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.files import FileDamaged, FileMissing, FilesUnavailable
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem
from gateway.foundation.waker import Redis, Waker
from gateway.preservation.ahead import LookingAhead
from gateway.preservation.asked import COMMAND, Asked
from gateway.preservation.calendar import Calendar
from gateway.preservation.doubts import Doubts
from gateway.preservation.kept import KeptFile
from gateway.preservation.service import Preservation
from gateway.preservation_wiring import job_limit_s, preservation_policy
from gateway.settings import Settings
from gateway.wiring import signer_config
from signing.contract import SigningError
from signing.processes.pool import SignerPool

BY_COMMAND = Asked(COMMAND, "renew")
Write = Callable[[str], object]
_OF_THE_FILE = {
    FileMissing: "không còn trong kho tệp",
    FileDamaged: "byte trong kho tệp đã bị sửa",
    FilesUnavailable: "kho tệp tạm thời không dùng được",
}


async def renew(
    settings: Settings,
    database: Database,
    clock: Clock,
    within: timedelta,
    *,
    dry_run: bool,
    write: Write,
) -> int:
    """Renew every portal's files whose archive time-stamp ends within a time.

    Returns:
        How many could not be renewed.
    """
    signer = signer_config(settings)
    redis = Redis(settings.redis.url) if settings.redis.url else None
    files = file_store(settings)
    policy = preservation_policy(settings)
    preservation = Preservation(database, clock, Metrics(), policy)
    try:
        async with SignerPool(
            signer, settings.signing.processes, job_limit_s=job_limit_s(signer)
        ) as signatures:
            waker = Waker(redis)
            doubts = Doubts()
            documents = DocumentKeeping(
                database,
                clock,
                waker,
                files=files,
                signatures=signatures,
                policy=policy,
                doubts=doubts,
            )
            copies = CopyKeeping(
                database, clock, waker, files=files, signatures=signatures, doubts=doubts
            )
            preservation.register(documents)
            preservation.register(copies)
            ahead = LookingAhead(database, clock, files, signatures, preservation, doubts=doubts)
            ahead.learn_first(Distrust(database, doubts).learn)
            for keeper in preservation:
                await ahead.reckon_missing(keeper)
            due = await Calendar(database, clock, preservation).due(within)
            if dry_run:
                _list(due, write)
                return 0
            failed = await _renew_all(due, preservation, write)
            write(f"gia hạn / renewed {len(due) - failed}, lỗi / failed {failed}\n")
            return failed
    finally:
        if redis is not None:
            await redis.close()


async def _renew_all(due: Sequence[KeptFile], preservation: Preservation, write: Write) -> int:
    failed = 0
    for file in due:
        try:
            outcome = await preservation.renew(file, BY_COMMAND)
        except (Problem, SigningError, FileMissing, FileDamaged, FilesUnavailable) as error:
            failed += 1
            write(f"{file.id} {file.reference}: {_words_for(error)}\n")
        else:
            end = iso(outcome.until) if outcome.until is not None else "–"
            write(f"{file.id} {file.reference}: {outcome.level}, {end}\n")
    return failed


def _words_for(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.detail_vi or error.code
    return error.message_vi if isinstance(error, SigningError) else _OF_THE_FILE[type(error)]


def _list(due: Sequence[KeptFile], write: Write) -> None:
    for file in due:
        end = iso(file.provable_until) if file.provable_until is not None else "–"
        write(f"{file.id} {file.reference}: {end} ({file.provable_reason})\n")
    write(f"cần gia hạn / due: {len(due)}\n")
