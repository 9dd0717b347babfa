"""Hand-offs: the official's own desktop program fetches the file, signs it and brings it back.

For the signer of Ban Cơ yếu Chính phủ (VGCASignService): it GETs ``FileName``, signs with the
token at the official's desk, and POSTs the result to ``FileUploadHandler`` (as seen in public
integrations of ``vgcaplugin.js``; the vendor publishes no specification). The two addresses are
unguessable, live for a while, and stand in the database as hashes only; they follow from the act
and our secret, so that a repeated call is answered with the same ones. What comes back is believed
only after the signing service proved it (``HandOffs.accept_hand_off``).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from gateway.documents import request_store, steps
from gateway.documents.acts import Act
from gateway.documents.agency_acts import gives_number
from gateway.documents.answers import RequestAnswer, show_requests
from gateway.documents.authority import steps as step_authority
from gateway.documents.chancery import Chancery
from gateway.documents.confirmations import act_store
from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.answers import HandOffAnswer
from gateway.documents.confirmations.holding import hold_step
from gateway.documents.confirmations.large_acts import LargeRemoteActs, path_of
from gateway.documents.confirmations.refused_uploads import (
    WAITING,
    note_refused_upload,
    reason_of,
)
from gateway.documents.confirmations.rules import sentence
from gateway.documents.evidence.refused_acts import record_refused
from gateway.documents.steps import Intent, Result
from gateway.foundation.files import StoredFile
from gateway.foundation.ids import new_id
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.signing_problems import problem_of
from gateway.foundation.spools import Spool, SpooledFile
from gateway.webhooks.outbox import TOPIC
from signing.contract import (
    Confirmation,
    HandOffs,
    RemoteState,
    SigningError,
    SignOrder,
)

_log = structlog.get_logger(__name__)

_TOO_LATE = ("hand_off_gone", "signing_interrupted")
_UPLOADS = 20  # wrong files are refused, but not without end: each costs a verification
_FUNCTIONS = {
    "initial": "vgca_sign_approved",
    "person": "vgca_sign_approved",
    "agency": "vgca_sign_issued",
    "copy": "vgca_sign_copy",
    "annex": "vgca_sign_appendix",
}


@dataclass(frozen=True, slots=True)
class HandOffPolicy:
    """How long the addresses work, and how often the file may be fetched."""

    public_url: str
    secret: bytes
    lasts: timedelta = timedelta(hours=1)
    downloads: int = 3  # the first, and two more after a broken transfer


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that came back and was published."""

    document_id: str
    name: str


