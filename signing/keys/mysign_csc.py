"""Viettel MySign in its CSC dialect: CSC API 1.0 on Ascertia ADSS, confirmed while the call waits.

Owns what differs from ``csc``: the sign-in for one user, finding the user's only credential, the
titles the official reads, and the plain RSA algorithm identifier. The call credentials/authorize
stays open until the official has confirmed in the application (``authMode`` implicit), so the key
signs in one call and needs a long ``timeout_s``. From public integrations; unverified against the
vendor's own document.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from signing.keys.confirmed import refuse_pkcs1v15
from signing.keys.contract import OpenedKey
from signing.keys.conversation import Unanswered
from signing.keys.csc import CscService, CscSource
from signing.keys.mysign_messages import login_request, read_login, shown
from signing.keys.mysign_statuses import RSA
from signing.keys.refusals import no_single_certificate

_LOGIN = "adss/service/ras/v1/login"
_LIST = "credentials/list"


class MySignCscService(CscService):
    """One act's connection."""

    root = "adss/service/ras/csc/v1/"

    async def sign_in(self) -> str:
        """Get a token for the user."""
        try:
            token, _ = read_login(await self.post(_LOGIN, json=login_request(self.remote)))
        except ValueError as error:
            raise Unanswered(_LOGIN) from error
        return token

    async def credential_id(self) -> str:
        """The configured one, or the only one the user has."""
        if self.remote.credential_id:
            return self.remote.credential_id
        answer = await self.call(_LIST, {"userID": self.remote.user_id})
        listed = answer.get("credentialIDs")
        if not isinstance(listed, list):
            raise Unanswered(_LIST)
        if len(listed) != 1:
            raise no_single_certificate(self.config, len(listed), "remote.credential_id")
        return str(listed[0])

    def complete(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Say what is signed in the words the application shows."""
        if method == "credentials/info":
            return {**body, "certInfo": True}
        if method == "credentials/authorize":
            return {**body, **_titled(body), "description": shown("Ký văn bản")}
        if method == "signatures/signHash":
            # the service knows the hash from hashAlgo and names the key's algorithm only
            algorithm = RSA if str(body["signAlgo"]).startswith("1.2.840.113549.1.1.") else None
            return {**body, **_titled(body), **({"signAlgo": algorithm} if algorithm else {})}
        return dict(body)


def _titled(body: Mapping[str, Any]) -> dict[str, Any]:
    """One document, named by the beginning of its digest, as the gateway shows it too."""
    if "hash" not in body:
        return {}  # an authorisation that is bound to no digest names no document
    (text,) = body["hash"]
    name = base64.b64decode(text)[:4].hex()
    return {"documents": [{"document_id": name, "document_name": shown(f"Văn bản {name}")}]}


class MySignCscSource(CscSource):
    """A configured key at MySign; opened anew for each act."""

    service = MySignCscService

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Sign in as the user; refuse PKCS#1 v1.5 without the exception."""
        key = await super().open(pin, otp)
        try:
            refuse_pkcs1v15(self.config, key.certificate)
        except BaseException:
            await key.release()
            raise
        return key
