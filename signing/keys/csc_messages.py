"""What is said to a Cloud Signature Consortium service, and what its answers mean.

Pure: builds and reads the JSON of v1 (1.0.4.0) and v2 (2.0.0.2): credentials/info (§11.5),
credentials/authorize (§11.6), credentials/extendTransaction (§11.8), signatures/signHash (§11.9; v2
§11.10), info (§11.1), errors (§10.1). Leaves the
network to ``csc``, trust in the certificates to ``signing.evidence``. A code we do not know is a
refusal without a meaning, never a success.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos
from cryptography import x509

from signing.contract import CredentialRefused

DIGESTS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
RSA = "1.2.840.113549.1.1.1"
RSA_PSS = "1.2.840.113549.1.1.10"
EC = "1.2.840.10045.2.1"
_RSA_WITH = {"sha256": f"{RSA}1", "sha384": f"{RSA}2", "sha512": f"{RSA}3"}
_ECDSA_WITH = {
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
EXTEND = "credentials/extendTransaction"

_REFUSALS = {
    "invalid_pin": ("wrong_pin", "Mã PIN của dịch vụ ký số không đúng."),
    "invalid_otp": ("wrong_otp", "Mã OTP không đúng hoặc đã hết hạn."),
    "access_denied": ("rejected", "Người ký đã từ chối xác nhận trên dịch vụ ký số."),
    "rejected": ("rejected", "Người ký đã từ chối xác nhận trên dịch vụ ký số."),
    "expired_sad": ("authorisation_expired", "Xác nhận ký đã hết hạn, xin ký lại."),
    "expired": ("authorisation_expired", "Xác nhận ký đã hết hạn, xin ký lại."),
    "quota_exceeded": ("quota_exceeded", "Dịch vụ ký số đã hết lượt ký."),
    "invalid_token": ("service_account", "Dịch vụ ký số không chấp nhận tài khoản kết nối."),
    "invalid_client": ("service_account", "Dịch vụ ký số không chấp nhận tài khoản kết nối."),
}
_EXPIRED_SAD = "expired sad"  # v1 has no code of its own: invalid_request with this description


class AnswerUnreadable(Exception):
    """The service said something that its specification does not know."""


@dataclass(frozen=True, slots=True)
class RemoteCredential:
    """What credentials/info tells."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithms: frozenset[str]
    asks_pin: bool
    asks_otp: bool
    confirms_elsewhere: bool  # OAuth 2.0: a browser journey that this key kind does not make
    binds_hashes: bool = True  # SCAL 2: an authorisation is for the digests it named
    most_together: int = 1  # signatures under one authorisation

    def authorises(self, signatures: int) -> bool:
        """Whether one authorisation serves digests that are not known yet (the clerk's four)."""
        return not self.binds_hashes and self.most_together >= signatures


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a digest is signed: ``signAlgo``, its parameters, and the digest's own identifier."""

    oid: str
    parameters: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the person gave for one authorisation."""

    pin: str | None
    otp: str | None


def info_request(credential_id: str) -> dict[str, Any]:
    """Ask for the certificate chain and how to authorise."""
    return {
        "credentialID": credential_id,
        "certificates": "chain",
        "authInfo": True,
    }


def read_info(api: str, answer: Mapping[str, Any]) -> RemoteCredential:
    """Read credentials/info.

    Raises:
        AnswerUnreadable: no certificate in it.
        CredentialRefused: ``key_disabled``, ``certificate_revoked``, ``certificate_expired``.
    """
    try:
        key, cert = answer["key"], answer["cert"]
        chain = tuple(_certificate(one) for one in cert["certificates"])
        algorithms = frozenset(map(str, key.get("algo", ())))
        _check_status(str(key.get("status", "enabled")), str(cert.get("status", "valid")))
        own, issuers = chain[0], chain[1:]
        asked = _asked_v2(answer["auth"]) if api == "v2" else _asked_v1(answer)
        most = int(answer.get("multisign") or 1)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise AnswerUnreadable(f"credentials/info: {type(error).__name__}") from error
    binds = str(answer.get("SCAL", "1" if api == "v1" else "2")) != "1"
    return RemoteCredential(
        own, issuers, algorithms, *asked, binds_hashes=binds, most_together=most
    )


def _certificate(text: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))


def _check_status(key: str, certificate: str) -> None:
    if key != "enabled":
        raise CredentialRefused(
            "key_disabled",
            "Khóa ký đã bị khóa tại dịch vụ ký số.",
            "the service says that the key is disabled",
        )
    sentences = {
        "expired": ("certificate_expired", "Chứng thư số đã hết hạn."),
        "revoked": ("certificate_revoked", "Chứng thư số đã bị thu hồi."),
        "suspended": ("certificate_revoked", "Chứng thư số đang bị tạm dừng."),
    }
    if certificate in sentences:
        code, sentence = sentences[certificate]
        raise CredentialRefused(code, sentence, f"the service says: {certificate}")


def _asked_v1(answer: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    pin, otp = answer.get("PIN") or {}, answer.get("OTP") or {}
    return (
        str(pin.get("presence", "false")) == "true",
        str(otp.get("presence", "false")) == "true",
        answer.get("authMode") == "oauth2code",
    )


def _asked_v2(auth: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    named = {str(one["id"]) for one in auth.get("objects") or ()}
    unknown = named - {"PIN", "OTP"}
    if unknown:
        raise ValueError("an authentication factor we do not know")
    return "PIN" in named, "OTP" in named, str(auth["mode"]).startswith("oauth2")


def authorize_request(
    api: str,
    credential_id: str,
    digest: bytes | None,
    secrets: Secrets,
    *,
    algorithm: Algorithm,
    signatures: int = 1,
) -> dict[str, Any]:
    """Ask for signature activation data: of one digest, or of so many that follow (None)."""
    request: dict[str, Any] = {"credentialID": credential_id, "numSignatures": signatures}
    given = {"PIN": secrets.pin, "OTP": secrets.otp}
    known = {name: value for name, value in given.items() if value is not None}
    named = {} if digest is None else _hashes(api, digest, algorithm, names_digest=api == "v2")
    if api == "v2":
        factors = [{"id": name, "value": value} for name, value in known.items()]
        return {**request, **named, "authData": factors}
    return {**request, **named, **known}


def extend_request(
    api: str, credential_id: str, sad: str, digest: bytes, algorithm: Algorithm
) -> dict[str, Any]:
    """Ask for the activation data of the next signature under the same authorisation (§11.8)."""
    named = _hashes(api, digest, algorithm, names_digest=api == "v2")
    return {"credentialID": credential_id, "SAD": sad, **named}


def _hashes(
    api: str, digest: bytes, algorithm: Algorithm, *, names_digest: bool = True
) -> dict[str, Any]:
    hashes, name = ("hashes", "hashAlgorithmOID") if api == "v2" else ("hash", "hashAlgo")
    return {hashes: [_encode(digest)], **({name: algorithm.digest} if names_digest else {})}


def extends_transactions(answer: Mapping[str, Any]) -> bool:
    """Whether the service's info (§11.1) lists that method: then it wants it asked."""
    methods = answer.get("methods")
    return isinstance(methods, Sequence) and EXTEND in methods


