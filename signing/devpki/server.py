"""The development PKI over loopback HTTP: TSA, OCSP, CRL, and scripted misbehaviour.

Owns the answers and the switches that tests and drills set. Leaves keys to
``signing.devpki.authority``. Follows RFC 3161, RFC 6960, RFC 5280.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType

from aiohttp import web
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.contract import SignerConfig
from signing.devpki.authority import DevPki
from signing.devpki.certificates import Issuer, Profile, issue, subject
from signing.devpki.tokens import answer, refuse

_HELD_FOR = timedelta(hours=6)


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose."""

    tsa_down: bool = False
    tsa_refuses: bool = False
    tsa_wrong_nonce: bool = False
    tsa_wrong_imprint: bool = False
    tsa_time_offset: timedelta = timedelta()
    tsa_delay_s: float = 0.0
    tsa_failures: int = 0  # this many requests get 503, then it works again
    tsa_password: str = ""  # "user:password" wanted by HTTP basic authentication
    ocsp_down: bool = False
    ocsp_stranger: bool = False  # signed by a key that nobody authorised
    ocsp_always_good: bool = False
    ocsp_stale: bool = False
    ocsp_delay_s: float = 0.0
    crl_down: bool = False
    crl_pem: bool = False  # as rootca.gov.vn serves it


@dataclass(slots=True)
class Calls:
    """How often each service was asked."""

    tsa: int = 0
    ocsp: int = 0
    crl: int = 0
    tsa_under_way: int = 0
    tsa_at_once: int = 0  # the most that were under way together


@dataclass(slots=True)
class DevPkiServer:
    """Serves one PKI on one loopback port; start it, or use it as an async context."""

    pki: DevPki
    host: str = "127.0.0.1"
    port: int = 0
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    _runner: web.AppRunner | None = None
    _stranger: Issuer | None = None

    async def __aenter__(self) -> DevPkiServer:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> str:
        """Listen, and make the certificates name the address; gives the base URL."""
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]
        self.pki.issue_for(self.base_url)
        return self.base_url

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def signer_config(self) -> SignerConfig:
        """What a signing service needs to use this PKI."""
        return self.pki.signer_config(self.base_url)

    def revoke(self, serial: int) -> None:
        """Revoke a certificate."""
        self.pki.revoke(serial)

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/tsa", self._tsa)
        app.router.add_post("/ocsp", self._ocsp)
        app.router.add_get("/crl/{name}.crl", self._crl)
        return app

    async def _tsa(self, request: web.Request) -> web.Response:
        calls, faults = self.calls, self.faults
        calls.tsa += 1
        faults.tsa_failures, failing = max(0, faults.tsa_failures - 1), faults.tsa_failures > 0
        if faults.tsa_down or failing:
            raise web.HTTPServiceUnavailable
        if faults.tsa_password and not _knows(request, faults.tsa_password):
            raise web.HTTPUnauthorized
        calls.tsa_under_way += 1
        calls.tsa_at_once = max(calls.tsa_at_once, calls.tsa_under_way)
        try:
            await asyncio.sleep(faults.tsa_delay_s)
        finally:
            calls.tsa_under_way -= 1
        asked = tsp.TimeStampReq.load(await request.read())
        response = refuse("no") if self.faults.tsa_refuses else self._grant(asked)
        return web.Response(body=response.dump(), content_type="application/timestamp-reply")

    def _grant(self, asked: tsp.TimeStampReq) -> tsp.TimeStampResp:
        if self.faults.tsa_wrong_nonce:
            asked["nonce"] = asked["nonce"].native + 1
        if self.faults.tsa_wrong_imprint:
            asked["message_imprint"]["hashed_message"] = bytes(32)
        moment = self.pki.clock.now().astimezone(UTC) + self.faults.tsa_time_offset
        return answer(
            asked, self.pki.tsa, self.pki.issuing.certificate, self.pki.next_serial(), moment
        )

    async def _ocsp(self, request: web.Request) -> web.Response:
        self.calls.ocsp += 1
        if self.faults.ocsp_down:
            raise web.HTTPServiceUnavailable
        await asyncio.sleep(self.faults.ocsp_delay_s)
        asked = ocsp.load_der_ocsp_request(await request.read())
        revoked_at = None
        if not self.faults.ocsp_always_good:
            revoked_at = self.pki.revocations().get(asked.serial_number)
        response = self._ocsp_response(asked, revoked_at)
        return web.Response(
            body=response.public_bytes(Encoding.DER), content_type="application/ocsp-response"
        )

    def _ocsp_response(
        self, asked: ocsp.OCSPRequest, revoked_at: datetime | None
    ) -> ocsp.OCSPResponse:
        now = self.pki.clock.now().replace(microsecond=0)
        if self.faults.ocsp_stale:
            now -= 2 * _HELD_FOR
        signer = self._make_stranger() if self.faults.ocsp_stranger else self.pki.ocsp
        status = ocsp.OCSPCertStatus.GOOD if revoked_at is None else ocsp.OCSPCertStatus.REVOKED
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                issuer_name_hash=asked.issuer_name_hash,
                issuer_key_hash=asked.issuer_key_hash,
                serial_number=asked.serial_number,
                algorithm=asked.hash_algorithm,
                cert_status=status,
                this_update=now,
                next_update=now + _HELD_FOR,
                revocation_time=revoked_at,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
            .certificates([signer.certificate])
        )
        return builder.sign(signer.key, hashes.SHA256())

    def _make_stranger(self) -> Issuer:
        if self._stranger is None:
            key = ec.generate_private_key(ec.SECP256R1())
            now = self.pki.clock.now().replace(microsecond=0)
            day = timedelta(days=1)
            profile = Profile(7, now - day, now + day, extended=(ExtendedKeyUsageOID.OCSP_SIGNING,))
            name = subject("Người lạ (PHÁT TRIỂN)")
            self._stranger = Issuer(key, issue(name, key.public_key(), profile, name, key))
        return self._stranger

    async def _crl(self, request: web.Request) -> web.Response:
        self.calls.crl += 1
        if self.faults.crl_down:
            raise web.HTTPServiceUnavailable
        issuer = {"root": self.pki.root, "issuing": self.pki.issuing}.get(
            request.match_info["name"]
        )
        if issuer is None:
            raise web.HTTPNotFound
        form = Encoding.PEM if self.faults.crl_pem else Encoding.DER
        body = self._list(issuer).public_bytes(form)
        return web.Response(body=body, content_type="application/pkix-crl")

    def _list(self, issuer: Issuer) -> x509.CertificateRevocationList:
        now = self.pki.clock.now().replace(microsecond=0)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(now)
            .next_update(now + _HELD_FOR)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
                critical=False,
            )
        )
        for serial, since in self.pki.revocations().items():
            entry = x509.RevokedCertificateBuilder(serial, since.replace(microsecond=0))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(issuer.key, hashes.SHA256())


def _knows(request: web.Request, password: str) -> bool:
    given = request.headers.get("Authorization", "")
    return given == "Basic " + b64encode(password.encode()).decode()
