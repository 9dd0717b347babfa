"""A remote signing service over loopback: CSC API v1 and v2, with scripted misbehaviour.

Owns the protocol as a service sees it: bearer tokens, one-time codes, signature activation data
that is bound to one digest (SCAL 2) or to a number of signatures (SCAL 1) and expires when told to.
Its keys are the development PKI's. Strict on purpose: a request with a field of the other version
is refused, so that a client that mixes them is found out. Follows CSC API 1.0.4.0 and 2.0.0.2.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from asn1crypto import algos
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.contract import KeyConfig
from signing.devpki.authority import PASSWORD, DevPki
from signing.devpki.loopback import LoopbackServer, der_text
from signing.devpki.scripted import ScriptedFaults
from signing.key_config import RemoteConfig

PIN = "246810"
OTP = "135790"
_CLIENT = ("motcua", "bi-mat-phat-trien")
_TOKEN = "the-phat-trien"  # noqa: S105 - a worthless token of the simulator
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_SIZES = (256, 384, 512)
_RSA_PSS = "1.2.840.113549.1.1.10"
_RSA_WITH = {f"1.2.840.113549.1.1.1{n}": size for n, size in zip((1, 2, 3), _SIZES, strict=True)}
_ECDSA_WITH = {f"1.2.840.10045.4.3.{n}": size for n, size in zip((2, 3, 4), _SIZES, strict=True)}
_FIELDS = {
    ("v1", "authorize"): {"credentialID", "numSignatures", "hash", "PIN", "OTP"},
    ("v2", "authorize"): {
        "credentialID", "numSignatures", "hashes", "hashAlgorithmOID", "authData",
    },
    ("v1", "sign"): {"credentialID", "SAD", "hash", "hashAlgo", "signAlgo", "signAlgoParams"},
    ("v2", "sign"): {
        "credentialID", "SAD", "hashes", "hashAlgorithmOID", "signAlgo", "signAlgoParams",
        "operationMode",
    },
    ("v1", "extend"): {"credentialID", "hash", "SAD"},
    ("v2", "extend"): {"credentialID", "hashes", "hashAlgorithmOID", "SAD"},
}  # fmt: skip


@dataclass(slots=True)
class CscFaults(ScriptedFaults):
    """What goes wrong on purpose."""

    rejected: bool = False  # the person says no in the app
    expired: bool = False  # the person was too slow: the activation data is stale
    quota: bool = False
    wrong_signature: bool = False
    silent_after_signing: bool = False  # the work is done, the answer never comes
    silent_before_signing: bool = False  # authorize never answers
    broken_answer: bool = False
    server_error: bool = False
    cert_status: str = "valid"
    certificate_revoked: bool = False  # says the service
    strangers_chain: bool = False  # the chain leads nowhere
    expires_after: int | None = None  # signatures under one authorisation, before it is stale
    loses_answer_of: int | None = None  # the answer to this signHash never comes


@dataclass(slots=True)
class CscCalls:
    """How often each method was asked, and what was really signed."""

    info: int = 0
    authorize: int = 0
    extend: int = 0
    sign_hash: int = 0
    signed: list[bytes] = field(default_factory=list)


class _Refused(Exception):
    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(error)
        self.answer = web.json_response(
            {"error": error, "error_description": description}, status=status
        )


@dataclass(slots=True)
class _Activation:
    """What an authorisation still allows."""

    digest: str | None  # the one digest it is good for; None: any
    left: int
    used: int = 0
    extended: bool = True  # asked for since the last signature


class CscSimulator(LoopbackServer):
    """One credential a development identity (its id is the identity's name)."""

    def __init__(self, pki: DevPki, *, asks_pin: bool = True, asks_otp: bool = False) -> None:
        super().__init__()
        self.scal, self.multisign = "2", 1
        self.algorithms: list[str] | None = None  # what credentials/info offers, if not all
        self.wants_extension = False  # lists credentials/extendTransaction, and insists on it
        self.faults = CscFaults()
        self.calls = CscCalls()
        self.asks_pin, self.asks_otp = asks_pin, asks_otp
        self._pki = pki
        self._activations: dict[str, _Activation] = {}  # by SAD
        self._used_codes: set[str] = set()

    def key_config(self, identity: str, api: str, **changes: Any) -> KeyConfig:
        """One identity as a configured remote key."""
        settings = {
            "url": f"{self.base_url}/csc/{api}",
            "api": api,
            "credential_id": identity,
            "client_id": _CLIENT[0],
            "client_secret": _CLIENT[1],
            "timeout_s": 5.0,
        }
        return KeyConfig(identity, "csc", remote=RemoteConfig(**{**settings, **changes}))

    def renew_code(self) -> None:
        """The one-time code may be used once more, as if a new one had been sent."""
        self._used_codes.clear()

    def application(self) -> web.Application:
        """The methods of both versions."""
        app = web.Application(middlewares=[_refusals])
        app.router.add_post("/csc/{api}/oauth2/token", self._token)
        app.router.add_post("/csc/{api}/info", self._about)
        app.router.add_post("/csc/{api}/credentials/info", self._info)
        app.router.add_post("/csc/{api}/credentials/extendTransaction", self._extend)
        app.router.add_post("/csc/{api}/credentials/authorize", self._authorize)
        app.router.add_post("/csc/{api}/signatures/signHash", self._sign_hash)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != _CLIENT:
            raise _Refused(401, "invalid_client")
        return web.json_response(
            {"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 3600}
        )

    async def _about(self, request: web.Request) -> web.Response:
        methods = ["credentials/info", "credentials/authorize", "signatures/signHash"]
        if self.wants_extension:
            methods.append("credentials/extendTransaction")
        return web.json_response({"specs": "1.0.4.0", "name": "Thử", "methods": methods})

    # ------------------------------------------------------------------ credentials

    async def _info(self, request: web.Request) -> web.Response:
        self.calls.info += 1
        asked = await self._asked(request)
        certificate = self._pki.certificate(_identity(self._pki, asked))
        chain = [certificate] if self.faults.take("strangers_chain") else [
            certificate, self._pki.issuing.certificate, self._pki.root.certificate,
        ]  # fmt: skip
        is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
        key: dict[str, Any] = {
            "status": "enabled",
            "algo": self.algorithms or ([_RSA_PSS, *_RSA_WITH] if is_rsa else [*_ECDSA_WITH]),
        }
        revoked = self.faults.take("certificate_revoked")
        status = "revoked" if revoked else self.faults.cert_status
        cert = {"status": status, "certificates": [der_text(one) for one in chain]}
        how = self._how_v2() if request.match_info["api"] == "v2" else self._how_v1()
        return web.json_response({"key": key, "cert": cert, "multisign": self.multisign, **how})

    def _how_v1(self) -> dict[str, Any]:
        return {
            "authMode": "explicit",
            "SCAL": self.scal,
            "PIN": {"presence": "true" if self.asks_pin else "false", "format": "N"},
            "OTP": {"presence": "true" if self.asks_otp else "false", "type": "offline"},
        }

    def _how_v2(self) -> dict[str, Any]:
        asked = [("PIN", self.asks_pin), ("OTP", self.asks_otp)]
        objects = [{"type": "Password", "id": name} for name, wanted in asked if wanted]
        expression = " AND ".join(str(one["id"]) for one in objects)
        auth = {"mode": "explicit", "expression": expression, "objects": objects}
        return {"SCAL": self.scal, "auth": auth}

    async def _authorize(self, request: web.Request) -> web.Response:
        self.calls.authorize += 1
        api = request.match_info["api"]
        asked = await self._asked(request, "authorize")
        if self.faults.take("silent_before_signing"):
            await self.lose_answer()
        self._check_secrets(_secrets(api, asked))
        if self.faults.take("quota"):
            raise _Refused(429, "quota_exceeded")
        if self.faults.take("rejected"):
            raise _Refused(400, "access_denied", "The user said no: Nguyễn Văn Mẫu")
        count = int(asked["numSignatures"])
        if count > self.multisign:
            raise _Refused(400, "invalid_request", "Invalid parameter numSignatures")
        bound = _hash(api, asked) if self.scal == "2" or count == 1 else None
        sad = f"sad-{self.calls.authorize}"
        self._activations[sad] = _Activation(bound, count)
        return web.json_response({"SAD": sad, "expiresIn": 300})

    async def _extend(self, request: web.Request) -> web.Response:
        self.calls.extend += 1
        asked = await self._asked(request, "extend")
        activation = self._activations.pop(str(asked["SAD"]), None)
        if activation is None or not activation.left:
            raise _Refused(400, "invalid_request", "Invalid parameter SAD")
        sad = f"sad-{self.calls.authorize}-{self.calls.extend}"
        activation.extended = True
        self._activations[sad] = activation
        return web.json_response({"SAD": sad, "expiresIn": 300})

    def _use(self, sad: str, wanted: str) -> None:
        """One signature under an authorisation."""
        activation = self._activations.get(sad)
        if activation is None or not activation.left or activation.digest not in (None, wanted):
            raise _Refused(400, "invalid_request", "Hash is not authorized by the SAD")
        stale = activation.used == self.faults.expires_after
        unextended = self.wants_extension and not activation.extended
        if self.faults.take("expired") or stale or unextended:
            raise _Refused(400, "invalid_request", "Expired SAD")
        activation.left, activation.used = activation.left - 1, activation.used + 1
        activation.extended = False

    def _check_secrets(self, given: dict[str, str]) -> None:
        if self.asks_pin and given.get("PIN") != PIN:
            raise _Refused(400, "invalid_pin", f"not {given.get('PIN')}")
        if not self.asks_otp:
            return
        if given.get("OTP") != OTP or OTP in self._used_codes:
            raise _Refused(400, "invalid_otp")
        self._used_codes.add(OTP)

    # ------------------------------------------------------------------ signatures

    async def _sign_hash(self, request: web.Request) -> web.Response:
        self.calls.sign_hash += 1
        api = request.match_info["api"]
        asked = await self._asked(request, "sign")
        if self.faults.take("server_error"):
            raise web.HTTPBadGateway
        wanted = _hash(api, asked)
        self._use(str(asked.get("SAD")), wanted)
        named = _DIGESTS.get(str(asked.get("hashAlgorithmOID" if api == "v2" else "hashAlgo")))
        digest = base64.b64decode(wanted, validate=True)
        if named is None or len(digest) != named.digest_size:
            raise _Refused(400, "invalid_request", "Invalid hash algorithm")
        shown = bytes(len(digest)) if self.faults.take("wrong_signature") else digest
        signature = self._sign(asked, shown, named)
        self.calls.signed.append(digest)
        lost = self.calls.sign_hash == self.faults.loses_answer_of
        if self.faults.take("silent_after_signing") or lost:
            await self.lose_answer()
        if self.faults.take("broken_answer"):
            return web.Response(text="<html>", content_type="text/html")
        return web.json_response({"signatures": [base64.b64encode(signature).decode()]})

    def _sign(self, asked: dict[str, Any], digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        path = self._pki.directory / f"{_identity(self._pki, asked)}.p12"
        key = pkcs12.load_pkcs12(path.read_bytes(), PASSWORD.encode()).key
        scheme, prehashed, bits = asked["signAlgo"], Prehashed(algorithm), 8 * len(digest)
        if isinstance(key, ec.EllipticCurvePrivateKey) and _ECDSA_WITH.get(scheme) == bits:
            return key.sign(digest, ec.ECDSA(prehashed))
        if isinstance(key, rsa.RSAPrivateKey) and _RSA_WITH.get(scheme) == bits:
            return key.sign(digest, padding.PKCS1v15(), prehashed)
        if isinstance(key, rsa.RSAPrivateKey) and scheme == _RSA_PSS:
            stated = algos.RSASSAPSSParams.load(base64.b64decode(asked["signAlgoParams"]))
            if stated["hash_algorithm"]["algorithm"].native != algorithm.name:
                raise _Refused(400, "invalid_request", "Invalid parameter signAlgoParams")
            salt = int(stated["salt_length"].native)
            pss = padding.PSS(padding.MGF1(algorithm), salt)
            return key.sign(digest, pss, prehashed)
        raise _Refused(400, "invalid_request", "Invalid parameter signAlgo")

    async def _asked(self, request: web.Request, method: str = "") -> dict[str, Any]:
        """The body, when the caller may ask and names no field of the other version."""
        if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
            raise _Refused(401, "invalid_token")
        asked: dict[str, Any] = await request.json()
        known = _FIELDS.get((request.match_info["api"], method))
        if known is not None and set(asked) - known:
            raise _Refused(400, "invalid_request", "Unknown field")
        return asked


@web.middleware
async def _refusals(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except _Refused as refused:
        return refused.answer
    except (KeyError, ValueError, IndexError, TypeError):
        return _Refused(400, "invalid_request", "Malformed").answer
    return answer


def _identity(pki: DevPki, asked: dict[str, Any]) -> str:
    name = str(asked["credentialID"])
    if not name.replace("-", "").isalnum() or not (pki.directory / f"{name}.p12").exists():
        raise _Refused(400, "invalid_request", "Invalid parameter credentialID")
    return name


def _hash(api: str, asked: dict[str, Any]) -> str:
    (only,) = asked["hashes" if api == "v2" else "hash"]
    return str(only)


def _secrets(api: str, asked: dict[str, Any]) -> dict[str, str]:
    if api == "v2":
        return {str(one["id"]): str(one["value"]) for one in asked.get("authData", ())}
    return {name: str(asked[name]) for name in ("PIN", "OTP") if name in asked}
