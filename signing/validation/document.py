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
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec

from signing.contract import SignatureVerdict, TrustAnchor, Validation, Verdict
from signing.reading.opening import MAX_SIZE, Unreadable, open_pdf
from signing.reading.signature_fields import (
    MAX_SIGNATURES,
    FoundSignature,
    find_signatures,
    has_loose_signature,
)
from signing.validation.changes import ChangeJudge, LaterAct, tell_changes
from signing.validation.difference import Deadline, OutOfTime, StrictPolicy
from signing.validation.digests import hash_signed_bytes
from signing.validation.past import ProvenMoments, check_past
from signing.validation.revocation import FreshRevocation
from signing.validation.sentences import say
from signing.validation.signature_judgement import (
    check_integrity,
    check_trust,
    seek_anchor,
    settle_time,
)
from signing.validation.signature_reading import (
    BrokenSignature,
    Judged,
    library_signatures,
    make_definite,
    read_signature,
)
from signing.validation.trust import anchor_kinds, load_roots, validation_policy
from signing.validation.validation_data import ValidationData, read_validation_data
from signing.validation.verdicts import (
    Circumstances,
    broken_verdict,
    signer_name,
    unfinished_verdict,
    verdict_of,
)

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TIME_LIMIT_S = 25.0


def validate_pdf(
    pdf: bytes,
    roots: tuple[bytes, ...],
    now: datetime,
    *,
    anchors: tuple[TrustAnchor, ...] = (),
    fresh: FreshRevocation | None = None,
    allowed_fields: frozenset[str] = frozenset(),
    time_limit_s: float = TIME_LIMIT_S,
) -> Validation:
    """Judge all signatures and archive time-stamps of a file.

    Args:
        pdf: any bytes at all.
        roots: trusted roots, DER or PEM; without the signer's root the answer is indeterminate.
        now: the moment to judge at, aware.
        anchors: roots whose kind is named, trusted like ``roots``.
        fresh: what issuers' services said just now; None when nobody was asked.
        allowed_fields: form fields that may be filled in after signing.
        time_limit_s: signatures not reached within it stay indeterminate.

    Raises:
        ValueError: a configured root is not a certificate (the operator's mistake, not the file's).
    """
    trusted = load_roots((*roots, *(anchor.certificate for anchor in anchors)))
    circumstances = Circumstances(now, anchor_kinds(anchors), online=fresh is not None)
    deadline = Deadline(time_limit_s)
    run = _Run(pdf, trusted, circumstances, deadline, fresh=fresh, allowed_fields=allowed_fields)
    try:
        return run.judge()
    except Exception as error:  # the file's fault, whatever its class: never the caller's problem
        log.info("validation stopped: %s", type(error).__name__)
        message = say("internal", kind=type(error).__name__)
        return run.answer(Verdict.INDETERMINATE, message, (), "internal")