def read_sad(answer: Mapping[str, Any]) -> str:
    """Read credentials/authorize."""
    sad = answer.get("SAD")
    if not isinstance(sad, str) or not sad:
        raise AnswerUnreadable("credentials/authorize: no SAD")
    return sad


def sign_request(
    api: str, credential_id: str, sad: str, digest: bytes, algorithm: Algorithm
) -> dict[str, Any]:
    """Ask for the raw signature of one digest."""
    request: dict[str, Any] = {"credentialID": credential_id, "SAD": sad}
    request["signAlgo"] = algorithm.oid
    if algorithm.parameters is not None:
        request["signAlgoParams"] = algorithm.parameters
    mode = {"operationMode": "S"} if api == "v2" else {}
    return {**request, **_hashes(api, digest, algorithm), **mode}


def read_signature(answer: Mapping[str, Any]) -> bytes:
    """Read signatures/signHash; exactly one raw signature (line breaks are tolerated)."""
    signatures = answer.get("signatures")
    if not isinstance(signatures, Sequence) or len(signatures) != 1:
        raise AnswerUnreadable("signatures/signHash: not one signature")
    try:
        return base64.b64decode("".join(str(signatures[0]).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AnswerUnreadable("signatures/signHash: not base64") from error


def algorithm_for(is_rsa: bool, pss: bool, digest: str, offered: frozenset[str]) -> Algorithm:
    """How this key signs with a digest (``sha256`` …).

    Raises:
        CredentialRefused: ``mechanism_missing`` when the credential offers none of ours.
    """
    oid, general, parameters = _ECDSA_WITH[digest], EC, None
    if is_rsa:
        oid, general = (RSA_PSS if pss else _RSA_WITH[digest]), RSA
        parameters = _pss_parameters(digest) if pss else None
    if offered and not offered & {oid, general}:
        raise CredentialRefused(
            "mechanism_missing",
            "Dịch vụ ký số không hỗ trợ thuật toán ký được yêu cầu.",
            f"the credential does not offer {oid}",
        )
    return Algorithm(oid, parameters, DIGESTS[digest])


def _pss_parameters(name: str) -> str:
    digest = algos.DigestAlgorithm({"algorithm": name})
    mask = algos.MaskGenAlgorithm({"algorithm": "mgf1", "parameters": digest})
    salt = hashlib.new(name).digest_size
    parameters = algos.RSASSAPSSParams(
        {"hash_algorithm": digest, "mask_gen_algorithm": mask, "salt_length": salt}
    )
    return _encode(parameters.dump())


def refusal_of(status: int, answer: object) -> CredentialRefused:
    """What an HTTP 4xx answer means; the service's free text is never repeated."""
    code, description = "", ""
    if isinstance(answer, Mapping):
        code = str(answer.get("error", "")).lower()
        description = str(answer.get("error_description", "")).lower()
    if _EXPIRED_SAD in description:
        code = "expired_sad"
    elif status == 429:
        code = "quota_exceeded"
    meaning, sentence = _REFUSALS.get(
        code, ("service_refused", "Dịch vụ ký số từ chối yêu cầu ký.")
    )
    return CredentialRefused(
        meaning,
        f"{sentence} Văn bản chưa được ký.",
        f"the signing service refused (HTTP {status}, {_plain(code)}); nothing was signed",
    )


def _plain(code: str) -> str:
    return code if code.replace("_", "").isalnum() and len(code) < 40 else "unknown code"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
