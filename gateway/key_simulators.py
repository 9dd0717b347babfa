"""Simulators of signing services beside those of providers: same server, same scripts, a page each.

Owns where each is mounted, what its owner can do there (confirm or refuse in "the application",
run "the desktop program") and the keys with which a gateway uses it. Leaves every wire format to
``signing.devpki``. For development only; the secrets in it are worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, web

from connectors.simulators.pages import button_form, facts, page
from connectors.simulators.server import Simulator
from signing.contract import KeyConfig
from signing.devpki.authority import DevPki
from signing.devpki.csc_simulator import OTP, PIN, CscSimulator
from signing.devpki.hook_simulator import HookSimulator
from signing.devpki.mysign_simulator import MySignSimulator
from signing.devpki.remote_desk import RemoteDesk
from signing.devpki.smartca_simulator import SmartCaSimulator
from signing.key_config import RemoteConfig

if TYPE_CHECKING:
    from signing.devpki.vgca_desktop import VgcaDesktop

CSC_IDENTITIES = {"v1": "official-rsa", "v2": "official-ec"}
_LABELS = {"confirmed": "Xác nhận / Confirm", "rejected": "Từ chối / Refuse",
           "expired": "Để quá hạn / Let it expire"}  # fmt: skip
_FUNCTIONS = ("vgca_sign_approved", "vgca_sign_issued")


class AppSimulator:
    """A service whose user decides in an application: SmartCA, MySign, a bridge."""

    def __init__(self, name: str, title: str, desk: RemoteDesk) -> None:
        self.name, self.title, self.desk = name, title, desk
        self.faults = desk.faults

    def app(self) -> web.Application:
        """The service's calls; ``GET /`` and ``POST /app`` are its user's."""
        app = self.desk.application()
        app.router.add_get("/", self._page)
        app.router.add_get("/app", self._waiting)
        app.router.add_post("/app", self._decide)
        return app

    async def close(self) -> None:
        """As the desk does."""
        await self.desk.close()

    def _open(self) -> list[dict[str, str]]:
        found = self.desk.transactions.values()
        return [{"id": o.reference, "title": o.title} for o in found if o.state == "waiting"]

    async def _waiting(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"waiting": self._open()})

    async def _page(self, request: web.Request) -> web.Response:
        action = f"{request.path}app"
        body = "".join(
            facts([("Văn bản / Document", one["title"]), ("Mã / Id", one["id"])])
            + "".join(
                button_form(action, {"id": one["id"], "decision": decision}, label)
                for decision, label in _LABELS.items()
            )
            for one in self._open()
        )
        return page(self.title, body or "<p>Không có yêu cầu nào chờ. / Nothing waits.</p>")

    async def _decide(self, request: web.Request) -> web.Response:
        """One request, or with JSON without ``id`` everything that waits."""
        as_json = request.content_type == "application/json"
        asked: Any = await (request.json() if as_json else request.post())
        decision = str(asked.get("decision", ""))
        ids = [str(asked["id"])] if asked.get("id") else [one["id"] for one in self._open()]
        try:
            decided = [self.desk.decide(one, decision) for one in ids]
        except KeyError:
            return web.json_response({"error": "nothing waits under this id"}, status=404)
        except ValueError:
            return web.json_response({"error": f"decision: {list(_LABELS)}"}, status=422)
        if not as_json:
            raise web.HTTPSeeOther(request.path.removesuffix("app"))
        return web.json_response({"decided": {one.reference: one.state for one in decided}})


class CodeSimulator:
    """CSC v1 and v2 behind one address: the user's PIN comes with the request."""

    name, title = "csc", "CSC API v1, v2"

    def __init__(self, pki: DevPki) -> None:
        self.desk = CscSimulator(pki)
        self.faults = self.desk.faults

    def app(self) -> web.Application:
        """The service's calls, and a page that tells the PIN."""
        app = self.desk.application()
        app.router.add_get("/", self._page)
        return app

    async def close(self) -> None:
        """Let calls that are never answered end."""
        await self.desk.close()

    async def _page(self, request: web.Request) -> web.Response:
        address = str(request.url).rstrip("/")
        rows = [(f"CSC {api}", f"{address}/csc/{api} · {one}") for api, one in
                CSC_IDENTITIES.items()]  # fmt: skip
        return page(self.title, facts([*rows, ("PIN", PIN), ("OTP", OTP)]))


