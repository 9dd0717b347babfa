"""VNPT SmartCA version 1 over loopback, in its real wire format, with scripted misbehaviour.

Strict on purpose: a request with a field the document does not name, a digest that is not
lower-case hexadecimal SHA-256, or a transaction's id used twice is refused. Follows "Tài liệu tích
hợp VNPT SMARTCA" §3.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import aiohttp
from aiohttp import web

from signing.contract import KeyConfig
from signing.devpki.loopback import der_text
from signing.devpki.remote_desk import RemoteDesk, Transaction
from signing.key_config import RemoteConfig

SP_ID, SP_PASSWORD = "motcua.apps.phat-trien", "bi-mat-cua-motcua"
USER_ID = "001099000001"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {
    "sp_id", "sp_password", "user_id", "transaction_id", "transaction_desc", "time_stamp",
    "serial_number", "sign_files",
}  # fmt: skip


class SmartCaSimulator(RemoteDesk):
    """One user, who holds one development identity."""

    def key_config(self, **changes: Any) -> KeyConfig:
        """A key as an operator would configure it."""
        remote = {
            "url": self.base_url,
            "client_id": SP_ID,
            "client_secret": SP_PASSWORD,
            "user_id": USER_ID,
            **changes,
        }
        rest = {"allow_pkcs1v15": remote.pop("allow_pkcs1v15", True)}
        return KeyConfig("smartca", "smartca", remote=RemoteConfig(**remote), **rest)

    def application(self) -> web.Application:
        """The three calls."""
        app = web.Application()
        base = "/sca/sp769/v1"
        app.router.add_post(f"{base}/credentials/get_certificate", self._certificate)
        app.router.add_post(f"{base}/signatures/sign", self._sign)
        app.router.add_post(f"{base}/signatures/sign/{{transaction}}/status", self._status)
        return app

    def webhook(self, reference: str) -> bytes:
        """The body pushed when a transaction is over (§3.5)."""
        one = self.transactions[reference]
        told = {
            "sp_id": SP_ID,
            "status_code": 200,
            "message": "SUCCESS",
            "transaction_id": reference,
            "signed_files": _listed(one),
        }
        return web.json_response(told).body  # type: ignore[return-value]  # it is bytes

    async def _certificate(self, request: web.Request) -> web.Response:
        self.calls.certificate += 1
        asked = await self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        issuing, root = self.pki.issuing.certificate, self.pki.root.certificate
        own = self.pki.certificate(self.identity)
        listed = {
            "service_type": "SMARTCA",
            "service_name": "SMARTCA PERSONAL PRO",
            "cert_id": "fcfffddf-2bed-4dda-8276-d00b4c3df6c9",
            "cert_status": "Đang hoạt động",
            "serial_number": f"{own.serial_number:x}",
            "cert_subject": own.subject.rfc4514_string(),
            "cert_valid_from": own.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "cert_valid_to": own.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "cert_data": der_text(own),
            "chain_data": {"ca_cert": der_text(issuing), "root_cert": der_text(root)},
            "transaction_id": asked["transaction_id"],
        }
        return _success("Success", {"user_certificates": [listed]})

    async def tell(self, session: aiohttp.ClientSession, one: Transaction, *, forged: bool) -> None:
        """Its webhook proves nothing, so that a forged one looks the same."""
        del forged
        headers = {"Content-Type": "application/json"}
        body = self.webhook(one.reference)
        async with session.post(self.callback_url, data=body, headers=headers):
            pass

    async def _sign(self, request: web.Request) -> web.Response:
        self.calls.start += 1
        if self.faults.take("silent_before_work"):
            await self.lose_answer()
        asked = await self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        self.calls.bodies.append(asked)
        reference = asked["transaction_id"]
        files = {one["doc_id"]: one["data_to_be_signed"] for one in asked["sign_files"]}
        fits = all(_DIGEST.fullmatch(one) for one in files.values())
        if set(asked) - _FIELDS or not fits or reference in self.transactions:
            return _failure(400, "BAD_REQUEST")
        digests = {item: bytes.fromhex(text) for item, text in files.items()}
        title = str(asked["transaction_desc"])
        self.transactions[reference] = Transaction(reference, digests, title=title)
        if self.faults.take("silent_after_work"):
            await self.lose_answer()
        told = {"transaction_id": reference, "tran_code": f"tran-{len(self.transactions)}"}
        return _success("sig_wait_for_user_confirm", told)

    async def _status(self, request: web.Request) -> web.Response:
        self.calls.ask += 1
        spoilt = self._spoilt()
        if spoilt is not None:
            return spoilt
        one = self.transactions.get(request.match_info["transaction"])
        if one is None:
            return _failure(400, "BAD_REQUEST")
        if one.state == "confirmed":
            told = {"transaction_id": one.reference, "signatures": _listed(one)}
            return _success("SUCCESS", told)
        if one.state == "certificate_invalid":
            return _failure(403, "CREDENTIAL_STATUS_INVALID")
        message = {"rejected": "REJECTED", "expired": "EXPIRED"}.get(
            one.state, "sig_wait_for_user_confirm"
        )
        return _success(message, {"transaction_id": one.reference, "signatures": None})

    def _spoilt(self) -> web.Response | None:
        if self.faults.take("server_error"):
            return _failure(500, "SERVER_INTERNAL_ERROR")
        if self.faults.take("broken_answer"):
            return web.Response(text="<html>", content_type="text/html")
        if self.faults.take("unknown_code"):
            return _success("SIG_SOMETHING_NEW", {})
        return None

    async def _asked(self, request: web.Request) -> dict[str, Any] | web.Response:
        """The body of a partner that may ask, or the refusal."""
        spoilt = self._spoilt()
        if spoilt is not None:
            return spoilt
        asked: dict[str, Any] = await request.json()
        known = (asked.get("sp_id"), asked.get("sp_password"), asked.get("user_id"))
        if known != (SP_ID, SP_PASSWORD, USER_ID) or self.faults.take("account_refused"):
            return _failure(401, "SP_CREDENTIAL_INVALID")
        return asked


def _listed(one: Transaction) -> list[dict[str, Any]]:
    return [
        {
            "doc_id": item,
            "signature_value": base64.b64encode(signature).decode(),
            "timestamp_signature": None,
        }
        for item, signature in one.signatures.items()
    ]


def _success(message: str, data: dict[str, Any]) -> web.Response:
    return web.json_response({"status_code": 200, "message": message, "data": data})


def _failure(code: int, message: str) -> web.Response:
    return web.json_response({"status_code": code, "message": message, "data": None})