class _Run:
    """One file's validation."""

    def __init__(
        self,
        pdf: bytes,
        roots: Sequence[x509.Certificate],
        circumstances: Circumstances,
        deadline: Deadline,
        *,
        fresh: FreshRevocation | None,
        allowed_fields: frozenset[str],
    ) -> None:
        self._pdf = pdf
        self._roots = roots
        self._circumstances = circumstances
        self._fresh = fresh
        self._allowed_fields = allowed_fields
        self._deadline = deadline
        self._messages: list[str] = []

    def answer(
        self,
        verdict: Verdict,
        summary: str,
        signatures: tuple[SignatureVerdict, ...],
        reason: str,
    ) -> Validation:
        """Wrap an answer with what identifies the file."""
        return Validation(
            verdict=verdict,
            summary=summary,
            sha256=hashlib.sha256(self._pdf).hexdigest(),
            size=len(self._pdf),
            signatures=signatures,
            messages=tuple(self._messages),
            reason=reason,
            checked_at=self._circumstances.now,
            online=self._circumstances.online,
        )

    def judge(self) -> Validation:
        """Open, find, judge, sum up."""
        opened = open_pdf(self._pdf) if len(self._pdf) <= MAX_SIZE else Unreadable("")
        if isinstance(opened, Unreadable):
            return self.answer(Verdict.INDETERMINATE, say("not_a_pdf"), (), "not_a_pdf")
        found = find_signatures(self._pdf, opened.reader.root)
        if has_loose_signature(self._pdf, found) and not self._is_mac(opened.reader):
            self._messages.append(say("detached_part"))
            return self.answer(Verdict.INVALID, say("resaved"), (), "resaved")
        if not found:
            return self.answer(Verdict.INDETERMINATE, say("no_signature"), (), "no_signature")
        verdicts = self._judge_signatures(opened.reader, found[:MAX_SIGNATURES])
        if len(found) > MAX_SIGNATURES:
            self._messages.append(say("too_many", count=len(found), limit=MAX_SIGNATURES))
            return self.answer(Verdict.INDETERMINATE, self._messages[-1], verdicts, "too_many")
        return self._sum_up(verdicts)

    def _is_mac(self, reader: PdfFileReader) -> bool:
        """Whether the only byte range is that of a message authentication code (ISO/TS 32004)."""
        return "/AuthCode" in reader.trailer_view and self._pdf.count(b"/ByteRange") == 1

    def _judge_signatures(
        self, reader: PdfFileReader, found: list[FoundSignature]
    ) -> tuple[SignatureVerdict, ...]:
        old = {signature.field.name for signature in found if make_definite(signature.value)}
        known = library_signatures(reader)
        read = [_try_read(reader, signature, known) for signature in found]
        readable = [item for item in read if isinstance(item, Judged)]
        for judged in readable:
            judged.ber = judged.found.field.name in old
        hash_signed_bytes(self._pdf, (judged.embedded for judged in readable))
        archives = tuple(j.revision for j in readable if j.found.is_timestamp)
        data = read_validation_data(reader, archives)
        if self._fresh is not None:
            data = data.with_fresh(self._fresh.ocsps, self._fresh.crls)
        followed = sum(j.revision < reader.xrefs.total_revisions - 1 for j in readable)
        policy = validation_policy(self._roots, StrictPolicy(self._deadline, followed))
        stamps = [judged for judged in readable if judged.found.is_timestamp]
        desk = _Desk(
            policy=policy,
            moments=ProvenMoments(stamps, policy, self._circumstances.now),
            data=data,
            changes=ChangeJudge(self._pdf, reader, self._allowed_fields, self._deadline),
            acts=[
                LaterAct(j.revision, signer_name(j), j.found.is_timestamp)
                for j in sorted(readable, key=lambda judged: judged.revision)
            ],
        )
        return _run_to_end(self._judge_all(read, desk))

    async def _judge_all(
        self, read: list[Judged | SignatureVerdict], desk: _Desk
    ) -> tuple[SignatureVerdict, ...]:
        return tuple(
            [
                item if isinstance(item, SignatureVerdict) else await self._judge_one(item, desk)
                for item in read
            ]
        )

    async def _judge_one(self, judged: Judged, desk: _Desk) -> SignatureVerdict:
        try:
            self._deadline.check()
            check_integrity(judged, desk.policy, desk.changes)
            told = tell_changes(judged.embedded.reader, judged.revision, desk.acts)
            judged.later = told + judged.changes.told
            known = desk.data.with_signed(judged.embedded.signer_info)
            await check_trust(judged, desk.policy, known, self._circumstances.now)
            await check_past(judged, desk.policy, known, desk.moments)
            seek_anchor(judged, known, self._roots)
            settle_time(judged, self._circumstances.now)
            return verdict_of(judged, known, self._circumstances)
        except OutOfTime:
            return unfinished_verdict(judged, "time_limit", say("time_limit"))
        except Exception as error:  # whatever a library raises, this one signature is undecided
            log.info("signature not judged: %s", type(error).__name__)
            message = say("internal", kind=type(error).__name__)
            return unfinished_verdict(judged, "internal", message)

    def _sum_up(self, verdicts: tuple[SignatureVerdict, ...]) -> Validation:
        """The worst verdict is the file's; the first one with it gives the reason."""
        for verdict in (Verdict.INVALID, Verdict.INDETERMINATE):
            for judged in verdicts:
                if judged.verdict is verdict:
                    summary = say(verdict.value, reason=judged.messages[0])
                    return self.answer(verdict, summary, verdicts, judged.reason)
        signers = sum(1 for v in verdicts if v.level is not None) or len(verdicts)
        return self.answer(Verdict.VALID, say("valid", count=signers), verdicts, "intact")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every signature of one file is judged with."""

    policy: PdfSignatureValidationSpec
    data: ValidationData
    changes: ChangeJudge
    acts: list[LaterAct]
    moments: ProvenMoments


def _try_read(
    reader: PdfFileReader, found: FoundSignature, known: dict[str, EmbeddedPdfSignature]
) -> Judged | SignatureVerdict:
    try:
        return read_signature(reader, found, known.get(found.field.name))
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