class HandOffDesk:
    """Steps that a desktop program signs."""

    def __init__(self, office: Chancery, hand_offs: HandOffs, policy: HandOffPolicy) -> None:
        self._office = office
        self._database = office.database
        self._clock = office.clock
        self._authority = office.authority
        self._hand_offs = hand_offs
        self._large = LargeRemoteActs(office)
        self._policy = policy

    # -------------------------------------------------------------- giving out

    async def take_over(self, intent: Intent, order: SignOrder, act: Act) -> None:
        """Hold the step for the official's desktop.

        Raises:
            Problem: ``signing_interrupted``.
        """
        await self._database.write(lambda c: self._store(c, intent, order, act))

    def _store(self, connection: Connection, intent: Intent, order: SignOrder, act: Act) -> None:
        act_id = new_id("act", self._clock)
        hold_step(
            connection,
            self._clock,
            self._authority,
            begun=(intent, order, act),
            wait=self._policy.lasts,
            id=act_id,
            confirmation=Confirmation.HAND_OFF,
            title=intent.request.reference,
            stage=Stage.WAITING,
            state=RemoteState.WAITING_USER,
            detail=WAITING,
            part=1,
            parts=1,
            download_hash=_hashed(self._token("download", act_id)),
            upload_hash=_hashed(self._token("upload", act_id)),
        )

    async def follow(self, act: Act) -> RequestAnswer:
        """The request with the addresses; not stored under the key, so no copy of them is kept."""

        def query(connection: Connection) -> RequestAnswer:
            row = request_store.find_request(connection, act.actor.tenant, act.request_id)
            live = act_store.live_act(connection, row.id, row.fence)
            answer = show_requests(connection, [row], self._clock.now())[0]
            if live is None or answer.confirmation is None:
                return answer
            step = request_store.steps_of(connection, [row.id])[row.id][live.position]
            shown = self._addresses(live.id, row, step)
            confirmation = msgspec.structs.replace(answer.confirmation, hand_off=shown)
            return msgspec.structs.replace(answer, confirmation=confirmation)

        return await self._database.read(query)

    def _addresses(self, act_id: str, row: Any, step: Any) -> HandOffAnswer:
        base = f"{self._policy.public_url.rstrip('/')}/hand-offs"
        download = f"{base}/{self._token('download', act_id)}/van-ban.pdf"
        upload = f"{base}/{self._token('upload', act_id)}/upload"
        number = row.document_number if gives_number(step) else None
        argument = {
            "FileUploadHandler": upload,
            "SessionId": "",
            "JWTToken": "",
            "FileName": download,
            "DocNumber": f"{number['number']}/{number['symbol']}" if number else "",
            "IssuedDate": f"{number['date']}T00:00:00+07:00" if number else "",
            "MetaData": [{"Key": "signature_request", "Value": row.id}],
        }
        return HandOffAnswer(
            download_url=download,
            upload_url=upload,
            function=_FUNCTIONS[step.role],
            argument=msgspec.json.encode(argument).decode(),
        )

    def _token(self, direction: str, act_id: str) -> str:
        """256 bits that nobody can guess without our secret, the same for the same act."""
        return hmac.digest(self._policy.secret, f"{direction} {act_id}".encode(), "sha256").hex()

    def address_of(self, accepted: Accepted) -> str:
        """Where the published file can be read with an API key."""
        base = self._policy.public_url.rstrip("/")
        return f"{base}/v1/documents/{accepted.document_id}/content"

    # -------------------------------------------------------------- fetching

    async def download(self, token: str) -> bytes | StoredFile:
        """The frozen bytes, a few times; what is large piece by piece.

        Raises:
            Problem: ``not_found``, ``hand_off_gone``.
        """

        def unit(connection: Connection) -> str:
            act = act_store.find_hand_off(connection, lock=True, download_hash=_hashed(token))
            if act is None:
                raise not_found("địa chỉ này")
            if not self._is_open(act) or act.downloads >= self._policy.downloads:
                raise Problem("hand_off_gone")
            act_store.change_act(connection, act.id, downloads=act.downloads + 1)
            return str(act.input_sha256)

        digest = await self._database.write(unit)
        content = await self._office.files.get_small(digest)
        return content if content is not None else await self._office.files.stream(digest)

    def _is_open(self, act: Any) -> bool:
        return bool(act.stage == Stage.WAITING and self._clock.now() < act.expires_at)

    # -------------------------------------------------------------- taking back

    async def upload(self, token: str, content: bytes | SpooledFile) -> Accepted:
        """Prove and publish what came back; the same file again is the same answer.

        A large file is where the caller spooled it; it is moved from there into the store.

        Raises:
            Problem: ``not_found``, ``hand_off_gone``, and what the signing service refuses.
        """
        digest = content.sha256 if isinstance(content, SpooledFile) else _sha256(content)
        found = await self._database.write(lambda c: self._expected(c, token, digest))
        if isinstance(found, Accepted):
            return found
        act = found
        try:
            intent = await self._database.write(lambda c: self._intent(c, act))
            result = await self._prove(intent, act, content)
            accepted = await self._database.write(lambda c: self._publish(c, act, result, digest))
        except (SigningError, Problem) as error:
            await self._refuse(act, content, error)
            raise problem_of(error) if isinstance(error, SigningError) else error from error
        self._office.count(intent, "signed")
        self._office.waker.wake(TOPIC)
        return accepted

    async def _prove(self, intent: Intent, act: Any, content: bytes | SpooledFile) -> Result:
        before = await self._office.files.get_small(act.input_sha256)
        order = steps.order_of(intent, before or b"", act.credential)
        if before is not None and isinstance(content, bytes):
            signed = await self._hand_offs.accept_hand_off(order, content)
            return await self._office.keep(before, signed, act.tenant)
        async with self._office.files.spool() as spool:
            path = await path_of(content, spool)
            return await self._large.accept(order, act, path)

    async def _refuse(
        self, act: Any, content: bytes | SpooledFile, error: SigningError | Problem
    ) -> None:
        """Keep the file and why it was not taken; one that only came too late is neither."""
        if error.code in _TOO_LATE:
            return
        _log.warning("hand_off_refused", request=act.request_id, reason=error.code)
        digest = await self._large.keep_upload(content)
        now = self._clock.now()

        def unit(connection: Connection) -> str:
            who = {"official": act.official, "credential": act.credential, "channel": "hand_off"}
            record_refused(connection, (act.tenant, act.request_id), who, error, now=now)
            return note_refused_upload(connection, self._clock, act, digest, reason_of(error))

        level = await self._database.write(unit)
        self._office.metrics.signatures.labels(level, "failed").inc()
        self._office.waker.wake(TOPIC)

    def spool(self) -> Spool:
        """Where a large file that comes back is written to while it arrives."""
        return self._office.files.spool()

    def _expected(self, connection: Connection, token: str, digest: str) -> Accepted | Any:
        """The act that a file is brought for, counting the tries; or what it was before."""
        act = act_store.find_hand_off(connection, lock=True, upload_hash=_hashed(token))
        if act is None:
            raise not_found("địa chỉ này")
        row = request_store.find_request(connection, act.tenant, act.request_id)
        if act.stage == Stage.PUBLISHED and act.upload_sha256 == digest:
            return _accepted(row)
        if not self._is_open(act) or act.tries >= _UPLOADS or row.fence != act.fence:
            raise Problem("hand_off_gone")
        act_store.change_act(connection, act.id, tries=act.tries + 1)
        return act

    def _intent(self, connection: Connection, act: Any) -> Intent:
        row = request_store.find_request(connection, act.tenant, act.request_id)
        found = request_store.steps_of(connection, [row.id])[row.id]
        now = self._clock.now()
        ruling = step_authority.require_step(connection, row, act.official, self._authority, now)
        return steps.read_intent(connection, row, found, act.fence, ruling.bindings)

    def _publish(
        self, connection: Connection, claimed: Any, result: Result, digest: str
    ) -> Accepted:
        row = request_store.find_request(connection, claimed.tenant, claimed.request_id, lock=True)
        act = act_store.find_act(connection, claimed.id, lock=True)
        if act.stage == Stage.PUBLISHED and act.upload_sha256 == digest:
            return _accepted(row)
        if act.stage != Stage.WAITING:
            raise Problem("hand_off_gone")
        found = request_store.steps_of(connection, [row.id])[row.id]
        intent = steps.read_intent(connection, row, found, act.fence)
        self._office.publish(connection, intent, result)
        act_store.change_act(
            connection,
            act.id,
            stage=Stage.PUBLISHED,
            state=RemoteState.DONE,
            detail=sentence(RemoteState.DONE, ""),
            upload_sha256=digest,
            ended_at=self._clock.now(),
            due_at=None,
        )
        return _accepted(row)


def _accepted(row: Any) -> Accepted:
    return Accepted(row.document_id, f"{row.document_id}.pdf")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hashed(token: str) -> str:
    return _sha256(token.encode())
