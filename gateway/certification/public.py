"""The public pages ``/v`` and ``/v/{token}``, as HTML or, by ``Accept``, as JSON.

Unknown, malformed and not yet issued codes get the same page with the same status. Follows the
pages guide §5.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from aiohttp import web

from gateway.certification import views
from gateway.certification.answers import Shower
from gateway.certification.rules import Status, printed_number, printed_volume
from gateway.certification.verification import Found, Verification
from gateway.certification.views import CheckOutcome, FileVerdict, Verdict
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import DatabaseUnavailable
from gateway.foundation.limits import RateLimiter
from gateway.foundation.problems import Problem
from gateway.foundation.uploads import read_upload
from gateway.foundation.web import Page
from gateway.frame.layout import Frame
from gateway.frame.security import page_response, wants_json
from signing.contract import Validation
from signing.contract import Verdict as FileJudgement

FILE_LIMIT = 20 * 1024 * 1024
_KIND = "Bản sao điện tử được chứng thực từ bản chính"
_OUTCOMES = {
    FileJudgement.VALID: CheckOutcome.YES,
    FileJudgement.INVALID: CheckOutcome.NO,
    FileJudgement.INDETERMINATE: CheckOutcome.OPEN,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is to be said, before its form is chosen."""

    verdict: Verdict
    status: int
    found: Found | None = None
    checks: tuple[tuple[str, CheckOutcome], ...] = ()
    file_verdict: FileVerdict | None = None
    problem: str = ""


def routes(
    verification: Verification,
    shower: Shower,
    clock: Clock,
    frame: Callable[[web.Request], Frame],
    *,
    limiter: RateLimiter | None = None,
    client: Callable[[web.Request], str] = lambda request: request.remote or "",
) -> list[Page]:
    """The public pages; ``client`` tells who asks (behind proxies), for the rate limit."""
    pages = _Pages(verification, shower, clock, frame)

    def limited(
        handler: Callable[[web.Request], Any],
    ) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if limiter is not None:
                await limiter.check(f"verify:{client(request)}")
            response: web.StreamResponse = await handler(request)
            return response

        return handle

    return [
        Page("GET", "/v", limited(pages.entry)),
        Page("GET", "/v/{token}", limited(pages.show)),
        # Larger bodies reach the handler too, which says so on its own page.
        Page("POST", "/v/{token}", limited(pages.check), max_body=2 * FILE_LIMIT),
    ]


