"""Routes of confirmations: withdrawing one, providers' callbacks, the desktop signer's addresses.

Callbacks and hand-offs are not of the API: a provider and a desktop program speak there, each in
its own form. Nothing of a callback is looked at before the signing service verified its raw bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import structlog
from aiohttp import web

from gateway.documents.answers import RequestAnswer
from gateway.documents.confirmations.decisions import Decision, Decisions, Finding
from gateway.documents.confirmations.hand_off import HandOffDesk
from gateway.documents.confirmations.hearing import Report
from gateway.documents.confirmations.tickets import Tickets
from gateway.documents.confirmations.withdrawals import Withdrawals
from gateway.documents.request_http import actor_of
from gateway.foundation.bodies import read_limited
from gateway.foundation.metrics import Metrics
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.uploads import read_upload
from gateway.foundation.web import Call, Page, Reply, Route
from signing.contract import RemoteSignatures, SigningError

_log = structlog.get_logger(__name__)

MAX_CALLBACK = 1024 * 1024  # a batch's signatures come in one callback
_ENVELOPE = 64 * 1024
FORM = "application/x-www-form-urlencoded"


def withdrawal_routes(withdrawals: Withdrawals) -> list[Route | Page]:
    """``POST /v1/signature-requests/{id}/cancel-signing``."""

    async def cancel(call: Call[None]) -> Reply:
        actor, request_id = actor_of(call), call.path("id")
        reply = await call.once(lambda c: Reply(withdrawals.withdraw(c, actor, request_id)))
        withdrawals.announce()
        return reply

    return [
        Route("POST", "/v1/signature-requests/{id}/cancel-signing", cancel, "documents:sign",
              "Withdraw a confirmation that is being waited for", reply=RequestAnswer,
              idempotent=True),
    ]  # fmt: skip


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the provider's application shows about a sending whose outcome is unknown."""

    finding: Literal["not_there", "signed_but_lost"]
    note: Annotated[str, msgspec.Meta(min_length=10, max_length=500)]


def decision_routes(decisions: Decisions) -> list[Route | Page]:
    """``POST /v1/signature-requests/{id}/decide-signing``."""

    async def decide(call: Call[DecisionBody]) -> Reply:
        decision = Decision(Finding(call.body.finding), call.body.note)
        actor, request_id = actor_of(call), call.path("id")
        return await call.once(lambda c: Reply(decisions.decide(c, actor, request_id, decision)))

    return [
        Route("POST", "/v1/signature-requests/{id}/decide-signing", decide, "documents:sign",
              "Say what became of a confirmation whose outcome is unknown", body=DecisionBody,
              reply=RequestAnswer, idempotent=True),
    ]  # fmt: skip


def callback_pages(remote: RemoteSignatures, tickets: Tickets, metrics: Metrics) -> list[Page]:
    """``/callbacks/signing/{key}``: providers tell what became of a ticket.

    Some ask for a token with GET: what stands in its address is read as the form it is.
    """

    async def told(request: web.Request) -> web.Response:
        key = request.match_info["key"]
        body = await read_limited(request, MAX_CALLBACK)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not body and request.rel_url.raw_query_string:
            body, headers["content-type"] = request.rel_url.raw_query_string.encode(), FORM
        try:
            said = await remote.read_callback(key, headers, body)
        except SigningError as error:
            metrics.callbacks.labels("signing", "refused").inc()
            _log.warning("signing_callback_refused", reason=error.code)
            raise _refusal(error) from error
        report = Report(
            "callback",
            said.state,
            said.provider_reference,
            said.detail,
            signatures=said.signatures,
        )
        known = await tickets.told(key, said.reference, report)
        metrics.callbacks.labels("signing", "stored" if known else "unknown").inc()
        return web.Response(body=said.reply, headers={"Content-Type": said.reply_type})

    path = "/callbacks/signing/{key}"
    return [
        Page("POST", path, told, MAX_CALLBACK),
        Page("GET", path, told, MAX_CALLBACK, looked_at=False),
    ]


def _refusal(error: SigningError) -> Problem:
    if error.code == "unknown_credential":
        return not_found("địa chỉ này")
    if error.code == "callback_refused":
        return Problem("callback_refused")
    return Problem("signing_unavailable", headers={"Retry-After": "5"})


def hand_off_pages(desk: HandOffDesk, upload_limit: int) -> list[Page]:
    """What the desktop signer calls: the file, and where it brings it back."""

    async def download(request: web.Request) -> web.StreamResponse:
        pdf = await desk.download(request.match_info["token"])
        headers = {"Content-Type": "application/pdf"}
        if isinstance(pdf, bytes):
            return Reply(raw=pdf, headers=headers).response()
        headers["Content-Length"] = str(pdf.size)
        return Reply(pieces=pdf.chunks, headers=headers).response()

    async def upload(request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            async with desk.spool() as spool:
                file = await read_upload(request, upload_limit, any_name=True, spool=spool)
                accepted = await desk.upload(token, file.file or file.content)
        except Problem as problem:
            if problem.code in ("not_found", "body_too_large"):
                raise
            # The program shows the official our sentence only in an answer of its own form.
            return _said(holds=False, message=problem.document("vi", "")["detail"])
        path = desk.address_of(accepted)
        return _said(holds=True, message="Đã nhận văn bản đã ký.", name=accepted.name, server=path)

    return [
        Page("GET", "/hand-offs/{token}/van-ban.pdf", download),
        Page("POST", "/hand-offs/{token}/upload", upload, upload_limit + _ENVELOPE),
    ]


def _said(*, holds: bool, message: str, name: str = "", server: str = "") -> web.Response:
    answer = {"Status": holds, "Message": message, "FileName": name, "FileServer": server}
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
