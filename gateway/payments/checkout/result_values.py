"""Fills the views that tell an outcome: the result, the plain confirmation.

Owns which of our values goes where on those pages; leaves the choice of the state to
``state``, the frame and the money line to ``values``.
"""

from __future__ import annotations

from datetime import datetime

from gateway.frame.layout import Frame
from gateway.payments.checkout.confirmation import Confirmation, ConfirmedItem
from gateway.payments.checkout.result_view import ResultState, ResultView
from gateway.payments.checkout.state import Snapshot, is_late_accepted
from gateway.payments.checkout.values import PageValues, fee_lines
from gateway.payments.checkout.views import ReceiptView
from gateway.payments.schedule import next_ask
from gateway.payments.statuses import Decision
from gateway.payments.texts import reason_text, words_for

LIVE_STATES = frozenset({ResultState.CONFIRMING, ResultState.UNKNOWN})


class ResultValues:
    """Views of outcomes."""

    def __init__(self, values: PageValues) -> None:
        self._values = values
        self._policy = values.policy
        self._accounts = values.accounts

    def result(
        self,
        snapshot: Snapshot,
        found: ResultState,
        frame: Frame,
        now: datetime,
        told_at: datetime | None,
    ) -> ResultView:
        """Where a payment stands."""
        row, state, here = snapshot.row, snapshot.state, f"/pay/{snapshot.row.token}"
        newest = snapshot.newest
        paid = found in (ResultState.PAID, ResultState.PAID_LATE)
        refund = snapshot.refunds[-1] if snapshot.refunds else None
        live = found in LIVE_STATES or (paid and told_at is None)
        return ResultView(
            frame=frame,
            state=found,
            money=self._values.money(snapshot, frame.lang),
            code=row.reference,
            amount=_amount_of(snapshot, found),
            provider=self._accounts.title(newest.account) if newest else "",
            reference=_money_reference(snapshot),
            paid_at=state.paid_at,
            told_at=told_at,
            retry_times=self._retry_times(snapshot, now),
            deadline=row.expires_at,
            accepted=is_late_accepted(state),
            rest=state.rest,
            diff=state.surplus,
            reason=self._reason(snapshot, found, frame.lang),
            refund_reference=refund.reference if refund else "",
            events_url=f"{here}/events" if live else "",
            pay_url=here,
            confirmation_url=f"{here}/receipt" if paid else "",
            portal_url=snapshot.portal_url,
        )

    def _retry_times(self, snapshot: Snapshot, now: datetime) -> tuple[datetime, ...]:
        newest, moments = snapshot.newest, []
        if newest is None:
            return ()
        moment: datetime | None = now
        for _ in range(3):
            moment = next_ask(
                newest.created_at,
                newest.expires_at,
                moment or now,
                after_s=self._policy.ask_after_s,
                for_days=self._policy.ask_for_days,
            )
            if moment is None:
                return ()
            moments.append(moment)
        return tuple(moments)

    def _reason(self, snapshot: Snapshot, found: ResultState, lang: str) -> str:
        if found is ResultState.REVIEW:
            return ", ".join(reason_text(reason, lang) for reason in snapshot.state.review)
        if found is ResultState.DECLINED:
            return words_for("declined", lang)
        if found is ResultState.CANCELLED_BY_AGENCY:
            cancels = (t for t in snapshot.told if t.says == Decision.CANCEL and t.facts)
            given = next((t.facts.get("reason") for t in cancels), None)
            return given or words_for("cancelled", lang)
        return ""

    def receipt(self, snapshot: Snapshot, frame: Frame, pdf_size: int) -> ReceiptView:
        """The plain confirmation as a page."""
        row, here, paid = snapshot.row, f"/pay/{snapshot.row.token}", self.confirmation(snapshot)
        return ReceiptView(
            frame=frame,
            money=self._values.money(snapshot, frame.lang),
            number=paid.number,
            code=paid.code,
            payer_name=paid.payer_name,
            items=fee_lines(row),
            total=paid.total,
            method=paid.method,
            reference=paid.reference,
            paid_at=paid.paid_at,
            back_url=f"{here}/result",
            procedure=paid.procedure,
            pdf_url=f"{here}/receipt.pdf",
            pdf_size_kb=max(1, round(pdf_size / 1024)),
        )

    def confirmation(self, snapshot: Snapshot, now: datetime | None = None) -> Confirmation:
        """The plain confirmation as values; only for a payment that is paid.

        Raises:
            ValueError: it is not paid.
        """
        row, state = snapshot.row, snapshot.state
        if state.paid_at is None:
            raise ValueError("only what is paid can be confirmed")
        frame = self._values.frame("", "vi", snapshot)
        account = next(fact.account for fact in reversed(state.facts) if fact.amount)
        titles = self._accounts.every_title()
        return Confirmation(
            number=f"XN-{row.id[-10:].upper()}",
            agency=frame.agency,
            province=frame.province,
            code=row.reference,
            procedure=row.procedure_code,
            payer_name=row.payer.get("name") or "",
            items=tuple(ConfirmedItem(name=i["name"], amount=i["amount"]) for i in row.items),
            total=state.due,
            method=titles.get(account, account),
            reference=_money_reference(snapshot),
            paid_at=state.paid_at,
            made_at=now or state.paid_at,
            simulated=self._policy.simulated,
        )


def _amount_of(snapshot: Snapshot, found: ResultState) -> int:
    """The sum in the title: of the refund, of what is paid, else of what is due."""
    if found in (ResultState.REFUNDING, ResultState.REFUNDED) and snapshot.refunds:
        return int(snapshot.refunds[-1].amount)
    return int(snapshot.row.amount)


def _money_reference(snapshot: Snapshot) -> str:
    """The number that the payer's bank knows, else ours."""
    for fact in reversed(snapshot.state.facts):
        name = fact.id.partition("/")[2]
        if fact.amount and fact.attempt and name:
            return name
    newest = snapshot.newest
    return newest.reference if newest else ""
