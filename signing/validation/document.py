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
import logging
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec

from signing.contract import SignatureVerdict, TrustAnchor, Validation, Verdict
from signing.reading.loose_signatures import has_loose_signature
from signing.reading.opening import HEADER_WINDOW, MAX_SIZE, Data, Unreadable, open_pdf
from signing.reading.signature_fields import (
    MAX_SIGNATURES,
    FoundSignature,
    find_signatures,
    form_fields,
)
from signing.reading.stretches import sha256_of
from signing.validation.account import Account, acts_in_order
from signing.validation.changes import ChangeJudge, ChangeVerdict
from signing.validation.difference import (
    Deadline,
    OutOfTime,
    StrictPolicy,
    paused_collection,
)
from signing.validation.digests import hash_signed_bytes
from signing.validation.past import ProvenMoments, check_past
from signing.validation.reasons import FileReason, SignatureReason
from signing.validation.removals import Removals, look_for_removals
from signing.validation.revocation import FreshRevocation
from signing.validation.sentences import say
from signing.validation.signature_judgement import (
    check_trust,
    judge_changes,
    seek_anchor,
    settle_time,
    verify_signature,
)
from signing.validation.signature_reading import (
    BrokenSignature,
    Judged,
    library_signatures,
    make_definite,
    read_signature,
    uses_padding,
)
from signing.validation.trust import (
    UnsupportedAlgorithm,
    anchor_kinds,
    load_roots,
    validation_policy,
)
from signing.validation.validation_data import ValidationData, read_validation_data
from signing.validation.verdicts import (
    Circumstances,
    broken_verdict,
    interrupted_verdict,
    signer_name,
    unfinished_verdict,
    verdict_of,
)

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TIME_LIMIT_S = 25.0
_COMPARING = 0.7  # of the time; the rest is for certificates and time-stamps
_NAMES_TOLD = 5


