"""Keys kept by a remote signing service that speaks the Cloud Signature Consortium's API.

Owns one act's conversation: credentials/info when the key is opened, credentials/authorize with
the person's PIN or one-time code and signatures/signHash for each raw signature. An act of several
signatures takes one authorisation where the service does not bind it to digests (SCAL 1): each
digest is known only once the signature before it is in the file. What authorises is never stored,
so an act that a crash interrupts begins anew. The API has no
call that tells what became of a signHash, so one whose answer did not come is an unknown outcome:
told as such, never sent again. Leaves the messages to ``csc_messages``, the check of the returned
signature over our own digest to whoever embeds it, and trust in the certificate chain to
``signing.evidence``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from signing.contract import Credential, CredentialRefused, KeyConfig, SigningError
from signing.key_config import RemoteConfig
from signing.keys import csc_messages as messages
from signing.keys.certified import OneActsKey, describe
from signing.keys.contract import KeyUnavailable, OpenedKey
from signing.keys.conversation import Conversation, Unanswered, silent
from signing.keys.csc_messages import Algorithm, AnswerUnreadable, RemoteCredential, Secrets
from signing.keys.refusals import pin_required, refuse_faults, wrong_pin


class CscService:
    """One act's connection to the service; a dialect changes how it signs in and what it adds."""

    root = ""  # what stands between the configured address and "credentials/…"

    def __init__(self, config: KeyConfig) -> None:
        self.config = config
        self.remote = config.remote or RemoteConfig()
        self._talk = Conversation(self.remote.timeout_s)
        self._token = self.remote.access_token

    async def close(self) -> None:
        """Hang up."""
        await self._talk.close()

    async def call(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask once.

        Raises:
            KeyUnavailable: it could not be reached, nothing was sent.
            CredentialRefused: it refused.
            Unanswered: anything else.
        """
        if not self._token and self.remote.client_id:
            self._token = await self.sign_in()
        request = self.complete(method, body)
        return await self.post(self.root + method, json=request, headers=self._headers())

    async def extends_transactions(self) -> bool:
        """Whether every further signature of an authorisation is to be asked for (§11.8)."""
        try:
            return messages.extends_transactions(await self.call("info", {}))
        except (Unanswered, CredentialRefused):
            return False  # it says nothing of itself: the authorisation is used as it is

    async def credential_id(self) -> str:
        """The key's name at the service."""
        return self.remote.credential_id

    def complete(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What this dialect says besides."""
        return dict(body)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def sign_in(self) -> str:
        """Get a token (OAuth 2.0 client credentials)."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.remote.client_id,
            "client_secret": self.remote.client_secret,
        }
        token = (await self.post("oauth2/token", data=form)).get("access_token")
        if not isinstance(token, str) or not token:
            raise Unanswered("oauth2/token")
        return token

    async def post(self, method: str, **request: Any) -> Mapping[str, Any]:
        """One call, whatever it is about; raises as ``call`` does."""
        answer = await self._talk.post(f"{self.remote.url.rstrip('/')}/{method}", **request)
        if 400 <= answer.status < 500 and answer.status != 408:
            raise messages.refusal_of(answer.status, answer.body)
        if answer.status != 200 or not isinstance(answer.body, Mapping):
            raise Unanswered(f"{method}: HTTP {answer.status}")
        return answer.body


@dataclass(slots=True)
class CscKey(OneActsKey):
    """An opened remote key, for one act; an ``AuthorisedKey``."""

    config: KeyConfig
    credential: Credential
    _remote: RemoteConfig
    _service: CscService
    _about: RemoteCredential
    _secrets: Secrets = field(repr=False)
    _name: str
    _algorithm: Algorithm
    _spent: bool = False
    _together: int = 1  # signatures under the next authorisation
    _sad: str = field(default="", repr=False)
    _left: int = 0  # signatures that the present authorisation still gives
    _extends: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        """Whose key it is, as the service says."""
        return self._about.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The issuers the service names."""
        return self._about.chain

    @property
    def uses_pss(self) -> bool:
        """RSASSA-PSS unless the audited exception is configured (TT 15/2025 Annex I)."""
        return not self.config.allow_pkcs1v15

    @property
    def spent(self) -> bool:
        """Whether the person's confirmation was used."""
        return self._spent

    def expect(self, signatures: int) -> None:
        """See ``AuthorisedKey``."""
        if self._about.authorises(signatures):
            self._together = signatures
        elif signatures > 1 and self._about.asks_otp:
            raise _code_used()

    async def sign_raw(self, data: bytes) -> bytes:
        """Authorise and sign one digest; a lost answer is told, never asked for again."""
        digest = hashlib.new(self.config.digest, data).digest()
        sad = await (self._next(digest) if self._left else self._authorise(digest))
        self._left -= 1
        request = messages.sign_request(self._remote.api, self._name, sad, digest, self._algorithm)
        try:
            return messages.read_signature(await self._service.call("signatures/signHash", request))
        except (Unanswered, AnswerUnreadable) as error:
            raise _outcome_unknown() from error

    async def _authorise(self, digest: bytes) -> str:
        if self._spent and self._about.asks_otp:
            raise _code_used()
        many = self._together > 1
        self._extends = many and await self._service.extends_transactions()
        asked = messages.authorize_request(
            self._remote.api,
            self._name,
            None if many else digest,
            self._secrets,
            algorithm=self._algorithm,
            signatures=self._together,
        )
        self._spent = True
        self._sad = await self._activation("credentials/authorize", asked)
        self._left = self._together
        return self._sad

    async def _next(self, digest: bytes) -> str:
        """The next activation under the same authorisation: a new one where the service gives it.

        What was authorised once and is not used any more authorises nothing else.
        """
        if self._extends:
            api, name, sad = self._remote.api, self._name, self._sad
            request = messages.extend_request(api, name, sad, digest, self._algorithm)
            self._sad = await self._activation(messages.EXTEND, request)
        return self._sad

    async def _activation(self, method: str, request: Mapping[str, Any]) -> str:
        try:
            return messages.read_sad(await self._service.call(method, request))
        except (Unanswered, AnswerUnreadable) as error:
            raise silent() from error

    async def release(self) -> None:
        """Forget the act's secrets, close the connection."""
        self._secrets, self._sad, self._left = Secrets(None, None), "", 0
        await self._service.close()


class CscSource:
    """A configured remote key; opened anew for each act."""

    service = CscService

    def __init__(self, config: KeyConfig) -> None:
        self.config = config
        self._remote = config.remote or RemoteConfig()
        refuse_faults(config)

    async def open(self, pin: str | None = None, otp: str | None = None) -> OpenedKey:
        """Ask the service for the certificate and what it wants to know from the person."""
        service = self.service(self.config)
        try:
            name = await service.credential_id()
            request = messages.info_request(name)
            answer = await service.call("credentials/info", request)
            about = messages.read_info(self._remote.api, answer)
            secrets = self._secrets(about, pin, otp)
            credential = describe(self.config, about.certificate)
            is_rsa = isinstance(about.certificate.public_key(), rsa.RSAPublicKey)
            algorithm = messages.algorithm_for(
                is_rsa, not self.config.allow_pkcs1v15, self.config.digest, about.algorithms
            )
        except BaseException as error:
            await service.close()
            if isinstance(error, Unanswered | AnswerUnreadable):
                raise silent() from error
            raise
        return CscKey(
            self.config, credential, self._remote, service, about, secrets, name, algorithm
        )

    def _secrets(self, about: RemoteCredential, pin: str | None, otp: str | None) -> Secrets:
        """The PIN configured or given; one code given alone is the one that is asked for."""
        configured = self.config.password
        if about.confirms_elsewhere:
            raise CredentialRefused(
                "authorisation_unsupported",
                "Dịch vụ ký số đòi xác nhận qua trang đăng nhập riêng, chưa được hỗ trợ.",
                "the credential is authorised by an OAuth 2.0 journey",
            )
        if about.asks_pin and configured is not None:
            if otp is None and about.asks_otp:
                pin, otp = None, pin
            if pin is not None and not hmac.compare_digest(pin.encode(), configured.encode()):
                raise wrong_pin()
            pin = configured
        elif about.asks_otp and not about.asks_pin and otp is None:
            pin, otp = None, pin
        if about.asks_pin and pin is None:
            raise pin_required()
        if about.asks_otp and otp is None:
            raise CredentialRefused(
                "otp_required", "Cần nhập mã OTP của dịch vụ ký số.", "this key needs an OTP"
            )
        return Secrets(pin if about.asks_pin else None, otp if about.asks_otp else None)


def _code_used() -> CredentialRefused:
    return CredentialRefused(
        "one_time_code_used",
        "Mã OTP chỉ dùng được cho một chữ ký; lần ký này cần nhiều chữ ký.",
        "a one-time code authorises one signature, the act needs several",
    )


def _outcome_unknown() -> SigningError:
    return KeyUnavailable(
        "outcome_unknown",
        "Không rõ dịch vụ ký số đã ký hay chưa vì không nhận được trả lời. Không có chữ ký nào"
        " được đưa vào văn bản; hãy kiểm tra trên dịch vụ trước khi ký lại.",
        "the answer to signHash did not come: the service may have signed, nothing was embedded"
        " and nothing was sent again",
    )
