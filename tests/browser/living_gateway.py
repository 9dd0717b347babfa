"""A real gateway with its world, in a thread of its own, for a browser to walk through."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time

from gateway.app import Gateway
from gateway.development import OFFICIALS, World, listen
from gateway.foundation.clock import SystemClock
from gateway.shipments import store
from tests.scenarios.business import PDF, REFERENCE, certification_of, payment_of

CERTIFIER = OFFICIALS["official-ec"]
PARTY = {
    "name": "Nguyễn Văn An",
    "phone": "0912345678",
    "address": {"line": "Số 5 ngõ 7", "ward_code": "01654", "province_code": "04"},
}


class LivingGateway:
    """Starts on entering, stops on leaving; ``ask`` is a portal's call, made by the browser."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_):
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def run(self, work):
        """Do something in the gateway's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self):
        socket = listen()
        self.base = f"http://127.0.0.1:{socket.getsockname()[1]}"
        self.world = await asyncio.to_thread(World, self._folder, self.base, SystemClock())
        await self.world.start()
        settings = self.world.settings(shipments={"poll_s": 0.2}, log={"level": "error"})
        self.gateway = Gateway(settings, self.world.clock)
        await self.gateway.start(socket=socket)
        self._portal = (await self.gateway.keys.create("cong-dvc", "test", ["*"])).secret
        scopes = ["documents:sign", "certifications:write"]
        made = await self.gateway.keys.create("cong-dvc", "test", scopes, official=CERTIFIER)
        self._certifier = made.secret
        self.simulators = f"{self.world.simulators.base_url}/sim"

    async def _stop(self):
        await self.gateway.stop()
        await self.world.close()

    # ---------------------------------------------------------------- what a portal does

    def ask(self, page, path, body=None, *, secret="", **more):
        """GET, or POST when there is something to send."""
        headers = {"Authorization": f"Bearer {secret or self._portal}"}
        if body is None and not more:
            answer = page.request.get(self.base + path, headers=headers)
        else:
            headers["Idempotency-Key"] = secrets.token_hex(8)
            sent = more or {"data": body}
            answer = page.request.post(self.base + path, headers=headers, **sent)
        assert answer.ok, (path, answer.status, answer.text())
        is_json = "json" in answer.headers["content-type"]
        return answer.json() if is_json else answer.body()

    def until(self, page, path, **wanted):
        """Ask until the object is as wanted."""
        deadline = time.monotonic() + 15
        while True:
            found = self.ask(page, path)
            if all(found[name] == value for name, value in wanted.items()):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def payment(self, page, amount=21_000):
        """A payment that waits for its citizen."""
        return self.ask(page, "/v1/payments", payment_of(amount))

    def certified_copy(self, page):
        """A copy in the register, and its file."""
        file = {"name": "ban-sao.pdf", "mimeType": "application/pdf", "buffer": PDF}
        form = {"reference": REFERENCE, "kind": "decision", "file": file}
        document = self.ask(page, "/v1/documents", multipart=form)
        draft = self.ask(page, "/v1/certifications", certification_of(document["id"]))
        one = f"/v1/certifications/{draft['id']}"
        issued = self.ask(page, f"{one}/sign", {}, secret=self._certifier)
        return issued, self.ask(page, f"{one}/content")

    def parcel(self, page):
        """A parcel that the post has."""
        order = {
            "reference": REFERENCE,
            "kind": "result_delivery",
            "sender": {**PARTY, "name": "UBND phường Mẫu"},
            "recipient": PARTY,
            "contents": [{"title": "Quyết định", "form": "original"}],
            "weight_g": 50,
        }
        shipment = self.ask(page, "/v1/shipments", order)
        return self.until(page, f"/v1/shipments/{shipment['id']}", movement="registered")

    def tracking_link(self, shipment):
        """What the QR code on the label says; only the papers carry it."""
        rows = self.run(
            self.gateway.database.read(lambda c: store.shipments_by_id(c, [shipment["id"]]))
        )
        return f"{self.base}/t/{rows[0].token}"
