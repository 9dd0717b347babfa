"""Problems as pages: what a browser sees where an API gets ``application/problem+json``.

Owns which page a problem becomes; the words and the HTML are ``frame.trouble``'s. Whatever has to
say where the money is, or that a payment's link leads nowhere, is left to the payments' own
pages. Follows the pages guide §5.3 and §9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.foundation.problems import Problem
from gateway.frame.layout import Frame
from gateway.frame.security import page_response
from gateway.frame.trouble import Trouble, TroubleView, render_trouble

RenderPage = Callable[[web.Request, Problem, str], web.Response]

_PAYMENT: Final = re.compile(r"(/pay/[0-9a-z]{26})(?:/.*)?")
_TROUBLES: Final = {
    404: Trouble.NOT_FOUND,
    413: Trouble.TOO_LARGE,
    429: Trouble.TOO_FAST,
    503: Trouble.AWAY,
}
_WORTH_ANOTHER_TRY: Final = frozenset({Trouble.TOO_FAST, Trouble.AWAY, Trouble.FAILED})
_PATIENCE_S: Final = 5


class TroublePages:
    """Renders problems for ``foundation.edge.middleware``.

    Args:
        frame: What stands around the page of a request.
        payments: The payments' pages for their missing links and for trouble of ours.
        secure: Whether people reach us by https only.
    """

    def __init__(
        self, frame: Callable[[web.Request], Frame], payments: RenderPage, *, secure: bool
    ) -> None:
        self._frame = frame
        self._payments = payments
        self._secure = secure

    def __call__(self, request: web.Request, problem: Problem, trace: str) -> web.Response:
        """The page of a problem, with its status; ``trace`` is the incident code."""
        about_money = problem.status == 404 or problem.status >= 500
        if request.path.startswith("/pay/") and about_money:
            return self._payments(request, problem, trace)
        html = render_trouble(self._view(request, problem, trace))
        return page_response(html, status=problem.status, secure=self._secure)

    def _view(self, request: web.Request, problem: Problem, trace: str) -> TroubleView:
        frame, payment = self._frame(request), _PAYMENT.fullmatch(request.path)
        fallback = Trouble.FAILED if problem.status >= 500 else Trouble.REFUSED
        trouble = _TROUBLES.get(problem.status, fallback)
        again = request.method == "GET" and trouble in _WORTH_ANOTHER_TRY
        told = problem.headers.get("Retry-After", "")
        detail = str(problem.document(frame.lang, trace)["detail"])
        return TroubleView(
            frame=frame if payment else replace(frame, service="trouble.service"),
            trouble=trouble,
            incident=trace,
            reason=detail.rstrip(".") + ".",
            seconds=int(told) if told.isdigit() else _PATIENCE_S,
            again_url=frame.path if again else "",
            payment_url=payment.group(1) if payment else "",
        )