def validate_pdf(
    pdf: Data,
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
        with paused_collection():
            return run.judge()
    except Exception as error:  # the file's fault, whatever its class: never the caller's problem
        log.info("validation stopped: %s", type(error).__name__)
        return run.answer(Verdict.INDETERMINATE, say("internal"), (), "internal")


class _Run:
    """One file's validation."""

    def __init__(
        self,
        pdf: Data,
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
        self._removals = Removals()
        self._untouched = True  # so far nothing was changed after any signature but lawfully

    def answer(
        self,
        verdict: Verdict,
        summary: str,
        signatures: tuple[SignatureVerdict, ...],
        reason: FileReason,
    ) -> Validation:
        """Wrap an answer with what identifies the file."""
        return Validation(
            verdict=verdict,
            summary=summary,
            sha256=sha256_of(self._pdf).hexdigest(),
            size=len(self._pdf),
            signatures=signatures,
            messages=tuple(self._messages),
            reason=reason,
            checked_at=self._circumstances.now,
            online=self._circumstances.online,
        )

    def judge(self) -> Validation:
        """Open, find, judge, sum up."""
        if len(self._pdf) > MAX_SIZE:
            told = say("too_large", size=len(self._pdf), limit=MAX_SIZE)
            return self.answer(Verdict.INDETERMINATE, told, (), "too_large")
        opened = open_pdf(self._pdf)
        if isinstance(opened, Unreadable):
            return self._unreadable(opened)
        found = find_signatures(self._pdf, opened.reader.root)
        if not found:
            return self._unsigned(opened.reader)
        verdicts = self._judge_signatures(opened.reader, found[:MAX_SIGNATURES])
        if len(found) > MAX_SIGNATURES:
            self._messages.append(say("too_many", count=len(found), limit=MAX_SIGNATURES))
            return self.answer(Verdict.INDETERMINATE, self._messages[-1], verdicts, "too_many")
        return self._sum_up(verdicts)

    def _unreadable(self, opened: Unreadable) -> Validation:
        """Not a PDF at all, or a broken one, which may once have been signed."""
        reason: FileReason = "decode_limit" if opened.decode_limit else "unreadable"
        if b"%PDF-" not in self._pdf[:HEADER_WINDOW]:
            reason = "not_a_pdf"
        elif self._pdf.find(b"/ByteRange") >= 0:
            self._messages.append(say("traces"))
        return self.answer(Verdict.INDETERMINATE, say(reason), (), reason)

    def _unsigned(self, reader: PdfFileReader) -> Validation:
        """No signature: a stamp's picture on the page must not be taken for one."""
        removals = look_for_removals(self._pdf, [], (), self._deadline)
        if removals.reason or self._has_remains(reader):
            self._messages.append(say("detached_part"))
            reason: FileReason = removals.reason or "resaved"
            return self.answer(Verdict.INVALID, removals.sentence or say("resaved"), (), reason)
        empty = [field.name for field in form_fields(reader.root) if field.kind == "/Sig"]
        if empty:
            self._messages.append(say("empty_fields", names=", ".join(empty[:_NAMES_TOLD])))
        self._messages.append(say("only_pictures"))
        return self.answer(Verdict.INDETERMINATE, say("no_signature"), (), "no_signature")

    def _has_remains(self, reader: PdfFileReader) -> bool:
        """Whether a signature was left behind that is none of this file any more."""
        if not has_loose_signature(self._pdf, reader, []):
            return False
        # a message authentication code has the file's only byte range (ISO/TS 32004)
        is_mac = self._pdf.find(b"/ByteRange") == self._pdf.rfind(b"/ByteRange")
        return not (is_mac and "/AuthCode" in reader.trailer_view)

    def _judge_signatures(
        self, reader: PdfFileReader, found: list[FoundSignature]
    ) -> tuple[SignatureVerdict, ...]:
        padded = [uses_padding(signature.value) for signature in found]
        old = [make_definite(signature.value) for signature in found]
        known = library_signatures(reader)
        read = [_try_read(reader, signature, known) for signature in found]
        for item, ber, used in zip(read, old, padded, strict=True):
            if isinstance(item, Judged):
                item.ber, item.padding_used = ber, used
        readable = [item for item in read if isinstance(item, Judged)]
        hash_signed_bytes(self._pdf, (judged.embedded for judged in readable))
        archives = tuple(j.revision for j in readable if j.found.is_timestamp)
        data = read_validation_data(reader, archives)
        if self._fresh is not None:
            data = data.with_fresh(self._fresh.ocsps, self._fresh.crls)
        followed = sum(j.revision < reader.xrefs.total_revisions - 1 for j in readable)
        comparing = self._deadline.share(_COMPARING)
        policy = validation_policy(self._roots, StrictPolicy(comparing, followed))
        stamps = [judged for judged in readable if judged.found.is_timestamp]
        desk = _Desk(
            policy=policy,
            moments=ProvenMoments(stamps, policy, self._circumstances.now),
            data=data,
            changes=ChangeJudge(self._pdf, reader, self._allowed_fields, comparing),
            account=Account(reader, acts_in_order(readable)),
        )
        for judged in readable:
            self._verify(judged)
        self._removals = look_for_removals(self._pdf, found, readable, self._deadline)
        self._messages.extend(filter(None, (*self._removals.told, self._removals.sentence)))
        try:
            return _run_to_end(self._judge_all(read, desk))
        finally:
            desk.changes.close()

    async def _judge_all(
        self, read: list[Judged | SignatureVerdict], desk: _Desk
    ) -> tuple[SignatureVerdict, ...]:
        return tuple(
            [
                item if isinstance(item, SignatureVerdict) else await self._judge_one(item, desk)
                for item in read
            ]
        )

    def _verify(self, judged: Judged) -> None:
        """The cheap half of integrity, for all signatures before anything that may take long."""
        try:
            verify_signature(judged)
        except Exception as error:  # whatever a library raises, this one signature is undecided
            log.info("signature not verified: %s", type(error).__name__)

    async def _judge_one(self, judged: Judged, desk: _Desk) -> SignatureVerdict:
        try:
            self._deadline.check()
            judge_changes(judged, desk.policy, desk.changes)
            judged.later = desk.account.after(judged.revision) + judged.changes.told
            self._untouched &= judged.changes.verdict is ChangeVerdict.ACCEPTED
            known = desk.data.with_signed(judged.embedded.signer_info)
            await check_trust(judged, desk.policy, known, self._circumstances.now)
            await check_past(judged, desk.policy, known, desk.moments)
            seek_anchor(judged, known, self._roots)
            settle_time(judged, self._circumstances.now)
            return verdict_of(judged, known, self._circumstances)
        except OutOfTime:
            self._untouched = False
            return interrupted_verdict(judged)
        except Exception as error:  # whatever a library raises, this one signature is undecided
            log.info("signature not judged: %s", type(error).__name__)
            return unfinished_verdict(judged.found, "internal")

    def _sum_up(self, verdicts: tuple[SignatureVerdict, ...]) -> Validation:
        """The worst verdict is the file's; the first one with it gives the reason."""
        removals = self._removals
        for verdict in (Verdict.INVALID, Verdict.INDETERMINATE):
            if verdict is Verdict.INDETERMINATE and removals.reason:
                told = say("indeterminate", reason=removals.sentence)
                return self.answer(verdict, told, verdicts, removals.reason)
            for judged in verdicts:
                if judged.verdict is verdict:
                    intact = verdict is Verdict.INDETERMINATE and self._is_intact(verdicts)
                    code = "indeterminate_intact" if intact else verdict.value
                    summary = say(code, reason=judged.messages[0])
                    reason = cast("SignatureReason", judged.reason)  # of an ``Outcome``
                    return self.answer(verdict, summary, verdicts, reason)
        signers = sum(1 for v in verdicts if v.level is not None) or len(verdicts)
        return self.answer(Verdict.VALID, say("valid", count=signers), verdicts, "intact")

    def _is_intact(self, verdicts: tuple[SignatureVerdict, ...]) -> bool:
        """Whether integrity is beyond doubt, whatever is open about algorithm, trust and time."""
        return self._untouched and all(verdict.integrity for verdict in verdicts)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every signature of one file is judged with."""

    policy: PdfSignatureValidationSpec
    data: ValidationData
    changes: ChangeJudge
    account: Account
    moments: ProvenMoments


def _try_read(
    reader: PdfFileReader, found: FoundSignature, known: dict[str, EmbeddedPdfSignature]
) -> Judged | SignatureVerdict:
    try:
        judged = read_signature(reader, found, known.get(found.field.name))
        signer_name(judged)  # asked for in every account: a name that cannot be read shows here
    except BrokenSignature as broken:
        return broken_verdict(found, broken.code)
    except UnsupportedAlgorithm as unsupported:
        return unfinished_verdict(found, "unsupported_algorithm", name=unsupported.name)
    except Exception as error:  # an element deep inside that no ASN.1 type allows
        log.info("signature not readable: %s", type(error).__name__)
        return broken_verdict(found, "broken_cms")
    return judged


def _run_to_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Run the engine's coroutines, also when the caller already sits in an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
