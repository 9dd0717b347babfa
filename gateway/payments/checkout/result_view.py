"""The result page: one look for every state a payment can be in, and for a gateway in trouble.

Owns the table from state to tone, words and next steps (pages guide §5.3). Which state holds
is the payment's fold; where the money is comes in as the money line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from markupsafe import Markup

from gateway.foundation.money import format_amount
from gateway.frame.catalog import words
from gateway.frame.formats import time_element
from gateway.frame.layout import Frame
from gateway.payments.checkout.parts import MoneyLine, render


class ResultState(StrEnum):
    """What the result page says, one value a row of the guide's table."""

    CONFIRMING = "confirming"
    UNKNOWN = "unknown"
    PAID = "paid"
    PAID_LATE = "paid_late"
    PARTIAL = "partial"
    OVER = "over"
    REVIEW = "review"
    EXPIRED = "expired"
    CANCELLED_BY_PAYER = "cancelled_by_payer"
    CANCELLED_BY_AGENCY = "cancelled_by_agency"
    DECLINED = "declined"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """Everything the result page shows; which fields matter depends on ``state``.

    ``told_at`` is when the portal took the news; without it a paid page says it is being told
    (``tries``). ``due_by`` is the date of a promised refund or review.
    """

    frame: Frame
    state: ResultState
    money: MoneyLine
    code: str
    amount: int = 0
    provider: str = ""
    reference: str = ""
    paid_at: datetime | None = None
    told_at: datetime | None = None
    tries: int = 1
    retry_times: tuple[datetime, ...] = ()
    deadline: datetime | None = None
    accepted: bool = False
    rest: int = 0
    diff: int = 0
    due_by: datetime | None = None
    reason: str = ""
    refund_reference: str = ""
    account_tail: str = ""
    events_url: str = ""
    pay_url: str = ""
    retry_url: str = ""
    receipt_url: str = ""
    confirmation_url: str = ""
    portal_url: str = ""
    find_url: str = ""
    refund_account_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """A gateway in trouble, or stopped until ``closed_until``."""

    frame: Frame
    incident: str = ""
    retry_minutes: int = 5
    closed_until: datetime | None = None
    money: MoneyLine | None = None
    code: str = ""
    pay_url: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One link at the foot of the page; the first one is the primary button."""

    text: Markup
    url: str
    icon: str = ""


Say = Callable[..., Markup]
_LOOK = {
    ResultState.CONFIRMING: ("warn", "clock"),
    ResultState.UNKNOWN: ("warn", "clock"),
    ResultState.PAID: ("ok", "check"),
    ResultState.PAID_LATE: ("ok", "check"),
    ResultState.PARTIAL: ("warn", "warn"),
    ResultState.OVER: ("info", "info"),
    ResultState.REVIEW: ("warn", "clock"),
    ResultState.EXPIRED: ("neutral", "clock"),
    ResultState.CANCELLED_BY_PAYER: ("neutral", "info"),
    ResultState.CANCELLED_BY_AGENCY: ("neutral", "info"),
    ResultState.DECLINED: ("neutral", "cross"),
    ResultState.REFUNDING: ("info", "clock"),
    ResultState.REFUNDED: ("ok", "check"),
}
_ACTIONS: dict[ResultState, tuple[tuple[str, str, str], ...]] = {
    ResultState.CONFIRMING: (("refresh", "self", ""),),
    ResultState.UNKNOWN: (("refresh", "self", ""),),
    ResultState.PAID: (
        ("receipt", "receipt_url", "save"),
        ("confirmation", "confirmation_url", "save"),
    ),
    ResultState.PAID_LATE: (
        ("receipt", "receipt_url", "save"),
        ("confirmation", "confirmation_url", "save"),
    ),
    ResultState.PARTIAL: (("pay_rest", "pay_url", ""),),
    ResultState.OVER: (("refund_account", "refund_account_url", ""),),
    ResultState.EXPIRED: (("renew", "pay_url", ""), ("find", "find_url", "")),
    ResultState.CANCELLED_BY_PAYER: (("again", "pay_url", ""),),
    ResultState.DECLINED: (("retry", "retry_url", ""), ("other", "pay_url", "")),
}


def _paid(view: ResultView, say: Say) -> list[Markup]:
    if view.told_at is None:
        return [say("result.paid_untold", tries=view.tries)]
    time = time_element(view.told_at, view.frame.lang)
    return [say("result.paid", reference=view.reference, code=view.code, time=time)]


def _paid_late(view: ResultView, say: Say) -> list[Markup]:
    if view.paid_at is None or view.deadline is None:
        raise ValueError("a late payment has a time and a deadline")
    show = partial(time_element, lang=view.frame.lang)
    outcome = "paid_late_accepted" if view.accepted else "paid_late_review"
    late = say("result.paid_late", time=show(view.paid_at), deadline=show(view.deadline))
    return [late, say(f"result.{outcome}")]


def _unknown(view: ResultView, say: Say) -> list[Markup]:
    if len(view.retry_times) < 3:
        return [say("result.unknown_untimed")]
    first, second, last = view.retry_times[:3]
    show = partial(time_element, lang=view.frame.lang)
    clock = partial(show, form="clock")
    return [say("result.unknown", t1=clock(first), t2=clock(second), t3=show(last))]


def _dated(
    key: str, moment_of: str, field: str, form: str
) -> Callable[[ResultView, Say], list[Markup]]:
    """Say ``key`` with a moment in ``field``, or its undated variant when none is known."""

    def lines(view: ResultView, say: Say) -> list[Markup]:
        moment: datetime | None = getattr(view, moment_of)
        if moment is None:
            return [say(f"result.{key}_undated", reason=view.reason)]
        shown = time_element(moment, view.frame.lang, form)
        return [say(f"result.{key}", reason=view.reason, **{field: shown})]

    return lines


def _refund(view: ResultView, say: Say) -> list[Markup]:
    if not view.account_tail:
        return [say("result.refund_short", reference=view.refund_reference)]
    return [say("result.refund", reference=view.refund_reference, tail=view.account_tail)]


def _plain(key: str) -> Callable[[ResultView, Say], list[Markup]]:
    return lambda view, say: [say(f"result.{key}", provider=view.provider, reason=view.reason)]


_LINES: dict[ResultState, Callable[[ResultView, Say], list[Markup]]] = {
    ResultState.CONFIRMING: _plain("confirming"),
    ResultState.UNKNOWN: _unknown,
    ResultState.PAID: _paid,
    ResultState.PAID_LATE: _paid_late,
    ResultState.PARTIAL: _plain("partial"),
    ResultState.OVER: _dated("over", "due_by", "date", "day"),
    ResultState.REVIEW: _dated("review", "due_by", "date", "day"),
    ResultState.EXPIRED: _plain("expired"),
    ResultState.CANCELLED_BY_PAYER: _dated(
        "cancelled_by_payer", "deadline", "deadline", "sentence"
    ),
    ResultState.CANCELLED_BY_AGENCY: _plain("cancelled_by_agency"),
    ResultState.DECLINED: _plain("declined"),
    ResultState.REFUNDING: _refund,
    ResultState.REFUNDED: _refund,
}


def _title(view: ResultView, say: Say) -> Markup:
    show = partial(format_amount, language=view.frame.lang)
    return say(
        f"result.{view.state}_h1",
        amount=show(view.amount),
        rest=show(view.rest),
        diff=show(view.diff),
        provider=view.provider,
    )


def _actions(view: ResultView, say: Say) -> list[Action]:
    rest = format_amount(view.rest, view.frame.lang)
    wanted = (*_ACTIONS.get(view.state, ()), ("portal", "portal_url", ""))
    links = [
        (text, view.frame.path if place == "self" else getattr(view, place), sign)
        for text, place, sign in wanted
    ]
    if view.receipt_url:  # the legal biên lai makes the plain confirmation needless
        links = [link for link in links if link[0] != "confirmation"]
    return [
        Action(say(f"result.{text}", rest=rest), view.frame.link(url), sign)
        for text, url, sign in links
        if url
    ]


def render_result(view: ResultView) -> str:
    """Render the page that tells where a payment stands."""
    say = partial(words().text, view.frame.lang)
    tone, sign = _LOOK[view.state]
    context = {
        "view": view,
        "tone": tone,
        "sign": sign,
        "title": _title(view, say),
        "lines": _LINES[view.state](view, say),
        "actions": _actions(view, say),
        "money": view.money,
    }
    return render("result.html", view.frame, context)


def render_error(view: ErrorView) -> str:
    """Render trouble on our side; it never claims that no money was taken by itself."""
    lang = view.frame.lang
    say = partial(words().text, lang)
    if view.closed_until is not None:
        title = say("result.closed_h1", time=time_element(view.closed_until, lang))
        lines = [say("result.closed")]
    else:
        title = say("result.error_h1")
        lines = [say("result.error", incident=view.incident, minutes=view.retry_minutes)]
    retry = [Action(say("result.retry"), view.frame.link(view.pay_url))] if view.pay_url else []
    context = {"view": view, "title": title, "lines": lines, "actions": retry, "money": view.money}
    return render("error.html", view.frame, context)
