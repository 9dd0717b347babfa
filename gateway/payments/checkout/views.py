"""Pages of paying: checkout, QR, handing over, confirmation, and what replaces them.

Owns the values each page needs and turns them into HTML, purely. Leaves routes and forms to
``pages.py``, the money line's choice to ``money_line.py``. Follows the pages guide §5.1–5.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from gateway.frame.formats import masked_name
from gateway.frame.layout import Frame, Problem
from gateway.frame.security import FormTicket
from gateway.payments.checkout.parts import MoneyLine, render
from gateway.payments.checkout.qr_image import qr_svg
from gateway.payments.checkout.result_view import (
    ErrorView,
    ResultState,
    ResultView,
    render_error,
    render_result,
)

__all__ = [
    "CheckoutView",
    "ErrorView",
    "FeeLine",
    "HandoverView",
    "Method",
    "MoneyLine",
    "QrView",
    "ReceiptView",
    "ResultState",
    "ResultView",
    "render_checkout",
    "render_error",
    "render_handover",
    "render_not_found",
    "render_qr",
    "render_receipt",
    "render_result",
]

_KIND_ORDER = ("fee", "levy", "shipping", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeLine:
    """One charged item. ``base_amount`` is the full rate when a reduction lowered it."""

    name: str
    kind: str
    amount: int
    quantity: int = 1
    unit_amount: int | None = None
    base_amount: int | None = None
    reduction: str = ""
    basis: str = ""


def _grouped(items: tuple[FeeLine, ...]) -> list[tuple[str, list[FeeLine]]]:
    """Keep phí, lệ phí and postage apart: they are receipted apart."""
    by_kind = sorted(items, key=lambda item: _KIND_ORDER.index(item.kind))
    return [(kind, list(lines)) for kind, lines in groupby(by_kind, lambda item: item.kind)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to pay. ``host`` is set when paying happens on another party's page."""

    value: str
    name: str
    hint: str = ""
    provider: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutView:
    """Everything the checkout page shows. ``problems`` are finished sentences in its language."""

    frame: Frame
    money: MoneyLine
    code: str
    total: int
    items: tuple[FeeLine, ...]
    action: str
    ticket: FormTicket
    methods: tuple[Method, ...] = ()
    procedure: str = ""
    payer_name: str = ""
    check_code: str = ""
    deadline: datetime | None = None
    refund_rule: str = ""
    helper_url: str = ""
    for_helper: bool = False
    portal_url: str = ""
    zero_basis: str = ""
    chosen: str = ""
    problems: tuple[str, ...] = ()


def render_checkout(view: CheckoutView) -> str:
    """Render "choose how to pay"; a helper payer sees neither names nor the whole code."""
    code = f"…{view.code[-4:]}" if view.for_helper else view.code
    first = f"method-{view.methods[0].value}" if view.methods else "main"
    return render(
        "checkout.html",
        view.frame,
        {
            "view": view,
            "code": code,
            "payer": "" if view.for_helper else masked_name(view.payer_name),
            "procedure": "" if view.for_helper else view.procedure,
            "groups": _grouped(view.items),
            "problems": [Problem(first, text) for text in view.problems],
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QrView:
    """Everything the QR page shows; ``expired`` removes the code and the account at once.

    ``renew_fields`` are posted to ``renew_url`` beside the ticket for a new code.
    """

    frame: Frame
    money: MoneyLine
    code: str
    amount: int
    recipient: str
    bank: str
    account_number: str
    memo: str
    payload: str
    expires_at: datetime
    seconds_left: int
    check_url: str
    renew_url: str
    change_url: str
    ticket: FormTicket
    image_url: str = ""
    events_url: str = ""
    checked_at: datetime | None = None
    expired: bool = False
    renew_fields: Mapping[str, str] = field(default_factory=dict)
    bank_links: tuple[tuple[str, str], ...] = ()


def render_qr(view: QrView) -> str:
    """Render the transfer page, phone order in the source, two columns on wide screens."""
    expired = view.expired or view.seconds_left <= 0
    return render(
        "qr.html",
        view.frame,
        {
            "view": view,
            "expired": expired,
            "minutes": max(1, round(view.seconds_left / 60)),
            "qr": None if expired else qr_svg(view.payload),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverView:
    """The page between ours and the provider's: a plain link, nothing automatic."""

    frame: Frame
    money: MoneyLine
    code: str
    amount: int
    provider: str
    host: str
    url: str
    change_url: str


def render_handover(view: HandoverView) -> str:
    """Render "you will go to …" (a form may not redirect to another host under our CSP)."""
    if not view.url.startswith(("https://", "http://")):
        raise ValueError("a handover needs a web address")
    return render("handover.html", view.frame, {"view": view})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """A plain payment confirmation; the legal biên lai is the agency's."""

    frame: Frame
    money: MoneyLine
    number: str
    code: str
    payer_name: str
    items: tuple[FeeLine, ...]
    total: int
    method: str
    reference: str
    paid_at: datetime
    back_url: str
    procedure: str = ""
    pdf_url: str = ""
    pdf_size_kb: int = 0


def render_receipt(view: ReceiptView) -> str:
    """Render the payment confirmation, ready to be printed."""
    return render("receipt.html", view.frame, {"view": view, "groups": _grouped(view.items)})


def render_not_found(frame: Frame) -> str:
    """Render the same page for every link that is unknown, malformed or worn out."""
    return render("missing.html", frame, {})