class DesktopSimulator:
    """The program on the official's desk: takes what a web page gives to ``vgcaplugin.js``."""

    name, title = "vgca", "Ban Cơ yếu Chính phủ (VGCASignService)"

    def __init__(self, pki: DevPki) -> None:
        self._pki = pki

    @cached_property
    def desk(self) -> VgcaDesktop:
        """Made when it is first wanted: its library costs a third of a second."""
        desktop: VgcaDesktop = import_module("signing.devpki.vgca_desktop").VgcaDesktop(
            self._pki, RemoteDesk.identity
        )
        return desktop

    @property
    def faults(self) -> Any:
        """Of the desk."""
        return self.desk.faults

    def app(self) -> web.Application:
        """A form, and the same with JSON."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/van-ban.pdf", self._sample)
        app.router.add_post("/sign", self._sign)
        return app

    async def _sample(self, request: web.Request) -> web.Response:
        """A decision to try signing with."""
        del request
        typeset = import_module("gateway.demo.decision").typeset
        pdf = typeset("000.00.12.H55-261102-0001", "Chủ tịch", "Nguyễn Văn Mẫu")
        return web.Response(body=pdf, content_type="application/pdf")

    async def close(self) -> None:
        """Nothing is pending here."""

    async def _page(self, request: web.Request) -> web.Response:
        options = "".join(f"<option>{one}</option>" for one in _FUNCTIONS)
        form = (
            f'<form method="post" action="{escape(request.path)}sign">'
            '<label for="function">Hàm / Function</label>'
            f'<select id="function" name="function">{options}</select>'
            '<label for="argument">Tham số (confirmation.hand_off.argument)</label>'
            '<textarea id="argument" name="argument" rows="8"></textarea>'
            "<button>Ký / Sign</button></form>"
        )
        return page(self.title, form)

    async def _sign(self, request: web.Request) -> web.Response:
        as_json = request.content_type == "application/json"
        asked: Any = await (request.json() if as_json else request.post())
        function, argument = str(asked.get("function", "")), str(asked.get("argument", ""))
        try:
            said = await self.desk.call(function, argument)
        except (ValueError, KeyError, TypeError, OSError, ClientError) as error:
            said = {"Status": 1, "Message": f"{type(error).__name__}"}
        return web.json_response(said)


class KeySimulators:
    """All of them over one development PKI, and the keys that use them.

    Args:
        pki: whose identities they sign with.
        gateway_url: whom MySign, SmartCA and the bridge call back.
    """

    def __init__(self, pki: DevPki, gateway_url: str) -> None:
        self._pki = pki
        self._gateway_url = gateway_url
        self.csc = CodeSimulator(pki)
        self.smartca = AppSimulator("smartca", "VNPT SmartCA", SmartCaSimulator(pki))
        self.mysign = AppSimulator("mysign", "Viettel MySign", MySignSimulator(pki))
        self.hook = AppSimulator("hook", "Cầu nối / bridge", HookSimulator(pki))
        self.vgca = DesktopSimulator(pki)

    def simulators(self) -> Sequence[Simulator]:
        """What a server mounts."""
        return (self.csc, self.smartca, self.mysign, self.hook, self.vgca)

    def listen_at(self, url_of: Callable[[str], str]) -> None:
        """Tell each its address, and whom to call back."""
        self.csc.desk.base_url = url_of(self.csc.name)
        for app, key in (
            (self.smartca, "smartca"), (self.mysign, "mysign-callback"), (self.hook, "hook"),
        ):  # fmt: skip
            app.desk.base_url = url_of(app.name)
            app.desk.callback_url = f"{self._gateway_url}/callbacks/signing/{key}"

    def keys(self) -> dict[str, dict[str, Any]]:
        """``[signing.keys.<name>]`` of a gateway that uses them; the holder says which it is."""
        csc, mysign = self.csc.desk, self.mysign.desk
        assert isinstance(mysign, MySignSimulator)
        found = {
            f"csc-{api}": _settings(csc.key_config(identity, api))
            for api, identity in CSC_IDENTITIES.items()
        }
        found["smartca"] = _settings(self._configured(self.smartca))
        found["mysign"] = _settings(mysign.key_config())
        found["mysign-callback"] = _settings(mysign.key_config(delivery="callback"))
        found["mysign-csc"] = _settings(mysign.key_config(api="csc", timeout_s=180.0))
        found["hook"] = _settings(self._configured(self.hook))
        certificate = str(Path(self._pki.directory) / f"{RemoteDesk.identity}.pem")
        found["vgca"] = {"kind": "vgca", "path": certificate, "allow_pkcs1v15": True}
        for name, key in found.items():
            key |= {"holder": holder_of(name), "name": "Nguyễn Văn Mẫu", "title": "Chủ tịch"}
        return found

    @staticmethod
    def _configured(app: AppSimulator) -> KeyConfig:
        desk = app.desk
        assert isinstance(desk, SmartCaSimulator | HookSimulator)
        return desk.key_config()


def holder_of(name: str) -> str:
    """The official who signs with a simulated key: ``official:thu.smartca``."""
    return f"official:thu.{name}"


def _settings(key: KeyConfig) -> dict[str, Any]:
    """A key as an operator writes it: what is as by default is left out."""
    assert key.remote is not None
    usual = asdict(RemoteConfig())
    remote = {name: value for name, value in asdict(key.remote).items() if value != usual[name]}
    found: dict[str, Any] = {"kind": key.kind, "remote": remote}
    return found | ({"allow_pkcs1v15": True} if key.allow_pkcs1v15 else {})
