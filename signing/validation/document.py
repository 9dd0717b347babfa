"""Judging every signature in a file, offline, in Vietnamese (ETSI EN 319 102-1; TT 15/2025 art. 6).

Owns the file's verdict, its summary and the limits that keep a hostile file from costing much.
Leaves one signature's judgement to ``signature_judgement``. Nothing is fetched: revocation is
judged by what the file carries, and what is not carried is unknown, never valid. No error of a
library reaches the caller; a surprise leaves that signature indeterminate.

A file without a signature is ``indeterminate`` with the summary "Tệp không có chữ ký số.": there
is nothing to pass and nothing that failed. A file whose signature belongs to other bytes
(re-saved) is ``invalid``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec

from signing.contract import SignatureVerdict, Validation, Verdict
from signing.reading.opening import MAX_SIZE, Unreadable, open_pdf
from signing.reading.signature_fields import (
    MAX_SIGNATURES,
    FoundSignature,
    find_signatures,
    has_loose_signature,
)
from signing.validation.changes import LaterAct, StrictPolicy, tell_changes
from signing.validation.past import ProvenMoments, check_past
from signing.validation.sentences import say
from signing.validation.signature_judgement import (
    BrokenSignature,
    Judged,
    check_integrity,
    check_trust,
    read_signature,
)
from signing.validation.trust import load_roots, validation_policy
from signing.validation.validation_data import ValidationData, read_validation_data
from signing.validation.verdicts import broken_verdict, signer_name, unfinished_verdict, verdict_of

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TIME_LIMIT_S = 25.0


def validate_pdf(
    pdf: bytes,
    roots: tuple[bytes, ...],
    now: datetime,
    *,
    allowed_fields: frozenset[str] = frozenset(),
    time_limit_s: float = TIME_LIMIT_S,
) -> Validation:
    """Judge all signatures and archive time-stamps of a file.

    Args:
        pdf: any bytes at all.
        roots: trusted roots, DER or PEM; without the signer's root the answer is indeterminate.
        now: the moment to judge at, aware.
        allowed_fields: form fields that may be filled in after signing.
        time_limit_s: signatures not reached within it stay indeterminate.

    Raises:
        ValueError: a configured root is not a certificate (the operator's mistake, not the file's).
    """
    trusted = load_roots(roots)
    run = _Run(pdf, trusted, now, allowed_fields, time.monotonic() + time_limit_s)
    try:
        return run.judge()
    except Exception as error:  # the file's fault, whatever its class: never the caller's problem
        log.info("validation stopped: %s", type(error).__name__)
        message = say("internal", kind=type(error).__name__)
        return run.answer(Verdict.INDETERMINATE, message, ())


class _Run:
    """One file's validation."""

    def __init__(
        self,
        pdf: bytes,
        roots: list[x509.Certificate],
        now: datetime,
        allowed_fields: frozenset[str],
        deadline: float,
    ) -> None:
        self._pdf = pdf
        self._roots = roots
        self._now = now
        self._allowed_fields = allowed_fields
        self._deadline = deadline
        self._messages: list[str] = []

    def answer(
        self, verdict: Verdict, summary: str, signatures: tuple[SignatureVerdict, ...]
    ) -> Validation:
        """Wrap an answer with what identifies the file."""
        return Validation(
            verdict=verdict,
            summary=summary,
            sha256=hashlib.sha256(self._pdf).hexdigest(),
            size=len(self._pdf),
            signatures=signatures,
            messages=tuple(self._messages),
        )

    def judge(self) -> Validation:
        """Open, find, judge, sum up."""
        opened = open_pdf(self._pdf) if len(self._pdf) <= MAX_SIZE else Unreadable("")
        if isinstance(opened, Unreadable):
            return self.answer(Verdict.INDETERMINATE, say("not_a_pdf"), ())
        found = find_signatures(self._pdf, opened.reader.root)
        if has_loose_signature(self._pdf, found):
            self._messages.append(say("detached_part"))
            return self.answer(Verdict.INVALID, say("resaved"), ())
        if not found:
            return self.answer(Verdict.INDETERMINATE, say("no_signature"), ())
        verdicts = self._judge_signatures(opened.reader, found[:MAX_SIGNATURES])
        if len(found) > MAX_SIGNATURES:
            self._messages.append(say("too_many", count=len(found), limit=MAX_SIGNATURES))
            return self.answer(Verdict.INDETERMINATE, self._messages[-1], verdicts)
        return self._sum_up(verdicts)

    def _judge_signatures(
        self, reader: PdfFileReader, found: list[FoundSignature]
    ) -> tuple[SignatureVerdict, ...]:
        read = [_try_read(reader, signature) for signature in found]
        readable = [item for item in read if isinstance(item, Judged)]
        archives = tuple(j.revision for j in readable if j.found.is_timestamp)
        data = read_validation_data(reader, archives)
        policy = validation_policy(self._roots, StrictPolicy())
        acts = [
            LaterAct(j.revision, signer_name(j), j.found.is_timestamp)
            for j in sorted(readable, key=lambda judged: judged.revision)
        ]
        self._moments = ProvenMoments(
            [j for j in readable if j.found.is_timestamp], policy, self._now
        )
        return _run_to_end(self._judge_all(read, policy, data, acts))

    async def _judge_all(
        self,
        read: list[Judged | SignatureVerdict],
        policy: PdfSignatureValidationSpec,
        data: ValidationData,
        acts: list[LaterAct],
    ) -> tuple[SignatureVerdict, ...]:
        verdicts = []
        for item in read:
            if isinstance(item, SignatureVerdict):
                verdicts.append(item)
            elif time.monotonic() > self._deadline:
                verdicts.append(unfinished_verdict(item, say("out_of_time")))
            else:
                verdicts.append(await self._judge_one(item, policy, data, acts))
        return tuple(verdicts)

    async def _judge_one(
        self,
        judged: Judged,
        policy: PdfSignatureValidationSpec,
        data: ValidationData,
        acts: list[LaterAct],
    ) -> SignatureVerdict:
        try:
            check_integrity(judged, policy, self._allowed_fields)
            told = tell_changes(judged.embedded.reader, judged.revision, acts)
            judged.later = told + judged.changes.told
            known = data.with_signed(judged.embedded.signer_info)
            await check_trust(judged, policy, known, self._now)
            await check_past(judged, policy, known, self._moments)
            return verdict_of(judged, known, self._now)
        except Exception as error:  # whatever a library raises, this one signature is undecided
            log.info("signature not judged: %s", type(error).__name__)
            return unfinished_verdict(judged, say("internal", kind=type(error).__name__))

    def _sum_up(self, verdicts: tuple[SignatureVerdict, ...]) -> Validation:
        """The worst verdict is the file's; the first one with it gives the reason."""
        for verdict in (Verdict.INVALID, Verdict.INDETERMINATE):
            for judged in verdicts:
                if judged.verdict is verdict:
                    summary = say(verdict.value, reason=judged.messages[0])
                    return self.answer(verdict, summary, verdicts)
        signers = sum(1 for v in verdicts if v.level is not None) or len(verdicts)
        return self.answer(Verdict.VALID, say("valid", count=signers), verdicts)


def _try_read(reader: PdfFileReader, found: FoundSignature) -> Judged | SignatureVerdict:
    try:
        return read_signature(reader, found)
    except BrokenSignature as broken:
        return broken_verdict(found, broken.code)


def _run_to_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Run the engine's coroutines, also when the caller already sits in an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
