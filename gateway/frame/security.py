"""What protects a page: its headers, and the proof that a form is ours and sent once.

Owns the content security policy, ``page_response`` and ``FormGuard``. Remembering which form
ids were used is idempotency and belongs to the service that handles the form: the form id is
its key. Follows the pages guide, budgets and headers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from aiohttp import hdrs, web

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def page_headers(*, secure: bool = False) -> dict[str, str]:
    """Headers of every page; ``secure`` says that people reach us by https only."""
    headers = dict(_HEADERS)
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def page_response(html: str, *, status: int = 200, secure: bool = False) -> web.Response:
    """Answer with a page, compressed for browsers that accept it.

    Compression beside a secret is safe here: the only secret of a page, its form proof, is
    another one on every rendering.
    """
    response = web.Response(
        text=html, status=status, content_type="text/html", headers=page_headers(secure=secure)
    )
    response.enable_compression()
    return response


def own_path(request: web.Request) -> str:
    """The path of a request, safe as a link: ``//elsewhere`` would lead to another host."""
    return "/" + request.rel_url.raw_path.lstrip("/\\")


def wants_json(request: web.Request) -> bool:
    """Tell whether a public page is asked for as data; a browser names HTML first."""
    accept = request.headers.get(hdrs.ACCEPT, "")
    return "application/json" in accept and "text/html" not in accept


class FormVerdict(StrEnum):
    """What a posted form proof is worth."""

    GENUINE = "genuine"
    STALE = "stale"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class FormTicket:
    """The two hidden fields of a form: its one-time id and the proof that we issued it."""

    form_id: str
    proof: str


class FormGuard:
    """Issues and checks form tickets, bound to one page (or one session) by ``scope``."""

    def __init__(self, secret: bytes, *, lifetime_s: int = 12 * 3600) -> None:
        if len(secret) < 32:
            raise ValueError("the form secret needs at least 32 bytes")
        self._secret = secret
        self._lifetime = timedelta(seconds=lifetime_s)

    def issue(self, scope: str, now: datetime) -> FormTicket:
        """Make a fresh ticket; no two are alike."""
        form_id = f"{int(now.timestamp()):x}-{secrets.token_urlsafe(16)}"
        return FormTicket(form_id, self._proof(scope, form_id))

    def check(self, scope: str, form_id: str, proof: str, now: datetime) -> FormVerdict:
        """Judge a posted ticket, in constant time for the proof."""
        expected = self._proof(scope, form_id)
        if not hmac.compare_digest(expected.encode(), proof.encode()):
            return FormVerdict.FORGED
        issued = int(form_id.partition("-")[0], 16)
        age = now.timestamp() - issued
        if not -60 <= age <= self._lifetime.total_seconds():
            return FormVerdict.STALE
        return FormVerdict.GENUINE

    def _proof(self, scope: str, form_id: str) -> str:
        message = f"{len(scope)}:{scope}{form_id}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def comes_from_elsewhere(request: web.Request) -> bool:
    """Tell whether a browser says that another site sent this form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin == "null":
        return False
    return urlsplit(origin).netloc != request.host
