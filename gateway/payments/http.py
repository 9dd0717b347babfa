"""The payments API: parse → call → render.

Owns the routes of payments, attempts, counter receipts and refunds with their types; leaves
what they do to the services. Follows the contract's page "Payments".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from gateway.foundation import listing
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.web import Call, Reply, Route
from gateway.payments.attempts import Attempts, Wish
from gateway.payments.cash import Cash
from gateway.payments.opening import Draft, Flaw, Line, flaws_in, is_spoken, return_url_flaws
from gateway.payments.refunds import Back, RefundDesk
from gateway.payments.refusals import flawed
from gateway.payments.service import Payments
from gateway.payments.shapes import (
    AttemptRequest,
    AttemptView,
    CancelRequest,
    CounterReceiptRequest,
    PaymentList,
    PaymentRequest,
    PaymentView,
    RefundRequest,
    RefundView,
    Timeline,
)
from gateway.payments.statuses import PaymentStatus

_READ, _WRITE = "payments:read", "payments:write"
_FILTERS = ("reference", "status", "agency_code")


class PaymentRoutes:
    """Handlers over the services."""

    def __init__(
        self,
        payments: Payments,
        attempts: Attempts,
        refunds: RefundDesk,
        client_address: Callable[[web.Request], str],
    ) -> None:
        self._payments = payments
        self._attempts = attempts
        self._refunds = refunds
        self._client_address = client_address

    def routes(self) -> list[Route]:
        """Every operation."""
        one = "/v1/payments/{id}"
        return [
            Route(
                "POST", "/v1/payments", self.open, _WRITE, "Mở một khoản nộp",
                body=PaymentRequest, reply=PaymentView, status=201, idempotent=True,
            ),
            Route(
                "GET", "/v1/payments", self.list, _READ, "Danh sách khoản nộp, mới nhất trước",
                reply=PaymentList,
                query=listing.WINDOW_QUERY | dict.fromkeys(_FILTERS, "equals"),
            ),
            Route("GET", one, self.get, _READ, "Một khoản nộp", reply=PaymentView),
            Route(
                "GET", f"{one}/timeline", self.timeline, _READ,
                "Mọi chứng cứ của khoản nộp, bằng lời", reply=Timeline,
            ),
            Route(
                "POST", f"{one}/cancel", self.cancel, _WRITE, "Hủy yêu cầu nộp",
                body=CancelRequest, reply=PaymentView,
            ),
            Route(
                "POST", f"{one}/attempts", self.attempt, _WRITE, "Mở một lần nộp",
                body=AttemptRequest, reply=AttemptView, status=201, idempotent=True,
            ),
            Route(
                "POST", f"{one}/counter-receipts", self.take_cash, "payments:counter",
                "Ghi nhận tiền mặt đã thu", body=CounterReceiptRequest, reply=PaymentView,
                status=201, idempotent=True,
            ),
            Route(
                "POST", f"{one}/refunds", self.refund, "payments:refund", "Đề nghị hoàn tiền",
                body=RefundRequest, reply=RefundView, status=201, idempotent=True,
            ),
            Route(
                "GET", "/v1/refunds/{id}", self.get_refund, _READ, "Một lệnh hoàn",
                reply=RefundView,
            ),
            Route(
                "POST", "/v1/refunds/{id}/approve", self.approve, "payments:refund",
                "Người thứ hai duyệt lệnh hoàn", reply=RefundView,
            ),
        ]  # fmt: skip

    # -------------------------------------------------------------- payments

    async def open(self, call: Call[PaymentRequest]) -> Reply:
        """``POST /v1/payments``."""
        draft = _draft(call.body, self._payments.policy.expires_in_s)
        _refuse(
            flaws_in(
                draft,
                insecure_urls=call.principal.mode == "test",
                max_amount=self._payments.policy.max_amount,
            ),
            call,
        )
        if draft.method is not None and draft.method not in self._payments.accounts.payment:
            _refuse([Flaw("/method", "choice_invalid")], call)
        assert call.claim is not None
        return Reply.of(await self._payments.open(call.tenant, draft, call.claim))

    async def get(self, call: Call[None]) -> Reply:
        """``GET /v1/payments/{id}``."""
        return Reply(await self._payments.get(call.tenant, call.path("id")))

    async def list(self, call: Call[None]) -> Reply:
        """``GET /v1/payments``."""
        window = listing.read_window(call.request.query, _FILTERS, of="pay")
        if window.equal.get("status", PaymentStatus.PENDING) not in set(PaymentStatus):
            raise invalid([FieldError("/status", "choice_invalid", "Trạng thái không có thật.")])
        return Reply(await self._payments.page(call.tenant, window))

    async def timeline(self, call: Call[None]) -> Reply:
        """``GET /v1/payments/{id}/timeline``."""
        return Reply(Timeline(await self._payments.timeline(call.tenant, call.path("id"))))

    async def cancel(self, call: Call[CancelRequest]) -> Reply:
        """``POST /v1/payments/{id}/cancel``; the body is optional."""
        _refuse(_spoken("/reason", call.body.reason), call)
        done = self._payments.cancel(call.tenant, call.path("id"), actor(call), call.body.reason)
        return Reply(await done)

    async def attempt(self, call: Call[AttemptRequest]) -> Reply:
        """``POST /v1/payments/{id}/attempts``."""
        insecure = call.principal.mode == "test"
        _refuse(return_url_flaws(call.body.return_url, insecure=insecure), call)
        assert call.claim is not None
        wish = Wish(
            tenant=call.tenant,
            payment_id=call.path("id"),
            account=call.body.account,
            bank_code=call.body.bank_code,
            return_url=call.body.return_url,
            client_ip=self._client_address(call.request) or "127.0.0.1",
            locale=call.language,
        )
        return Reply.of(await self._attempts.start(wish, call.claim))

    async def take_cash(self, call: Call[CounterReceiptRequest]) -> Reply:
        """``POST /v1/payments/{id}/counter-receipts``."""
        body, payment_id = call.body, call.path("id")
        flaws = _spoken("/note", body.note) + _spoken("/collected_by", body.collected_by)
        _refuse(flaws, call)
        cash = Cash(
            body.amount,
            body.receipt_number,
            body.collected_by,
            _past(body.collected_at, self._payments.clock.now()),
            body.place,
            body.note,
        )
        reply = await call.once(
            lambda c: Reply(
                self._payments.take_cash(c, call.tenant, payment_id, cash, actor(call)), 201
            )
        )
        self._payments.announce(payment_id)
        return reply

    # -------------------------------------------------------------- refunds

    async def refund(self, call: Call[RefundRequest]) -> Reply:
        """``POST /v1/payments/{id}/refunds``."""
        body, payment_id = call.body, call.path("id")
        told = {
            "note": body.note,
            **{f"destination/{k}": v for k, v in (body.destination or {}).items()},
        }
        _refuse([f for name, text in told.items() for f in _spoken(f"/{name}", text)], call)
        back = Back(
            amount=body.amount,
            reason=body.reason,
            note=body.note,
            destination=body.destination,
        )
        reply = await call.once(
            lambda c: Reply(
                self._refunds.request(c, call.tenant, payment_id, back, actor(call)), 201
            )
        )
        self._refunds.announce(payment_id)
        return reply

    async def get_refund(self, call: Call[None]) -> Reply:
        """``GET /v1/refunds/{id}``."""
        return Reply(await self._refunds.get(call.tenant, call.path("id")))

    async def approve(self, call: Call[None]) -> Reply:
        """``POST /v1/refunds/{id}/approve``."""
        return Reply(await self._refunds.approve(call.tenant, call.path("id"), actor(call)))


def actor(call: Call[Any]) -> str:
    """Who acts: the official of a personal token, else the key."""
    return call.principal.official or call.principal.key_id


def _draft(body: PaymentRequest, default_expiry: int) -> Draft:
    lines = [Line(i.code, i.name, i.kind, i.quantity, i.unit_amount) for i in body.items]
    return Draft(
        reference=body.reference,
        procedure_code=body.procedure_code,
        agency_code=body.agency_code,
        lines=lines,
        payer={name: v for name, v in msgspec.structs.asdict(body.payer).items() if v},
        description=body.description,
        channel=body.channel,
        method=body.method,
        return_url=body.return_url,
        expires_in=default_expiry if body.expires_in is None else body.expires_in,
        locale=body.locale,
        metadata=body.metadata,
    )


def _refuse(flaws: Iterable[Flaw], call: Call[Any]) -> None:
    found = list(flaws)
    if found:
        raise flawed(found, call.language)


def _spoken(pointer: str, text: str) -> list[Flaw]:
    """Free text may be empty, but a person must be able to read it."""
    return [] if not text or is_spoken(text, 500) else [Flaw(pointer, "text_invalid")]


def _past(moment: datetime | None, now: datetime) -> datetime:
    if moment is not None and moment > now:
        raise invalid([FieldError("/collected_at", "in_the_future", "Thời điểm ở tương lai.")])
    return moment or now
