"""Every page in every state under one name, for tests and for looking at.

``python -m tests.browser.gallery PORT`` serves them on loopback.
"""

import sys
from dataclasses import replace
from functools import cache

from aiohttp import web

from gateway.certification.views import render_entry, render_verification
from gateway.frame.assets import add_asset_routes
from gateway.frame.security import page_response
from gateway.frame.trouble import Trouble, TroubleView, render_trouble
from gateway.payments.checkout import views
from gateway.payments.checkout.qr_image import QrPicture, qr_png
from gateway.shipments.views import render_tracking, render_unknown
from tests.gateway.certification import page_samples as copies
from tests.gateway.payments import page_samples as samples
from tests.gateway.shipments import page_samples as parcels


@cache
def pages(lang="vi"):
    """Render the whole gallery: name → HTML."""
    zero = {"total": 0, "items": (), "zero_basis": "Nghị quyết 77/2025/NQ-HĐND"}
    found = {
        "checkout": views.render_checkout(samples.checkout(lang)),
        "checkout-many": views.render_checkout(
            samples.checkout(lang, items=samples.MANY_ITEMS, total=135500)
        ),
        "checkout-error": views.render_checkout(
            samples.checkout(lang, problems=("Hãy chọn một cách nộp",))
        ),
        "checkout-helper": views.render_checkout(samples.checkout(lang, for_helper=True)),
        "checkout-zero": views.render_checkout(samples.checkout(lang, **zero)),
        "checkout-simulated": views.render_checkout(
            samples.checkout(lang, frame=samples.frame(lang=lang, simulated=True))
        ),
        "qr": views.render_qr(samples.qr(lang)),
        "qr-not-yet": views.render_qr(samples.qr(lang, checked_at=samples.NOW)),
        "qr-expired": views.render_qr(samples.qr(lang, expired=True)),
        "handover": views.render_handover(samples.handover(lang)),
        "receipt": views.render_receipt(samples.receipt(lang)),
        "missing": views.render_not_found(samples.frame(lang=lang)),
        "error": views.render_error(samples.error(lang)),
        "closed": views.render_error(samples.error(lang, closed_until=samples.NOW)),
        "entry": render_entry(copies.entry(lang)),
        "entry-error": render_entry(copies.entry(lang, problem="code_missing")),
    }
    for name, view in samples.results(lang).items():
        found[f"result-{name}"] = views.render_result(view)
    for name, view in copies.verifications(lang).items():
        found[f"verify-{name}"] = render_verification(view)
    for name, view in parcels.trackings(lang).items():
        found[f"tracking-{name}"] = render_tracking(view)
    for trouble in Trouble:
        view = TroubleView(
            frame=replace(parcels.frame(lang), service="trouble.service"),
            trouble=trouble,
            incident="9f2c41d07ab35e68",
            reason="Biểu mẫu không phải của trang này.",
            again_url="/gallery/checkout",
        )
        found[f"trouble-{trouble}"] = render_trouble(view)
    found["tracking-unknown"] = render_unknown(parcels.frame(lang))
    return found


def gallery_app():
    """Build an application that serves the gallery, its assets, and a scripted event stream."""
    app = web.Application()
    add_asset_routes(app)

    async def page(request):
        lang = request.query.get("lang", "vi")
        return page_response(pages(lang)[request.match_info["name"]])

    async def picture(_request):
        body = qr_png(
            QrPicture(
                payload=samples.PAYLOAD,
                agency="UBND phường A",
                amount=21000,
                memo="MC2611020001K7QX2W",
                expires_at=samples.NOW,
            )
        )
        return web.Response(body=body, content_type="image/png")

    async def live(_request):
        path = "/live"
        view = samples.qr(events_url="/live/events", check_url="/live", renew_url="/live")
        return page_response(views.render_qr(replace(view, frame=samples.frame(path))))

    async def events(_request):
        text = 'data: {"state":"paid","text":"Đã nhận đủ tiền","next":"/gallery/result-paid"}\n\n'
        return web.Response(text=text, content_type="text/event-stream")

    async def quiet(_request):
        return web.Response(text="retry: 600000\n\n", content_type="text/event-stream")

    app.router.add_get("/gallery/{name}", page)
    app.router.add_get("/pay/{token}/events", quiet)
    app.router.add_get("/live", live)
    app.router.add_post("/live", live)
    app.router.add_get("/live/events", events)
    app.router.add_get("/picture.png", picture)
    return app


if __name__ == "__main__":
    web.run_app(gallery_app(), host="127.0.0.1", port=int(sys.argv[1]))
