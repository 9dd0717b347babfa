"""Fills the views of the pages of paying from a snapshot.

Owns which of our values goes where; leaves the choice of the page to ``state``, the views
that tell an outcome to ``result_values``, the words to the catalogue, the routes to ``pages``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from gateway.foundation.dates import local
from gateway.frame.layout import Frame
from gateway.frame.security import FormTicket
from gateway.payments.accounts import Accounts, Policy
from gateway.payments.checkout.parts import MoneyLine
from gateway.payments.checkout.qr_image import QrPicture
from gateway.payments.checkout.state import Snapshot
from gateway.payments.checkout.views import (
    CheckoutView,
    FeeLine,
    HandoverView,
    Method,
    QrView,
)
from gateway.payments.evidence_store import as_evidence
from gateway.payments.money_line import LineKey, money_line
from gateway.payments.rendering import check_code
from gateway.payments.statuses import Channel
from gateway.payments.texts import evidence_text, words_for

_GROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Names and help around every page; ``agencies`` are names by code."""

    agency: str = "Trung tâm Phục vụ hành chính công"
    province: str = ""
    phone: str = ""
    hours: str = ""
    agencies: Mapping[str, str] = field(default_factory=dict)
    banks: Mapping[str, str] = field(default_factory=dict)  # names by BIN
    hints: Mapping[str, str] = field(default_factory=dict)  # under a method, by account


class PageValues:
    """Views of one gateway's payments."""

    def __init__(self, policy: Policy, accounts: Accounts, place: Place) -> None:
        self.policy = policy
        self.accounts = accounts
        self.place = place

    # -------------------------------------------------------------- around the page

    def frame(self, path: str, lang: str, snapshot: Snapshot | None = None) -> Frame:
        """What stands around a page."""
        place, row = self.place, snapshot.row if snapshot else None
        agency = place.agencies.get(row.agency_code, place.agency) if row else place.agency
        return Frame(
            path=path,
            agency=agency,
            province=place.province,
            phone=place.phone,
            hours=place.hours,
            reference=f"MC-{row.id[-8:].upper()}" if row else "",
            lang=lang,
            simulated=self.policy.simulated,
        )

    def money(self, snapshot: Snapshot, lang: str) -> MoneyLine:
        """The money line with its grounds."""
        line = money_line(snapshot.state)
        told = [one for one in snapshot.told if one.channel != Channel.CLOCK][-_GROUNDS:]
        titles = self.accounts.every_title()
        return MoneyLine(
            key=line.key.value,
            amount=line.amount,
            got=line.amount if line.key is LineKey.PART else None,
            total=line.total,
            rest=line.rest,
            diff=line.amount if line.key is LineKey.OVER else None,
            at=line.at,
            provider=self.accounts.title(line.account) if line.account else "",
            evidence=tuple(one.id for one in told),
            grounds=tuple(
                f"{local(one.received_at):%H:%M} {evidence_text(as_evidence(one), lang, titles)}"
                for one in told
            ),
        )

    # -------------------------------------------------------------- paying

    def checkout(
        self,
        snapshot: Snapshot,
        frame: Frame,
        ticket: FormTicket,
        *,
        helper: bool = False,
        chosen: str = "",
        problems: tuple[str, ...] = (),
    ) -> CheckoutView:
        """Choose how to pay what is still due."""
        row, here = snapshot.row, f"/pay/{snapshot.row.token}"
        return CheckoutView(
            frame=frame,
            money=self.money(snapshot, frame.lang),
            code=row.reference,
            total=snapshot.state.rest if row.amount else 0,
            items=fee_lines(row),
            action=here,
            ticket=ticket,
            methods=self._methods(frame.lang),
            procedure=row.procedure_code,
            payer_name=row.payer.get("name") or "",
            check_code=check_code(row.id),
            deadline=row.expires_at,
            helper_url="" if helper else f"{self.policy.public_url}{here}?helper=1",
            for_helper=helper,
            portal_url="" if helper else snapshot.portal_url,
            zero_basis=words_for("zero_basis", frame.lang),
            chosen=chosen or row.method or "",
            problems=problems,
        )

    def _methods(self, lang: str) -> tuple[Method, ...]:
        del lang  # names and hints are the operator's
        return tuple(
            Method(
                value=name,
                name=self.accounts.title(name),
                hint=self.place.hints.get(name, ""),
                provider=self.accounts.title(name),
            )
            for name in self.accounts.offered(self.policy.methods)
        )

    def qr(
        self,
        snapshot: Snapshot,
        attempt: Row[Any],
        frame: Frame,
        ticket: FormTicket,
        now: datetime,
        *,
        checked: bool,
    ) -> QrView:
        """The transfer page of one attempt."""
        here, action = f"/pay/{snapshot.row.token}", attempt.action
        bank_bin = action.get("bank_bin", "")
        return QrView(
            frame=frame,
            money=self.money(snapshot, frame.lang),
            code=snapshot.row.reference,
            amount=attempt.amount,
            recipient=action.get("account_name") or frame.agency,
            bank=self.place.banks.get(bank_bin, bank_bin),
            account_number=action.get("account_number", ""),
            memo=action.get("memo", ""),
            payload=action.get("qr_payload", ""),
            expires_at=attempt.expires_at,
            seconds_left=max(0, int((attempt.expires_at - now).total_seconds())),
            check_url=f"{here}/check",
            renew_url=here,
            renew_fields={"method": attempt.account},
            change_url=here,
            ticket=ticket,
            image_url=f"{here}/qr.png",
            events_url=f"{here}/events",
            checked_at=now if checked else None,
            expired=attempt.status != "pending",
        )

    def picture(self, snapshot: Snapshot, attempt: Row[Any], lang: str) -> QrPicture:
        """The saved picture of a code."""
        frame = self.frame("", lang, snapshot)
        return QrPicture(
            payload=attempt.action["qr_payload"],
            agency=attempt.action.get("account_name") or frame.agency,
            amount=attempt.amount,
            memo=attempt.action.get("memo", ""),
            expires_at=attempt.expires_at,
            lang=lang,
        )

    def handover(self, snapshot: Snapshot, attempt: Row[Any], frame: Frame) -> HandoverView:
        """The page before the provider's."""
        url = attempt.action["url"]
        return HandoverView(
            frame=frame,
            money=self.money(snapshot, frame.lang),
            code=snapshot.row.reference,
            amount=attempt.amount,
            provider=self.accounts.title(attempt.account),
            host=urlsplit(url).hostname or "",
            url=url,
            change_url=f"/pay/{snapshot.row.token}",
        )


def fee_lines(row: Row[Any]) -> tuple[FeeLine, ...]:
    """A payment's items as the pages show them."""
    return tuple(
        FeeLine(
            name=item["name"],
            kind=item["kind"],
            quantity=item["quantity"],
            unit_amount=item["unit_amount"],
            amount=item["amount"],
        )
        for item in row.items
    )
