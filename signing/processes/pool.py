"""The signing service as a pool of processes: keys and PDF parsing stay out of the web process.

Owns which child does which job and what is remembered of files. A lost child loses nothing: its
result was not stored, so the caller is told that nothing was signed. Leaves the children themselves
to ``crews`` and the work to ``signing.service`` in the child.

Children are of four kinds. *Readers* have no keys and the kernel's limits on memory and CPU; files
from strangers are inspected, judged and copied there. *Signers* hold the keys and are only given
files that a reader found nothing against. *Talkers* speak with the providers of remote keys. An
*archivist*, without keys, waits for the services whose proof is appended later.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from signing.clock import SystemClock
from signing.contract import (
    Attestation,
    Attested,
    Clock,
    Credential,
    DocumentNumber,
    DocumentSurvey,
    FetchedList,
    Inspection,
    Placement,
    Prepared,
    RemoteItem,
    RemoteState,
    RevocationFinding,
    Role,
    SignedPdf,
    SignedPieces,
    SignerConfig,
    SigningError,
    SigningUnavailable,
    SignOrder,
    Ticket,
    Told,
    Validation,
)
from signing.key_config import REMOTE_KINDS
from signing.processes.answers import OnTrips
from signing.processes.clean_files import CleanFiles
from signing.processes.crews import Crew
from signing.processes.digests import digest_of, named
from signing.processes.large_files import LargeFileJobs
from signing.processes.limits import Limits
from signing.processes.signer import TALK, serve, serve_talk, whole
from signing.processes.surveys import Surveys
from signing.processes.unfinished import is_unfinished, unfinished_inspection, unfinished_validation
from signing.processes.workers import Main, Worker

_GRACE_S = 15.0  # for a reader to stop by itself, and to start when it must
_TALKERS = 4  # started when they are needed; they wait for providers, and hold no PDF library
_AHEAD = 6  # jobs that lie ready for a signer at work: more than it signs between two looks
_CALLERS = 4  # likewise; each is one service's call, and only holds such keys
_CALLING = ("sign", "sign_file", "prepare", "prepare_file", "try_key")  # the order comes first
_LOST_CHILD = ("signer_timeout", "signer_died", "internal_error")
_MAYBE_SENT = "Chưa rõ yêu cầu đã đến dịch vụ ký số hay chưa; đang hỏi lại, không gửi lần hai."


class SignerPool(LargeFileJobs):
    """``Signatures`` and ``LargeFiles`` over child processes; close it when done.

    Args:
        config: what each signer is given; passed over a pipe, never in arguments or environment.
        workers: how many signers, each with its own copy of the keys, and as many readers.
        job_limit_s: wall clock for one job of a signer, waiting for time-stamps included.
        clock: a picklable clock; the system's by default.
        reading: what one file may cost a reader.
        signing: what one job may cost a signer; without it, only ``job_limit_s`` holds.
        on_trips: is told which time-stamping authorities each job asked, and how that went.

    Children keep together to each authority's limit of requests at once: through lock files in a
    folder of the pool's own, or in ``config.timestamp_slots``, which other pools of the same
    machine may share. Pools with different folders, and other machines, are not counted.
    """

    def __init__(
        self,
        config: SignerConfig,
        workers: int = 1,
        *,
        job_limit_s: float = 240.0,
        clock: Clock | None = None,
        reading: Limits | None = None,
        signing: Limits | None = None,
        on_trips: OnTrips | None = None,
    ) -> None:
        self._limit_s = job_limit_s
        self._reading = reading or Limits()
        self._clean = CleanFiles()
        self._surveys = Surveys()
        self._validation_limit_s = min(job_limit_s, config.validation_limit_s + _GRACE_S)
        self._slots: TemporaryDirectory[str] | None = None
        self._closed = False
        self._config = config
        keyless = dataclasses.replace(config, keys=(), state_secrets=())
        self._clock = watch = clock or SystemClock()

        def crew(name: str, given: SignerConfig, main: Main, count: int, ahead: int = 0) -> Crew:
            workers = [Worker(name, given, watch, main) for _ in range(count)]
            return Crew(workers, on_trips, ahead=ahead)

        count = max(1, workers)
        self._signers = crew("signer", config, partial(serve, limits=signing), count, _AHEAD)
        kept = tuple(key for key in config.keys if key.kind in REMOTE_KINDS)
        self._at_services = frozenset(key.name for key in kept)
        calling = dataclasses.replace(config, keys=kept)
        self._callers = crew("caller", calling, partial(serve, limits=signing), _CALLERS)
        self._readers = crew("reader", keyless, partial(serve, limits=self._reading), count)
        self._talkers = crew("talker", config, serve_talk, _TALKERS)
        self._archivists = crew("archivist", keyless, partial(serve, limits=self._reading), 1)

    @property
    def _workshops(self) -> tuple[Crew, ...]:
        """The crews that work on documents."""
        return self._signers, self._callers, self._readers, self._archivists

    async def __aenter__(self) -> SignerPool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The running children that were given keys."""
        return self._signers.pids + self._callers.pids + self._talkers.pids

    @property
    def reader_pids(self) -> tuple[int, ...]:
        """The running readers, which were given none."""
        return self._readers.pids

    async def close(self) -> None:
        """Wait for the jobs in flight, then end every child."""
        self._closed = True
        for crew in (*self._workshops, self._talkers):
            await crew.close()
        if self._slots is not None:
            self._slots.cleanup()

    async def credentials(self) -> tuple[Credential, ...]:
        """Every configured key that opens."""
        return cast("tuple[Credential, ...]", await self._run("credentials"))

    async def try_key(self, order: SignOrder) -> None:
        """Open the order's key and close it again, in a child with keys."""
        await self._run("try_key", order)

    async def inspect(self, pdf: bytes, repair: bool = True) -> Inspection:
        """Look before signing, in a reader; one that gives up is a finding."""
        digest = await digest_of(pdf)
        try:
            known = self._surveys.of(digest.hex())
            found = cast("Inspection", await self._read("inspect", pdf, repair, known is None))
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            return await asyncio.to_thread(unfinished_inspection, pdf, lost.code)
        survey, found = found.survey, await named(found, digest)
        if not found.blocked:
            clean = found.repaired.sha256 if found.repaired else found.sha256
            self._clean.add(bytes.fromhex(clean))
            if survey is not None and survey.sha256 == clean:
                self._surveys.keep(survey)
        return found

    async def sign(self, order: SignOrder) -> SignedPdf:
        """Sign in a child with keys, once a reader has seen the file."""
        sha256 = (await self._have_inspected(order.pdf)).hex()
        survey = None if order.role is Role.INVISIBLE else self._surveys.of(sha256)
        signed: SignedPdf = await self._run("sign", order, True, survey)
        self._surveys.carry(sha256, signed.sha256)
        return whole(order, signed)

    async def validate(
        self, pdf: bytes, allowed_fields: frozenset[str] = frozenset()
    ) -> Validation:
        """Judge every signature in a file, in a reader; one that costs too much stays undecided."""
        try:
            found = await self._read(
                "validate", pdf, allowed_fields, limit_s=self._validation_limit_s
            )
            return cast("Validation", found)
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            now = self._clock.now()
            return await asyncio.to_thread(unfinished_validation, pdf, lost.code, now)

    async def certificate_status(self, chain: Sequence[bytes]) -> RevocationFinding:
        """What the issuers say about the first of these certificates."""
        arguments = (tuple(chain),)
        found = await self._on(self._archivists, self._limit_s, "certificate_status", arguments)
        return cast("RevocationFinding", found)

    async def fetch_list(self, url: str) -> FetchedList:
        """Fetch a CRL anew and keep it for every child."""
        return cast("FetchedList", await self._on(self._archivists, 60.0, "fetch_list", (url,)))

    async def keep_list(self, url: str, raw: bytes, fetched_at: datetime) -> None:
        """Take a list that another machine fetched; the children find it in their folder."""
        arguments = (url, raw, fetched_at)
        await self._on(self._archivists, 60.0, "keep_list", arguments)

    async def take_apart(self, pdf: bytes) -> SignedPieces:
        """The pieces of a signed file, in a reader; nothing of one that costs too much."""
        try:
            return cast("SignedPieces", await self._read("take_apart", pdf))
        except SigningUnavailable as lost:
            if not is_unfinished(lost.code):
                raise
            return SignedPieces()

    async def check_number(
        self, pdf: bytes, number: DocumentNumber, placement: Placement | None = None
    ) -> None:
        """Look, in a reader, whether the document takes the number it is to be given."""
        survey = self._surveys.of((await digest_of(pdf)).hex())
        await self._read("check_number", pdf, number, placement, survey)

    async def attest(self, pdf: bytes, attestation: Attestation) -> Attested:
        """Make the copy that will be certified, in a reader."""
        return cast("Attested", await self._read("attest", pdf, attestation))

    async def _have_inspected(self, pdf: bytes) -> bytes:
        """Let nothing near a key that no reader has found clean; remembered by hash, as given.

        Raises:
            DocumentRefused: the finding that forbids signing.
        """
        digest = await digest_of(pdf)
        if digest not in self._clean:
            (await self.inspect(pdf, repair=False)).refuse_if_blocked()
        return digest

    async def prepare(self, order: SignOrder) -> Prepared:
        """Write the revision for a key that is confirmed elsewhere."""
        sha256 = (await self._have_inspected(order.pdf)).hex()
        survey = None if order.role is Role.INVISIBLE else self._surveys.of(sha256)
        prepared = cast("Prepared", await self._run("prepare", order, True, survey))
        await self._carry(survey, prepared)
        return prepared

    async def start(self, credential: str, reference: str, items: tuple[RemoteItem, ...]) -> Ticket:
        """Send once; when the child is lost over it, it may have sent: the outcome is unknown."""
        try:
            return cast("Ticket", await self._run("start", credential, reference, items))
        except SigningError as error:
            if error.code not in _LOST_CHILD:
                raise
            return Ticket(credential, reference, RemoteState.UNKNOWN, detail=_MAYBE_SENT)

    async def ask(self, ticket: Ticket) -> Ticket:
        """What became of it; the same ticket when the child is lost over the question."""
        return await self._run_about(ticket, "ask")

    async def cancel(self, ticket: Ticket) -> Ticket:
        """Withdraw it; the same ticket when the child is lost over it."""
        return await self._run_about(ticket, "cancel")

    async def _run_about(self, ticket: Ticket, job: str) -> Ticket:
        try:
            return cast("Ticket", await self._run(job, ticket))
        except SigningError as error:
            if error.code not in _LOST_CHILD:
                raise
            return ticket

    async def read_callback(self, credential: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Verify and read what a provider pushed."""
        told = await self._run("read_callback", credential, dict(headers), body)
        return cast("Told", told)

    async def finish(self, prepared: Prepared, signature: bytes) -> SignedPdf | Prepared:
        """Embed a raw signature that verifies."""
        survey = self._surveys.of((await digest_of(prepared.pdf)).hex())
        made = await self._run("finish", prepared, signature, survey)
        await self._carry(survey, made)
        return cast("SignedPdf | Prepared", made)

    async def _carry(self, survey: DocumentSurvey | None, made: SignedPdf | Prepared) -> None:
        """What is known of a file's pages holds of the file that it became."""
        if survey is not None:
            self._surveys.carry(survey.sha256, (await digest_of(made.pdf)).hex())

    async def accept_hand_off(self, order: SignOrder, signed: bytes) -> SignedPdf:
        """Prove a file that a desktop program signed."""
        for pdf in (order.pdf, signed):
            await self._have_inspected(pdf)
        return cast("SignedPdf", await self._run("accept_hand_off", order, signed))

    async def _run(self, job: str, *arguments: Any) -> Any:
        """One job on the next free signer, caller or talker.

        Raises:
            SigningError: the child's refusal.
            SigningUnavailable: ``signer_timeout``, ``signer_died``, ``signer_closed``.
        """
        crew = self._talkers if job in TALK else self._signers
        if job in _CALLING and arguments[0].credential in self._at_services:
            crew = self._callers
        return await self._on(crew, self._limit_s, job, arguments)

    async def _read(self, job: str, *arguments: Any, limit_s: float | None = None) -> Any:
        """One job on the next free reader; raises as ``_run`` does."""
        limit_s = self._reading.seconds if limit_s is None else limit_s
        return await self._on(self._readers, limit_s, job, arguments)

    async def _on(self, crew: Crew, limit_s: float, job: str, arguments: tuple[Any, ...]) -> Any:
        if self._closed:
            raise SigningUnavailable(
                "signer_closed", "Bộ phận ký số đã dừng.", "the signer pool is closed"
            )
        self._share_slots()
        return await crew.run(limit_s, job, arguments)

    def _share_slots(self) -> None:
        """Make the children's folders before the first one starts, unless they are configured."""
        if self._slots is not None:
            return
        given = {
            "timestamp_slots": self._config.timestamp_slots,
            "revocation_folder": self._config.revocation_folder,
        }
        if not all(given.values()):
            self._slots = TemporaryDirectory(prefix="motcua-shared-")
            for name, configured in given.items():
                folder = configured or Path(self._slots.name) / name
                Path(folder).mkdir(mode=0o700, exist_ok=True)
                given[name] = str(folder)
            for crew in self._workshops:
                crew.change(**given)
