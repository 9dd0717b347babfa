"""The public tracking page: where one parcel is, as far as the post has told.

Owns the values of the page and its HTML, purely. Holds nothing personal: no names, telephone
numbers or addresses, and of the dossier's code only its end (pages guide §5.6). Leaves what is
shown of a shipment to ``public``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from connectors.contract import Movement
from gateway.frame.layout import Frame, page_templates, render_page
from gateway.shipments.statuses import ShipmentKind

_TEMPLATES = page_templates(Path(__file__).parent / "templates")


class Due(StrEnum):
    """What can be said about the day the post is expected to deliver."""

    EXPECTED = "expected"
    OVERDUE = "overdue"
    PAUSED = "paused"
    NOT_YET = "not_yet"  # counted from the moment the post takes the parcel
    NONE = "none"  # over, going back, or without a legal limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened; ``place`` is already fit for everybody's eyes."""

    at: datetime
    movement: Movement
    place: str = ""
    ruled: bool = False  # an official's decision rather than the post's word


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingView:
    """Everything the page shows; ``steps`` in the order in which they happened.

    ``created_at`` is when the agency ordered the delivery. ``failed_at`` is set while the last
    word is that nobody could be given the parcel. ``disputed``: something newer contradicts the
    end that is shown, and an official looks into it.
    """

    frame: Frame
    code_tail: str
    kind: ShipmentKind
    carrier: str
    movement: Movement
    created_at: datetime
    item_code: str = ""
    steps: tuple[Step, ...] = ()
    due: Due = Due.NONE
    due_at: datetime | None = None
    failed_at: datetime | None = None
    failed_attempts: int = 0
    disputed: bool = False


_OK = frozenset({Movement.DELIVERED})
_TROUBLED = frozenset(
    {
        *(Movement.DELIVERY_FAILED, Movement.AWAITING_COLLECTION, Movement.PICKUP_FAILED),
        *(Movement.ON_HOLD, Movement.EXCEPTION, Movement.LOST, Movement.DAMAGED),
        *(Movement.RETURN_PENDING, Movement.RETURNING, Movement.RETURNED),
        Movement.PARTIALLY_DELIVERED,
    }
)
_AGENCY_NEXT = frozenset(
    {
        *(Movement.DRAFT, Movement.SUBMITTING, Movement.UNKNOWN_OUTCOME, Movement.EXCEPTION),
        *(Movement.LOST, Movement.DAMAGED, Movement.PARTIALLY_DELIVERED, Movement.RETURNED),
    }
)
_OVER = frozenset({Movement.DELIVERED, Movement.CANCELLED})


def waits_for(movement: Movement) -> str:
    """Who has to act next: ``agency``, ``post``, ``recipient``, or nobody (empty)."""
    if movement in _OVER:
        return ""
    if movement is Movement.AWAITING_COLLECTION:
        return "recipient"
    return "agency" if movement in _AGENCY_NEXT else "post"


def render_tracking(view: TrackingView) -> str:
    """Render where a parcel is."""
    tone, sign = "info", "clock"
    if view.movement in _OK:
        tone, sign = "ok", "check"
    elif view.movement in _TROUBLED:
        tone, sign = "warn", "warn"
    elif view.movement is Movement.CANCELLED:
        tone, sign = "neutral", "cross"
    context = {
        "view": view,
        "tone": tone,
        "sign": sign,
        "waits_for": waits_for(view.movement),
        "contact": view.frame.contact,
    }
    return render_page(_TEMPLATES, "tracking.html", view.frame, context)


def render_unknown(frame: Frame) -> str:
    """Render the same page for every link that leads to no parcel, whatever is wrong with it."""
    return render_page(_TEMPLATES, "untracked.html", frame, {})
