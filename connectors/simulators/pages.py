"""The simulators' pages: one frame, Vietnamese first, no script, a band nobody can miss.

Owns the HTML frame and the waiting that faults ask for. Leaves what a page offers to each
simulator. Everything printed is escaped by whoever builds the body (``escape``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape

from aiohttp import web

from connectors.simulators.faults import Fault, FaultScript

_BAND = "MÔ PHỎNG – KHÔNG CÓ TIỀN THẬT, KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
_STYLE = """
body{margin:0;font:18px/1.5 system-ui,sans-serif;color:#1A1F24;background:#F4F6F8}
.band{background:#4A2373;color:#fff;padding:.6rem 1rem;text-align:center;font-weight:700}
main{max-width:40rem;margin:1.5rem auto;padding:1.5rem;background:#fff}
dt{color:#4A5560}dd{margin:0 0 .6rem;font-weight:600;overflow-wrap:anywhere}
button{font:inherit;padding:.6rem 1rem;margin:.25rem .25rem .25rem 0;border:0;
background:#0B4F8A;color:#fff;border-radius:4px;cursor:pointer}
button.plain{background:#37414A}input,textarea,select{font:inherit;width:100%;
box-sizing:border-box;padding:.5rem;border:1px solid #5B6773}
label{display:block;margin:.8rem 0 .2rem}:focus-visible{outline:3px solid #1A1F24}
"""


def page(title: str, body: str, status: int = 200) -> web.Response:
    """A whole page in the simulators' frame."""
    text = (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} – Mô phỏng</title><style>{_STYLE}</style></head><body>"
        f'<div class="band">{_BAND} <span lang="en">/ SIMULATION – NO REAL MONEY</span></div>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    headers = {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "cache-control": "no-store",
    }
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """A list of labelled values."""
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f"<dl>{cells}</dl>"


def button_form(action: str, fields: Mapping[str, str], label: str, plain: bool = False) -> str:
    """A POST form that is one button."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    kind = ' class="plain"' if plain else ""
    return (
        f'<form method="post" action="{escape(action)}">{hidden}'
        f"<button{kind}>{escape(label)}</button></form>"
    )


def dong(amount: int) -> str:
    """``21.000 đồng``."""
    return f"{amount:,}".replace(",", ".") + "\u00a0đồng"


async def with_faults(
    faults: FaultScript,
    work: Callable[[], Awaitable[web.Response]],
    refusal: Callable[[str], web.Response],
) -> web.Response:
    """Answer an API call, unless the script wants it to go wrong.

    Args:
        faults: The simulator's script.
        work: Does the work and builds the true answer.
        refusal: Builds the provider's refusal with a code (empty = the usual one).
    """
    before = faults.take(Fault.TIMEOUT_BEFORE_WORK)
    if before is not None:
        return await _silence(float(before.get("seconds", 60)))
    if faults.take(Fault.SERVER_ERROR) is not None:
        return web.Response(status=500, text="Internal Server Error")
    refused = faults.take(Fault.REFUSE)
    if refused is not None:
        return refusal(str(refused.get("code", "")))
    answer = await work()
    after = faults.take(Fault.TIMEOUT_AFTER_WORK)
    if after is not None:
        return await _silence(float(after.get("seconds", 60)))
    if faults.take(Fault.GARBAGE) is not None:
        return web.Response(text="<html>502 Bad gateway", content_type="text/html")
    return answer


async def _silence(seconds: float) -> web.Response:
    """Say nothing for so long that the caller gives up."""
    await asyncio.sleep(seconds)
    return web.Response(status=504)
