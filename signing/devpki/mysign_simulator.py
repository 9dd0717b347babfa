"""Viettel MySign over loopback, in the wire formats of both dialects, with scripted misbehaviour.

vtss: login for a user, certificates/info, signHash (held open, polled or pushed), requests/status,
and the two calls with which it pushes a result. CSC: the ADSS paths of CSC API 1.0 with a call to
authorize that stays open until the owner confirms. Strict on purpose: an unknown field, a title
that is not base64 of plain letters, or counts that differ are refused. Follows the vtss document,
version 1.9, and public integrations of the CSC dialect.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import aiohttp
from aiohttp import web

from signing.contract import KeyConfig
from signing.devpki.authority import DevPki
from signing.devpki.loopback import der_text
from signing.devpki.remote_desk import RemoteDesk, Transaction
from signing.key_config import RemoteConfig

CLIENT_ID, CLIENT_SECRET = "motcua-phat-trien", "bi-mat-mysign-cua-motcua"
CALLBACK_ID, CALLBACK_SECRET = "mysign-goi-lai", "bi-mat-goi-lai-cua-mysign"
USER_ID = "CMT_001099000001"
CREDENTIAL_ID = "001099000001_1_20260101"
_TOKEN = "the-cua-mysign"  # noqa: S105 - the same
_SIGN_FIELDS = {
    "client_id", "client_secret", "credentialID", "numSignatures", "description", "documents",
    "hash", "hashAlgo", "signAlgo", "async",
}  # fmt: skip
_TITLE = re.compile(r"[A-Za-z0-9_\- ]*")
_PUSHED = 3  # "async": how the end of a request is told
_CODES = {
    "waiting": "4000",
    "rejected": "4002",
    "expired": "4001",
    "quota": "4005",
    "certificate_invalid": "13004",
}


class MySignSimulator(RemoteDesk):
    """One user, who holds one development identity."""

    def __init__(self, pki: DevPki) -> None:
        super().__init__(pki)
        self._decided = asyncio.Event()

    def key_config(self, **changes: Any) -> KeyConfig:
        """A key as an operator would configure it."""
        remote = {
            "url": self.base_url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "user_id": USER_ID,
            "callback_id": CALLBACK_ID,
            "callback_secret": CALLBACK_SECRET,
            **changes,
        }
        rest = {"allow_pkcs1v15": remote.pop("allow_pkcs1v15", True)}
        return KeyConfig("mysign", "mysign", remote=RemoteConfig(**remote), **rest)

    def application(self) -> web.Application:
        """Both dialects."""
        app = web.Application()
        for path, handler in {
            "/vtss/service/ras/v1/login": self._login,
            "/vtss/service/certificates/info": self._certificates,
            "/vtss/service/signHash": self._sign_hash,
            "/vtss/service/requests/status": self._status,
            "/adss/service/ras/v1/login": self._login,
            "/adss/service/ras/csc/v1/credentials/list": self._csc_list,
            "/adss/service/ras/csc/v1/credentials/info": self._csc_info,
            "/adss/service/ras/csc/v1/credentials/authorize": self._csc_authorize,
            "/adss/service/ras/csc/v1/signatures/signHash": self._csc_sign,
        }.items():
            app.router.add_post(path, handler)
        return app

    def _settle(self, one: Transaction, decided: str, name: str, *, pss: bool) -> None:
        """As every desk does; calls that are held open go on."""
        super()._settle(one, decided, name, pss=pss)
        self._decided.set()

    # ------------------------------------------------------------------ pushing

    @staticmethod
    def token_call(secret: str = CALLBACK_SECRET) -> bytes:
        """The body with which the service asks to be let in."""
        asked = {"grant_type": "client_credentials", "client_id": CALLBACK_ID}
        return json.dumps({**asked, "client_secret": secret}).encode()

    def result_call(self, transaction: str) -> bytes:
        """The body with which it brings a result."""
        one = self.transactions[transaction]
        results = [
            {"document_id": item, "signature": base64.b64encode(signature).decode()}
            for item, signature in one.signatures.items()
        ]
        meta = {
            "request_id": f"VIETTEL_{transaction}_1",
            "transaction_id": transaction,
            "description": "",
            "status": _CODES.get(one.state, "1"),
        }
        moment = int(self.pki.clock.now().timestamp())
        data = {"action_timestamp": moment, "signature_timestamp": moment, "results": results}
        return json.dumps({"meta_data": meta, "data": data}).encode()

    async def tell(self, session: aiohttp.ClientSession, one: Transaction, *, forged: bool) -> None:
        """Ask for a token, then bring the result with it; who forges makes a token up."""
        token = "1.0"  # noqa: S105 - made up, and worth nothing
        if not forged:
            headers = {"Content-Type": "application/json"}
            call = self.token_call()
            async with session.post(self.callback_url, data=call, headers=headers) as answer:
                token = (await answer.json())["data"]["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        body = self.result_call(one.reference)
        async with session.post(self.callback_url, data=body, headers=headers):
            pass

    # ------------------------------------------------------------------ vtss

    async def _login(self, request: web.Request) -> web.Response:
        asked = await request.json()
        known = (asked.get("client_id"), asked.get("client_secret"), asked.get("user_id"))
        if self.faults.take("account_refused") or known != (CLIENT_ID, CLIENT_SECRET, USER_ID):
            return web.json_response({"error": "invalid_client"}, status=401)
        return web.json_response(
            {
                "access_token": _TOKEN,
                "refresh_token": "",
                "token_type": "Bearer",
                "expires_in": "3600",
            }
        )

    async def _certificates(self, request: web.Request) -> web.Response:
        self.calls.certificate += 1
        await self._asked(request)
        return self._spoilt() or web.json_response([self._credential()])

    def _credential(self) -> dict[str, Any]:
        own = self.pki.certificate(self.identity)
        chain = (own, self.pki.issuing.certificate, self.pki.root.certificate)
        return {
            "description": "Go>Sign mobile based implicit credential authorization",
            "key": {"status": "enabled", "algo": ["1.2.840.113549.1.1.1"], "len": "2048"},
            "cert": {
                "status": "valid",
                "certificates": [der_text(one) for one in chain],
                "subjectDN": own.subject.rfc4514_string(),
                "issuerDN": own.issuer.rfc4514_string(),
                "serialNumber": str(own.serial_number),
            },
            "authMode": "implicit",
            "multisign": "2147483647",
            "credential_id": CREDENTIAL_ID,
            "scal": "2",
        }

    async def _sign_hash(self, request: web.Request) -> web.Response:
        self.calls.start += 1
        if self.faults.take("silent_before_work"):
            await self.lose_answer()
        asked = await self._asked(request)
        self.calls.bodies.append(asked)
        spoilt = self._spoilt()
        if spoilt is not None:
            return spoilt
        if not _is_well_formed(asked):
            return web.json_response({"error": 58007, "error_description": "bad request"})
        names = [one["document_id"] for one in asked["documents"]]
        digests = [base64.b64decode(text) for text in asked["hash"]]
        transaction = f"de67f948-0498-4919-af28-{len(self.transactions):012d}"
        one = Transaction(transaction, dict(zip(names, digests, strict=True)))
        one.title, one.pushed = _read(asked["description"]), asked["async"] == _PUSHED
        self.transactions[transaction] = one
        if self.faults.take("silent_after_work"):
            await self.lose_answer()
        if asked["async"] != 0:
            return web.json_response({"transactionId": transaction})
        await self._until_decided(one)
        return self._answer(one)

    async def _until_decided(self, one: Transaction) -> None:
        """Hold a call open."""
        while one.state == "waiting":
            self._decided.clear()
            await self._decided.wait()

    async def _status(self, request: web.Request) -> web.Response:
        self.calls.ask += 1
        asked = await self._asked(request)
        spoilt = self._spoilt()
        if spoilt is not None:
            return spoilt
        one = self.transactions.get(asked["transactionId"])
        return web.json_response({"error": 59033}) if one is None else self._answer(one)

    def _answer(self, one: Transaction) -> web.Response:
        if one.state != "confirmed":
            return web.json_response({"status": _CODES[one.state], "signatures": None})
        listed = [_with_line_breaks(signature) for signature in one.signatures.values()]
        return web.json_response({"status": "1", "signatures": listed})

    def _spoilt(self) -> web.Response | None:
        if self.faults.take("server_error"):
            return web.json_response({"status": "50000"})
        if self.faults.take("broken_answer"):
            return web.Response(text="<html>", content_type="text/html")
        if self.faults.take("unknown_code"):
            return web.json_response({"status": "86024"})
        return None

    async def _asked(self, request: web.Request) -> dict[str, Any]:
        if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
            raise web.HTTPUnauthorized
        asked: dict[str, Any] = await request.json()
        return asked

    # ------------------------------------------------------------------ CSC

    async def _csc_list(self, request: web.Request) -> web.Response:
        await self._asked(request)
        return web.json_response({"credentialIDs": [CREDENTIAL_ID]})

    async def _csc_info(self, request: web.Request) -> web.Response:
        self.calls.certificate += 1
        await self._asked(request)
        return web.json_response(self._credential())

    async def _csc_authorize(self, request: web.Request) -> web.Response:
        """Open until the owner has decided."""
        self.calls.start += 1
        asked = await self._asked(request)
        self.calls.bodies.append(asked)
        (text,) = asked["hash"]
        one = Transaction(f"sad-{self.calls.start}", {text: base64.b64decode(text)})
        one.title, one.pushed = _read(asked.get("description", "")), False
        self.transactions[one.reference] = one
        await self._until_decided(one)
        refusals = {"rejected": "access_denied", "expired": "expired", "quota": "quota_exceeded"}
        if one.state != "confirmed":
            error = refusals.get(one.state, "invalid_request")
            return web.json_response({"error": error}, status=400)
        return web.json_response({"SAD": one.reference, "expiresIn": 300})

    async def _csc_sign(self, request: web.Request) -> web.Response:
        asked = await self._asked(request)
        self.calls.bodies.append(asked)
        one = self.transactions[asked["SAD"]]
        if asked["hash"] != list(one.digests):
            return web.json_response({"error": "invalid_request"}, status=400)
        if self.faults.take("silent_after_work"):
            await self.lose_answer()
        (signature,) = one.signatures.values()
        return web.json_response({"signatures": [_with_line_breaks(signature)]})


def _read(title: str) -> str:
    return base64.b64decode(title).decode()


def _is_well_formed(asked: dict[str, Any]) -> bool:
    titles = [asked["description"], *(one["document_name"] for one in asked["documents"])]
    plain = all(
        len(title) < 100 and _TITLE.fullmatch(base64.b64decode(title).decode()) for title in titles
    )
    count = asked["numSignatures"]
    counts = count == len(asked["hash"]) == len(asked["documents"])
    return plain and counts and set(asked) == _SIGN_FIELDS


def _with_line_breaks(signature: bytes) -> str:
    """As the service sends it: CR and LF after every 64 characters."""
    text = base64.b64encode(signature).decode()
    return "\r\n".join(text[start : start + 64] for start in range(0, len(text), 64)) + "\r\n"
