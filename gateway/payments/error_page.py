"""What a browser sees when a page cannot be shown: trouble of ours, or a link that leads nowhere.

Owns the choice between the two. It runs when nothing can be asked, perhaps not even the
database, so on a payment's page it claims the least that is true: the bank may have taken money.
"""

from __future__ import annotations

from aiohttp import web

from gateway.foundation.problems import Problem
from gateway.payments.checkout.door import Door, language
from gateway.payments.checkout.parts import MoneyLine
from gateway.payments.checkout.views import ErrorView, render_error
from gateway.payments.money_line import LineKey

_RETRY_MINUTES = 2


class ProblemPages:
    """Problems as pages."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, request: web.Request, problem: Problem, trace: str) -> web.Response:
        """The page of a problem, with the problem's own status."""
        if problem.status < 500:
            return self._door.missing(request, problem.status)
        paying = request.path.startswith("/pay/")
        view = ErrorView(
            frame=self._door.values.frame(request.path, language(request)),
            incident=trace,
            retry_minutes=_RETRY_MINUTES,
            money=MoneyLine(key=LineKey.UNKNOWN.value) if paying else None,
            pay_url=request.path if paying and request.method == "GET" else "",
        )
        return self._door.page(render_error(view), problem.status)
