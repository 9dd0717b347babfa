"""The pages of paying: choose, scan, go over to a provider.

Owns ``/pay/{token}`` and its forms; leaves telling the outcome to ``result_pages``, values to
``values``, HTML to the views, paying to ``Attempts``. Every page works without JavaScript; a
form's one-time id is its idempotency key.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from gateway.foundation.bodies import read_form
from gateway.foundation.idempotency import Claim
from gateway.foundation.problems import Problem
from gateway.foundation.web import Page
from gateway.frame.catalog import words
from gateway.frame.security import FormGuard, FormVerdict, comes_from_elsewhere
from gateway.payments.asking import Asking
from gateway.payments.attempts import Attempts, Wish
from gateway.payments.checkout.door import Door, language
from gateway.payments.checkout.qr_image import qr_png, qr_svg
from gateway.payments.checkout.state import AWAY, TRANSFER, Snapshot, must_wait, result_state
from gateway.payments.checkout.views import render_checkout, render_handover, render_qr
from gateway.payments.texts import words_for

_FORM_LIMIT = 16 * 1024


class PayPages:
    """Pages of paying, for people."""

    def __init__(
        self,
        door: Door,
        attempts: Attempts,
        asking: Asking,
        guard: FormGuard,
        client_address: Callable[[web.Request], str] = lambda request: request.remote or "",
    ) -> None:
        self._door = door
        self._values = door.values
        self._attempts = attempts
        self._asking = asking
        self._guard = guard
        self._client_address = client_address

    def pages(self) -> list[Page]:
        """Every route."""
        here = "/pay/{token}"
        return [
            Page("GET", here, self.checkout),
            Page("POST", here, self.choose, _FORM_LIMIT),
            Page("POST", f"{here}/check", self.check, _FORM_LIMIT),
            Page("GET", f"{here}/qr", self.qr),
            Page("GET", f"{here}/qr.png", self.qr_png),
            Page("GET", f"{here}/qr.svg", self.qr_svg),
            Page("GET", f"{here}/handover", self.handover),
        ]

    # -------------------------------------------------------------- choosing

    async def checkout(self, request: web.Request) -> web.StreamResponse:
        """Choose how to pay, unless there is something more important to say."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        if must_wait(result_state(snapshot, self._door.now())):
            return self._door.to(request, snapshot, "result")
        return self._checkout(request, snapshot)

    def _checkout(
        self,
        request: web.Request,
        snapshot: Snapshot,
        problems: tuple[str, ...] = (),
        chosen: str = "",
    ) -> web.Response:
        frame = self._door.frame(request, snapshot)
        view = self._values.checkout(
            snapshot,
            frame,
            self._guard.issue(snapshot.row.token, self._door.now()),
            helper="helper" in request.query,
            chosen=chosen,
            problems=problems,
        )
        return self._door.page(render_checkout(view), 422 if problems else 200)

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """Start an attempt the way the citizen chose; sent twice is started once."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        form = await read_form(request, _FORM_LIMIT)
        ticket = self._judge(request, snapshot, form)
        chosen = form.get("method", "")
        say = words().plain
        lang = language(request)
        if ticket is None:
            return self._checkout(request, snapshot, (say(lang, "error.form_stale"),), chosen)
        if chosen not in self._door.payments.accounts.offered(self._door.payments.policy.methods):
            return self._checkout(request, snapshot, (say(lang, "error.method_missing"),))
        return await self._start(request, snapshot, ticket, chosen)

    async def _start(
        self, request: web.Request, snapshot: Snapshot, form_id: str, account: str
    ) -> web.StreamResponse:
        row, lang = snapshot.row, language(request)
        wish = Wish(
            tenant=row.tenant,
            payment_id=row.id,
            account=account,
            client_ip=self._client_address(request) or "127.0.0.1",
            locale=lang,
        )
        mark = hashlib.sha256(f"{row.token}|{account}".encode()).hexdigest()
        claim = Claim(f"{row.tenant}|PAGE attempts", form_id, mark, self._door.now())
        try:
            answer = await self._attempts.start(wish, claim)
        except Problem as problem:
            return self._refused(request, snapshot, problem, account)
        action = msgspec.json.decode(answer.body)["action"]["type"]
        places = dict.fromkeys(TRANSFER, "qr") | dict.fromkeys(AWAY, "handover")
        return self._door.to(request, snapshot, places.get(action, "result"))

    def _refused(
        self, request: web.Request, snapshot: Snapshot, problem: Problem, account: str
    ) -> web.StreamResponse:
        """What to say when no attempt could be started."""
        lang = language(request)
        if problem.code in ("payment_closed", "attempt_in_doubt"):
            return self._door.to(request, snapshot, "result")
        if problem.code == "idempotency_key_reused":
            return self._checkout(request, snapshot, (words().plain(lang, "error.form_stale"),))
        if problem.code in ("provider_unavailable", "provider_rejected", "validation_failed"):
            title = self._door.payments.accounts.title(account)
            return self._checkout(
                request, snapshot, (words_for("away", lang).format(provider=title),)
            )
        raise problem

    async def check(self, request: web.Request) -> web.StreamResponse:
        """*I have paid, check now*: ask whoever can be asked, then look again."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        form = await read_form(request, _FORM_LIMIT)
        if self._judge(request, snapshot, form) is not None:
            await self._asking.hurry(snapshot.row.id)
        if result_state(snapshot, self._door.now()) is not None:
            return self._door.to(request, snapshot, "result")
        return self._door.to(request, snapshot, "qr", checked="1")

    # -------------------------------------------------------------- paying

    async def qr(self, request: web.Request) -> web.StreamResponse:
        """The transfer page of the latest code; a final state leads to the result at once."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        now = self._door.now()
        if must_wait(result_state(snapshot, now)):
            return self._door.to(request, snapshot, "result")
        attempt = snapshot.newest_with(*TRANSFER)
        if attempt is None:
            return self._door.to(request, snapshot)
        view = self._values.qr(
            snapshot,
            attempt,
            self._door.frame(request, snapshot),
            self._guard.issue(snapshot.row.token, now),
            now,
            checked="checked" in request.query,
        )
        return self._door.page(render_qr(view))

    async def qr_png(self, request: web.Request) -> web.StreamResponse:
        """The code as a picture that can be saved; gone once it cannot be used."""
        snapshot = await self._door.snapshot(request)
        attempt = snapshot.open_with(*TRANSFER) if snapshot else None
        if snapshot is None or attempt is None or self._is_settled(snapshot):
            return self._door.missing(request)
        picture = self._values.picture(snapshot, attempt, language(request))
        body = await asyncio.to_thread(qr_png, picture)
        return self._door.file(body, "image/png")

    async def qr_svg(self, request: web.Request) -> web.StreamResponse:
        """The code alone, as a drawing."""
        snapshot = await self._door.snapshot(request)
        attempt = snapshot.open_with(*TRANSFER) if snapshot else None
        if snapshot is None or attempt is None or self._is_settled(snapshot):
            return self._door.missing(request)
        drawn = str(qr_svg(attempt.action["qr_payload"]))
        drawn = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        return self._door.file(drawn.encode(), "image/svg+xml")

    async def handover(self, request: web.Request) -> web.StreamResponse:
        """The page before the provider's, with a plain link."""
        snapshot = await self._door.snapshot(request)
        if snapshot is None:
            return self._door.missing(request)
        attempt = snapshot.open_with(*AWAY)
        if must_wait(result_state(snapshot, self._door.now())):
            return self._door.to(request, snapshot, "result")
        if attempt is None:
            return self._door.to(request, snapshot)
        frame = self._door.frame(request, snapshot)
        return self._door.page(render_handover(self._values.handover(snapshot, attempt, frame)))

    def _is_settled(self, snapshot: Snapshot) -> bool:
        return must_wait(result_state(snapshot, self._door.now()))

    def _judge(
        self, request: web.Request, snapshot: Snapshot, form: Mapping[str, str]
    ) -> str | None:
        """The form's id when it is ours and fresh, None when it is too old.

        Raises:
            Problem: ``forbidden`` when it is not ours.
        """
        form_id, proof = form.get("form_id", ""), form.get("proof", "")
        verdict = self._guard.check(snapshot.row.token, form_id, proof, self._door.now())
        if verdict is FormVerdict.FORGED or comes_from_elsewhere(request):
            raise Problem("forbidden", "Biểu mẫu không phải của trang này.", "Not our form.")
        return form_id if verdict is FormVerdict.GENUINE else None
