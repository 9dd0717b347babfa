"""A whole surrounding world on loopback: simulators of providers and a development PKI.

For ``motcua demo``, ``motcua serve --with-simulators`` and scenario tests. Nothing here serves
citizens: a live configuration refuses it.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from connectors.simulators.bank import BankSimulator
from connectors.simulators.server import SimulatorServer
from connectors.simulators.vnpay import VnpaySimulator
from connectors.simulators.vnpost_hcc import VNPostHccSimulator
from gateway.foundation.clock import Clock, SystemClock
from gateway.key_simulators import KeySimulators
from gateway.settings import Settings
from signing.devpki.authority import KEYS, PASSWORD, SEAL_MM, DevPki
from signing.devpki.server import DevPkiServer

AGENCY_CODE = "H55.12"
OFFICIALS = {
    "official-rsa": "official:nguyen.van.mau",
    "official-ec": "official:tran.thi.thu",
}
CLERK = "official:van.thu"
AGENCY = f"agency:{AGENCY_CODE}"


@dataclass
class World:
    """Simulators and PKI around one gateway at ``gateway_url``."""

    folder: Path
    gateway_url: str
    clock: Clock = field(default_factory=SystemClock)
    simulator_port: int = 0
    pki_port: int = 0
    remote_keys: bool = False  # signing services too, and keys that are kept there

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.vnpay = VnpaySimulator(self.clock)
        self.bank = BankSimulator(self.clock, formats=("casso", "sepay"))
        self.vnpost = VNPostHccSimulator(self.clock)
        pki = DevPki.create(self.folder / "pki", self.clock)
        self.pki = DevPkiServer(pki, port=self.pki_port)
        self.services = KeySimulators(pki, self.gateway_url) if self.remote_keys else None
        beside = self.services.simulators() if self.services else ()
        self.simulators = SimulatorServer(
            [self.vnpay, self.bank, self.vnpost, *beside], port=self.simulator_port
        )

    async def start(self) -> None:
        """Listen, and let the simulators know where to call back."""
        await self.simulators.start()
        await self.pki.start()
        if self.services:
            self.services.listen_at(self.simulators.url_of)
        self.vnpay.callback_url = f"{self.gateway_url}/callbacks/vnpay-main"
        self.bank.callback_urls = {
            "casso": f"{self.gateway_url}/callbacks/casso-main",
            "sepay": f"{self.gateway_url}/callbacks/sepay-main",
        }
        (self.folder / "root.pem").write_bytes(self.pki.pki.root_pem)

    async def close(self) -> None:
        """Let pending callbacks go out, then stop listening."""
        await self.simulators.close()
        await self.pki.close()

    def settings(self, **sections: dict[str, Any]) -> Settings:
        """The configuration of a gateway in this world; ``sections`` override single keys."""
        data: dict[str, Any] = {
            "server": {"public_url": self.gateway_url, "mode": "test"},
            "database": {"url": f"sqlite:///{self.folder / 'motcua.db'}"},
            "files": {"url": str(self.folder / "files")},
            "secrets": _kept_secrets(self.folder / "secrets.json"),
            "province": {"agency": "UBND phường Mẫu"},
            "payment_accounts": self._payment_accounts(),
            "postal_accounts": self._postal_accounts(),
            "signing": self._signing(),
            "webhooks": {"allowed_networks": ["127.0.0.0/8"]},
        }
        for name, values in sections.items():
            data[name] = {**data.get(name, {}), **values}
        return msgspec.convert(data, Settings)

    def _payment_accounts(self) -> dict[str, Any]:
        def account(provider: str, made: tuple[dict[str, Any], dict[str, tuple[str, ...]]]) -> Any:
            options, secret_values = made
            return {"provider": provider, **options, **{k: v[0] for k, v in secret_values.items()}}

        bank, bank_url = self.bank, self.simulators.url_of("bank")
        return {
            "vietqr-main": account("vietqr", bank.account_options(bank_url, "vietqr")),
            "vnpay-main": account(
                "vnpay", self.vnpay.account_options(self.simulators.url_of("vnpay"))
            ),
            "casso-main": account("casso", bank.account_options(bank_url, "casso")),
            "sepay-main": account("sepay", bank.account_options(bank_url, "sepay")),
        }

    def _postal_accounts(self) -> dict[str, Any]:
        options, secret_values = self.vnpost.account_options(self.simulators.url_of("vnpost_hcc"))
        return {
            "vnpost-hcc": {
                "provider": "vnpost_hcc",
                **options,
                **{k: v[0] for k, v in secret_values.items()},
            },
            "manual": {"provider": "manual"},
        }

    def _signing(self) -> dict[str, Any]:
        folder = self.pki.pki.directory
        keys = {}
        for key in KEYS:
            keys[key.name] = {
                "kind": "pkcs12",
                "path": str(folder / f"{key.name}.p12"),
                "password": PASSWORD,
                "holder": OFFICIALS.get(key.name, AGENCY),
                "name": key.common_name.partition(" (")[0],
                "title": key.title or "",
                "clerks": [CLERK, *OFFICIALS.values()] if key.seal else [],
                "certifies": [] if key.seal else [AGENCY_CODE],
                "image": str(folder / f"{key.name}.png"),
                "image_width_mm": SEAL_MM if key.seal else None,
                "image_height_mm": SEAL_MM if key.seal else None,
            }
        return {"keys": keys | self.trial_keys()["keys"], **self._trust()}

    def trial_keys(self) -> dict[str, Any]:
        """``[signing]`` of somebody's own gateway that uses the simulated signing services."""
        return {"keys": self.services.keys() if self.services else {}, **self._trust()}

    def _trust(self) -> dict[str, Any]:
        intermediates = self.pki.pki.directory / "issuing.pem"
        return {
            "timestamps": {"urls": [f"{self.pki.base_url}/tsa"], "timeout_s": 5.0},
            "trust": {
                "roots": [str(self.folder / "root.pem")],
                "intermediates": [str(intermediates)],
                "allow_loopback": True,
            },
        }


def listen(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket, so that an address is known before the gateway is built."""
    found = socket.create_server((host, port), backlog=1024)
    found.setblocking(False)
    return found


def _kept_secrets(path: Path) -> dict[str, Any]:
    """Secrets of this folder's database: made once, found again after a restart."""
    if not path.exists():
        made = {"master_keys": [secrets.token_hex(32)], "pepper": secrets.token_hex(32)}
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(made))
    kept: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return kept