class _Pages:
    def __init__(
        self,
        verification: Verification,
        shower: Shower,
        clock: Clock,
        frame: Callable[[web.Request], Frame],
    ) -> None:
        self._verification = verification
        self._shower = shower
        self._clock = clock
        self._frame = frame
        self._secure = shower.address("").startswith("https://")

    async def entry(self, request: web.Request) -> web.StreamResponse:
        code = request.query.get("code", "").strip()[:64]
        plain = "".join(c for c in code.lower() if c.isascii() and c.isalnum())
        if plain:
            raise web.HTTPSeeOther(self._make_frame(request).link(f"/v/{plain}"))
        view = views.EntryView(frame=self._make_frame(request), action="/v", code=code)
        return page_response(views.render_entry(view), secure=self._secure)

    async def show(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._verification.look_up(request.match_info["token"])
            return self._say(request, await self._judge(found))
        except DatabaseUnavailable:
            return self._say(request, _Answer(Verdict.DOWN, 503))

    async def check(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._verification.look_up(request.match_info["token"])
        except DatabaseUnavailable:
            return self._say(request, _Answer(Verdict.DOWN, 503))
        answer = await self._judge(found)
        if found is None:
            return self._say(request, answer)
        try:
            upload = await read_upload(request, FILE_LIMIT)
        except Problem as problem:
            if problem.code != "body_too_large" or wants_json(request):
                raise
            return self._say(request, replace(answer, problem="file_too_big", status=413))
        if b"%PDF-" not in upload.content[:1024]:
            return self._say(request, replace(answer, problem="not_pdf", status=422))
        said = FileVerdict(await self._verification.check_file(found, upload.content))
        return self._say(request, replace(answer, file_verdict=said))

    async def _judge(self, found: Found | None) -> _Answer:
        if found is None:
            return _Answer(Verdict.UNKNOWN, 404)
        judged = await self._verification.signatures(found)
        revoked = found.row.status == Status.REVOKED
        verdict = Verdict.REVOKED if revoked else Verdict.VALID
        if not revoked and judged is not None and judged.verdict is not FileJudgement.VALID:
            verdict = Verdict.UNCLEAR
        checks = (
            ("register", CheckOutcome.YES),
            ("status", CheckOutcome.NO if revoked else CheckOutcome.YES),
            *_signature_checks(found, judged),
        )
        return _Answer(verdict, 200, found, checks)

    # -------------------------------------------------------------- two forms

    def _say(self, request: web.Request, answer: _Answer) -> web.StreamResponse:
        if wants_json(request):
            body = msgspec.json.encode(self._document(answer))
            headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
            return web.Response(
                body=body,
                status=answer.status,
                content_type="application/json",
                headers=headers,
            )
        html = views.render_verification(self._view(request, answer))
        return page_response(html, status=answer.status, secure=self._secure)

    def _view(self, request: web.Request, answer: _Answer) -> views.VerificationView:
        frame = self._make_frame(request)
        found = answer.found
        if found is None:
            return views.VerificationView(
                frame=frame, verdict=answer.verdict, now=self._clock.now(), url=""
            )
        return views.VerificationView(
            frame=frame,
            verdict=answer.verdict,
            now=self._clock.now(),
            url=self._shower.address(found.row.token),
            facts=_facts(found),
            ending=_ending(found),
            checks=answer.checks,
            file_action=f"/v/{found.row.token}",
            file_verdict=answer.file_verdict,
            problem=answer.problem,
        )

    def _document(self, answer: _Answer) -> dict[str, Any]:
        document: dict[str, Any] = {
            "object": "certification_check",
            "verdict": answer.verdict.value,
            "checked_at": iso(self._clock.now()),
        }
        if answer.found is None:
            return document
        row, facts = answer.found.row, _facts(answer.found)
        document |= {
            "number": row.number,
            "book": row.book,
            "volume": printed_volume(row.volume, row.year),
            "agency": facts.agency,
            "signer": facts.signer,
            "signer_title": facts.signer_title,
            "certified_at": iso(facts.certified_at),
            "pages": facts.pages,
            "sha256": list(facts.hashes),
            "checks": {name: outcome.value for name, outcome in answer.checks},
            "revocation": _revocation(row),
        }
        if answer.file_verdict is not None:
            document["file"] = answer.file_verdict.value
        if answer.problem:
            document["problem"] = answer.problem
        return document

    def _make_frame(self, request: web.Request) -> Frame:
        # The path of a page that found nothing must not repeat what was typed.
        return replace(self._frame(request), service="verify.service")


def _signature_checks(
    found: Found, judged: Validation | None
) -> tuple[tuple[str, CheckOutcome], ...]:
    """Certifier, agency and time-stamp; open when they could not be judged."""
    issued = found.files[-1].signature_fields
    by_field = {s.field_name: s for s in judged.signatures} if judged is not None else {}
    person, agency = by_field.get(issued[0]), by_field.get(issued[-1])
    if person is None or agency is None:
        return tuple((name, CheckOutcome.OPEN) for name in ("person", "agency", "timestamp"))
    stamped = person.proven_time is not None and agency.proven_time is not None
    return (
        ("person", _OUTCOMES[person.verdict]),
        ("agency", _OUTCOMES[agency.verdict]),
        ("timestamp", CheckOutcome.YES if stamped else CheckOutcome.OPEN),
    )


def _facts(found: Found) -> views.Facts:
    row = found.row
    return views.Facts(
        kind=_KIND,
        number=printed_number(row.number),
        book=f"{printed_volume(row.volume, row.year)} - {row.book}",
        agency=row.agency_name,
        certified_at=row.issued_at,
        signer=row.certifier_name,
        signer_title=row.certifier_title,
        pages=row.pages,
        hashes=found.hashes,
    )


def _ending(found: Found) -> views.Ending | None:
    row = found.row
    if row.status != Status.REVOKED:
        return None
    return views.Ending(number=row.decision_number, at=row.revoked_at, body=row.agency_name)


def _revocation(row: Any) -> dict[str, str] | None:
    if row.status != Status.REVOKED:
        return None
    return {
        "decision_number": row.decision_number,
        "date": iso(row.revoked_at),
        "body": row.agency_name,
    }
