"""Keys that their owner confirms elsewhere, as far as this side of the conversation goes.

Owns what all such kinds have in common: a key with a certificate that gives no signature but the
one that was brought to it, tickets that begin and end by the same rules, and raw signatures read
from what providers send. Leaves every provider's words to its own module.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from signing.contract import (
    OUTCOME_UNKNOWN,
    Confirmation,
    Credential,
    CredentialRefused,
    KeyConfig,
    RemoteItem,
    RemoteState,
    Ticket,
    Told,
)
from signing.keys.certified import OneActsKey, describe

log = logging.getLogger(__name__)

# A provider's clock, and a person who confirms in the last second, get this long.
GRACE = timedelta(minutes=5)
_SENTENCES = {
    RemoteState.WAITING_USER: "Đang chờ người ký xác nhận trên ứng dụng của dịch vụ ký số.",
    RemoteState.SIGNING: "Người ký đã xác nhận, dịch vụ đang ký.",
    RemoteState.UNKNOWN: "Chưa rõ dịch vụ ký số đã nhận yêu cầu hay chưa; đang hỏi lại,"
    " không gửi lần hai.",
    RemoteState.DONE: "Dịch vụ ký số đã trả chữ ký.",
    RemoteState.REJECTED: "Người ký đã từ chối xác nhận.",
    RemoteState.EXPIRED: "Yêu cầu ký đã hết hạn mà chưa được xác nhận.",
    RemoteState.QUOTA: "Tài khoản dịch vụ ký số đã hết lượt ký.",
    RemoteState.CERTIFICATE_INVALID: "Chứng thư số đã hết hạn, bị thu hồi hoặc bị khóa"
    " tại dịch vụ ký số.",
    RemoteState.ERROR: "Dịch vụ ký số báo lỗi; văn bản chưa được ký.",
}
_LOST = (
    "Không rõ dịch vụ ký số đã ký hay chưa: không nhận được trả lời và yêu cầu đã quá hạn."
    " Không có chữ ký nào được đưa vào văn bản; hãy kiểm tra trên dịch vụ trước khi ký lại."
)


@dataclass(frozen=True, slots=True)
class ConfirmedKey(OneActsKey):
    """An ``OpenedKey`` that gives only the signature its owner confirmed elsewhere."""

    config: KeyConfig
    credential: Credential
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    uses_pss: bool
    signature: bytes | None = None

    @property
    def spent(self) -> bool:
        """The signature is there once and for all; time-stamps may be asked for again."""
        return False

    async def sign_raw(self, data: bytes) -> bytes:
        """Give the signature that was brought; whoever uses it verifies it.

        Raises:
            CredentialRefused: code ``confirmed_elsewhere`` when there is none.
        """
        if self.signature is None:
            raise CredentialRefused(
                "confirmed_elsewhere",
                "Chữ ký của khóa này do người ký xác nhận trên ứng dụng riêng, không ký ngay được.",
                "this key's owner confirms in the provider's application: prepare and start",
            )
        return self.signature

    async def release(self) -> None:
        """Nothing: it holds no secret."""


def waiting_key(
    config: KeyConfig,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...] = (),
    confirmation: Confirmation = Confirmation.ELSEWHERE,
) -> ConfirmedKey:
    """A key as its provider describes it."""
    credential = dataclasses.replace(describe(config, certificate), confirmation=confirmation)
    return ConfirmedKey(config, credential, certificate, chain, not config.allow_pkcs1v15)


def refuse_pkcs1v15(config: KeyConfig, certificate: x509.Certificate) -> None:
    """Refuse a service that makes PKCS#1 v1.5 only, unless the exception is configured.

    Raises:
        CredentialRefused: code ``pkcs1v15_not_allowed`` (TT 15/2025 Annex I asks for RSASSA-PSS).
    """
    if isinstance(certificate.public_key(), rsa.RSAPublicKey) and not config.allow_pkcs1v15:
        raise CredentialRefused(
            "pkcs1v15_not_allowed",
            f"Dịch vụ của khóa “{config.name}” chỉ ký RSA theo PKCS#1 v1.5; muốn dùng cần ngoại lệ"
            " đã được phê duyệt (allow_pkcs1v15).",
            "the service signs RSASSA-PKCS1-v1_5 only, which needs an audited exception",
        )


def opened(
    config: KeyConfig, reference: str, now: datetime, valid_s: float, ask_after_s: float = 5.0
) -> Ticket:
    """The ticket of a request that left and was not answered."""
    return Ticket(
        credential=config.name,
        reference=reference,
        state=RemoteState.UNKNOWN,
        detail=_SENTENCES[RemoteState.UNKNOWN],
        expires_at=now + timedelta(seconds=valid_s),
        ask_after_s=ask_after_s,
    )


def turned(
    ticket: Ticket,
    state: RemoteState,
    *,
    code: str = "",
    provider_reference: str = "",
    signatures: Mapping[str, bytes] | None = None,
) -> Ticket:
    """The same ticket in another state, with the sentence for the official."""
    return dataclasses.replace(
        ticket,
        state=state,
        code=plain(code),
        detail=sentence_of(state),
        provider_reference=provider_reference or ticket.provider_reference,
        signatures=dict(signatures or {}),
    )


def sentence_of(state: RemoteState) -> str:
    """What the official reads about a state."""
    return _SENTENCES.get(state, "")


def dated(ticket: Ticket, now: datetime, valid_s: float) -> Ticket:
    """A ticket whose start was lost has no end yet: it gets one when it is first asked about."""
    if ticket.expires_at is not None:
        return ticket
    return dataclasses.replace(ticket, expires_at=now + timedelta(seconds=valid_s))


def settled(ticket: Ticket, now: datetime) -> Ticket:
    """Give up on a request nobody can tell anything about, once it can no longer be confirmed.

    Until then it stays unknown: it is asked about, never sent again.
    """
    over = ticket.expires_at is not None and now > ticket.expires_at + GRACE
    if ticket.state is not RemoteState.UNKNOWN or not over:
        return ticket
    return dataclasses.replace(ticket, state=RemoteState.ERROR, code=OUTCOME_UNKNOWN, detail=_LOST)


def unknown_code(provider: str, code: object) -> RemoteState:
    """A code that no document names means unknown, and somebody should look."""
    log.warning("%s answered a code that is not known here: %s", provider, plain(str(code)))
    return RemoteState.UNKNOWN


def plain(code: str) -> str:
    """A provider's code as far as it may be stored and logged: short, and no free text."""
    fits = len(code) <= 40 and code.replace("_", "").replace("-", "").isalnum() and code.isascii()
    return code if fits else ""


