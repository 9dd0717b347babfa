"""The public page ``/t/{token}`` of a parcel, as HTML or, by ``Accept``, as JSON.

Owns what of a shipment everybody who holds its link may know: steps with times and places, the
expected day, failed deliveries. Names, telephone numbers, addresses, free words of postmen and
the dossier's whole code stay inside. Unknown and malformed links get the same page with the same
status. Follows the pages guide §5.6.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection, Row

from connectors.contract import Movement
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.limits import RateLimiter
from gateway.foundation.problems import Problem, not_found
from gateway.foundation.web import Page
from gateway.frame.catalog import words
from gateway.frame.layout import Frame
from gateway.frame.security import page_response, wants_json
from gateway.shipments import store
from gateway.shipments.carriers import Carriers
from gateway.shipments.movement import FINAL, GOING_BACK
from gateway.shipments.recording import Recorder
from gateway.shipments.rules import ShipmentState
from gateway.shipments.statuses import QuestionKind, ShipmentKind
from gateway.shipments.views import (
    Due,
    Step,
    TrackingView,
    render_tracking,
    render_unknown,
    waits_for,
)

FrameOf = Callable[[web.Request], Frame]
_TOKEN: Final = re.compile(r"[0-9a-z]{26}")
_TELEPHONE: Final = re.compile(r"\d(?:[\s.-]?\d){8,}")
_POST_OFFICE: Final = re.compile(r"\d{4,7}")
_LONGEST_LANE: Final = 100
_CONFLICTS: Final = frozenset({QuestionKind.CONFLICT, QuestionKind.REVIVED_AFTER_CANCEL})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


class TrackingPage:
    """Looks parcels up by their links and tells browsers where they are.

    Args:
        secure: Whether people reach us by https only.
        client: Who asks (behind proxies), for the rate limit.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        carriers: Carriers,
        recorder: Recorder,
        frame: FrameOf,
        *,
        secure: bool = False,
        limiter: RateLimiter | None = None,
        client: Callable[[web.Request], str] = lambda request: request.remote or "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._carriers = carriers
        self._recorder = recorder
        self._frame_of = frame
        self._secure = secure
        self._limiter = limiter
        self._client = client

    def pages(self) -> list[Page]:
        """What to mount."""
        return [Page("GET", "/t/{token}", self.show)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Where the parcel is.

        Raises:
            Problem: ``not_found`` for a link that leads nowhere, asked for as JSON.
        """
        if self._limiter is not None:
            await self._limiter.check(f"track:{self._client(request)}")
        frame = replace(self._frame_of(request), service="tracking.service")
        view = await self._find(request.match_info["token"], frame)
        if view is not None and wants_json(request):
            body = msgspec.json.encode(public_document(view, iso(self._clock.now())))
            return web.Response(body=body, content_type="application/json", headers=_HEADERS)
        if view is not None:
            return page_response(render_tracking(view), secure=self._secure)
        if wants_json(request):
            raise _nothing_here()
        return page_response(render_unknown(frame), status=404, secure=self._secure)

    async def _find(self, token: str, frame: Frame) -> TrackingView | None:
        def query(connection: Connection) -> TrackingView | None:
            row = store.find_by_token(connection, token)
            if row is None:
                return None
            state, _ = self._recorder.state_of(connection, row)
            return self._view(row, state, frame)

        # What cannot be a token never reaches a statement (PostgreSQL refuses some characters).
        return await self._database.read(query) if _TOKEN.fullmatch(token) else None

    def _view(self, row: Row[Any], state: ShipmentState, frame: Frame) -> TrackingView:
        steps = tuple(
            Step(
                at=happening.at,
                movement=happening.movement,
                place=public_place(happening.event.place if happening.event else "", row),
                ruled=happening.ruled,
            )
            for happening in state.history
            if happening.movement is not None
        )
        failed = state.movement is Movement.DELIVERY_FAILED
        due = self._due(row, state)
        return TrackingView(
            frame=replace(frame, reference=f"MC-{row.id[-8:].upper()}"),
            code_tail=row.reference[-4:],
            kind=ShipmentKind(row.kind),
            carrier=self._carriers.title(row.carrier),
            movement=state.movement,
            created_at=row.created_at,
            item_code=row.tracking_number or "",
            steps=steps[-_LONGEST_LANE:],
            due=due,
            due_at=row.due_at if due not in {Due.NONE, Due.NOT_YET} else None,
            failed_at=steps[-1].at if failed and steps else None,
            failed_attempts=state.failed_attempts,
            disputed=any(question.kind in _CONFLICTS for question in state.questions),
        )

    def _due(self, row: Row[Any], state: ShipmentState) -> Due:
        if state.is_over or state.movement in GOING_BACK | FINAL or not row.scope:
            return Due.NONE
        if row.due_at is None:
            return Due.NOT_YET if row.accepted_at is None else Due.NONE
        if state.due_paused:
            return Due.PAUSED
        return Due.OVERDUE if self._clock.now() > row.due_at else Due.EXPECTED


def public_document(view: TrackingView, checked_at: str) -> dict[str, Any]:
    """The facts of the page as data, in the page's language."""
    lang = view.frame.lang

    def said(movement: Movement) -> str:
        return words().plain(lang, f"tracking.is_{movement}")

    return {
        "object": "tracking",
        "reference_tail": view.code_tail,
        "kind": view.kind.value,
        "carrier": view.carrier,
        "tracking_number": view.item_code or None,
        "movement": view.movement.value,
        "text": said(view.movement),
        "waits_for": waits_for(view.movement) or None,
        "due": view.due.value,
        "due_at": iso(view.due_at) if view.due_at else None,
        "failed_attempts": view.failed_attempts,
        "disputed": view.disputed,
        "created_at": iso(view.created_at),
        "events": [
            {
                "at": iso(step.at),
                "movement": step.movement.value,
                "text": said(step.movement),
                "place": step.place,
                "source": "agency" if step.ruled else "carrier",
            }
            for step in view.steps
        ],
        "checked_at": checked_at,
    }


def public_place(place: str, row: Row[Any]) -> str:
    """A place as everybody may read it; empty when it names a person, a door or a telephone.

    Places are post offices, but people type them too.
    """
    shown = " ".join(place.split())
    if not shown or _TELEPHONE.search(shown):
        return ""
    plain = _plain(shown)
    if any(private in plain for private in _private_words(row)):
        return ""
    return f"Bưu cục {shown}" if _POST_OFFICE.fullmatch(shown) else shown


def _private_words(row: Row[Any]) -> Iterator[str]:
    for party in (row.sender, row.recipient, row.proxy or {}):
        texts = (party.get("name"), (party.get("address") or {}).get("line"))
        yield from (_plain(text) for text in texts if text and text.strip())


def _plain(text: str) -> str:
    """Without marks and capitals, so that no spelling hides a name."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def _nothing_here() -> Problem:
    found = not_found("bưu gửi này")
    return replace(found, headers={"X-Robots-Tag": "noindex"})