def raw_signature(text: object) -> bytes:
    """A signature as providers send it: base64 with any line breaks, raw or inside a CMS message.

    Raises:
        ValueError: neither.
    """
    if not isinstance(text, str):
        raise ValueError("no signature")  # noqa: TRY004 - one error for every unreadable answer
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the signature is not base64") from error
    if not data:
        raise ValueError("the signature is empty")
    return _from_cms(data) or data


def _from_cms(data: bytes) -> bytes | None:
    """The one signer's raw signature; None when it is no CMS message (an ECDSA value is not)."""
    if data[:1] != b"\x30":
        return None
    try:
        message = cms.ContentInfo.load(data, strict=True)
        if message["content_type"].native != "signed_data":
            return None
        (info,) = message["content"]["signer_infos"]
        return bytes(info["signature"].native)
    except (ValueError, TypeError, KeyError):
        return None


def read_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a callback.

    Raises:
        ValueError: it is none.
    """
    told = json.loads(body)
    if not isinstance(told, Mapping):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error for every unreadable body
    return told


def told(
    references: tuple[str, str],
    state: RemoteState,
    signatures: Mapping[str, bytes],
    reply: bytes,
) -> Told:
    """A believed callback: (our reference, theirs), how it stands, what to answer."""
    ours, theirs = references
    return Told(
        ours, theirs, state, detail=sentence_of(state), signatures=dict(signatures), reply=reply
    )


def shown_title(items: tuple[RemoteItem, ...]) -> str:
    """What the owner reads about a request of one or many documents."""
    first = items[0].title
    return first if len(items) == 1 else f"{first} và {len(items) - 1} văn bản khác"


def certificate_from(text: object) -> x509.Certificate:
    """A certificate as providers send it: base64 of DER or PEM, with any line breaks.

    Raises:
        ValueError: none of these.
    """
    if not isinstance(text, str):
        raise ValueError("no certificate")  # noqa: TRY004 - one error for every unreadable answer
    if "-----BEGIN" in text:
        return x509.load_pem_x509_certificate(text.encode())
    data = base64.b64decode("".join(text.split()), validate=True)
    return x509.load_der_x509_certificate(data)
