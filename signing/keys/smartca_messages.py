"""What is said to VNPT SmartCA (version 1), and what its answers say. Pure.

Follows "Tài liệu tích hợp VNPT SMARTCA" §3.2 get_certificate, §3.3 sign, §3.4 status, §3.5 webhook.
Digests are lower-case hexadecimal SHA-256; signatures come back as base64 of the raw RSA signature.
Version 2 (password and TOTP of the official in our hands) is not spoken: it would end the
official's sole control over the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from signing.contract import RemoteItem, RemoteState
from signing.key_config import RemoteConfig
from signing.keys.confirmed import (
    certificate_from,
    raw_signature,
    read_object,
    shown_title,
    unknown_code,
)
from signing.keys.smartca_statuses import BY_MESSAGE, SUCCESS

CERTIFICATE_PATH = "/sca/sp769/v1/credentials/get_certificate"
SIGN_PATH = "/sca/sp769/v1/signatures/sign"
_NAME = "SmartCA"
_LONGEST_TITLE = 200  # characters; more than a telephone shows


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer says about a transaction."""

    state: RemoteState
    code: str = ""
    provider_reference: str = ""
    signatures: Mapping[str, bytes] | None = None


def status_path(reference: str) -> str:
    """Where a transaction is asked about: its id is ours."""
    return f"{SIGN_PATH}/{reference}/status"


def certificate_request(remote: RemoteConfig, reference: str) -> dict[str, Any]:
    """Ask for the user's certificates."""
    return {
        "sp_id": remote.client_id,
        "sp_password": remote.client_secret,
        "user_id": remote.user_id,
        "serial_number": remote.credential_id,
        "transaction_id": reference,
    }


def read_certificates(
    answer: Mapping[str, Any], serial: str
) -> list[tuple[x509.Certificate, tuple[x509.Certificate, ...]]]:
    """The certificates that may be used, each with its issuers: the one with the serial, or all.

    Raises:
        ValueError: the answer is not one of get_certificate.
    """
    try:
        listed = answer["data"]["user_certificates"]
        found = [(certificate_from(one["cert_data"]), _chain(one)) for one in listed]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("get_certificate: no certificates") from error
    if serial:
        return [one for one in found if one[0].serial_number == int(serial, 16)]
    return found


def _chain(listed: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    chain = listed.get("chain_data") or {}
    issuers = (chain.get("ca_cert"), chain.get("root_cert"))
    return tuple(certificate_from(one) for one in issuers if one)


def sign_request(
    remote: RemoteConfig, reference: str, items: tuple[RemoteItem, ...], now: datetime
) -> dict[str, Any]:
    """Ask the user to confirm; the transaction's id is ours and unique."""
    return {
        "sp_id": remote.client_id,
        "sp_password": remote.client_secret,
        "user_id": remote.user_id,
        "transaction_id": reference,
        "transaction_desc": shown_title(items)[:_LONGEST_TITLE],
        "time_stamp": now.astimezone(UTC).strftime("%Y%m%d%H%M%SZ"),
        "serial_number": remote.credential_id,
        "sign_files": [
            {
                "data_to_be_signed": hashlib.sha256(one.to_be_signed).hexdigest(),
                "doc_id": one.item,
                "file_type": "pdf",
                "sign_type": "hash",
            }
            for one in items
        ],
    }


def read_standing(
    http_status: int, answer: Mapping[str, Any], refusals: Mapping[int, RemoteState]
) -> Standing:
    """Read the answer to sign or to status; what cannot be understood is unknown."""
    if http_status >= 500 or (http_status == 200 and not answer):
        return Standing(RemoteState.UNKNOWN)
    status = answer.get("status_code", http_status)
    if http_status != 200 or status not in SUCCESS:
        state = refusals.get(status) if isinstance(status, int) else None
        return Standing(state or unknown_code(_NAME, status), str(status))
    message = str(answer.get("message") or "").strip()
    state = BY_MESSAGE.get(message.upper()) or unknown_code(_NAME, message)
    data = answer.get("data")
    data = data if isinstance(data, Mapping) else {}
    if state is RemoteState.DONE:
        return _done(data, message)
    return Standing(state, message, str(data.get("tran_code") or ""))


def _done(data: Mapping[str, Any], message: str) -> Standing:
    """A success with signatures is done; the answer to sign may say SUCCESS without any."""
    listed = data.get("signatures")
    reference = str(data.get("tran_code") or "")
    if not listed:
        return Standing(RemoteState.WAITING_USER, message, reference)
    try:
        signatures = {str(one["doc_id"]): raw_signature(one["signature_value"]) for one in listed}
    except (KeyError, TypeError, ValueError):
        return Standing(unknown_code(_NAME, "unreadable-signatures"))
    return Standing(RemoteState.DONE, message, reference, signatures)


def read_webhook(body: bytes) -> tuple[str, str]:
    """The partner's name and the transaction a webhook is about (§3.5).

    The document gives it no signature and no secret, so nothing else in it is read.

    Raises:
        ValueError: it is not such a webhook.
    """
    told = read_object(body)
    try:
        partner, transaction = told["sp_id"], told["transaction_id"]
    except KeyError as error:
        raise ValueError("not a webhook of SmartCA") from error
    if not isinstance(partner, str) or not isinstance(transaction, str):
        raise ValueError("not a webhook of SmartCA")  # noqa: TRY004 - one error for every unreadable body
    return partner, transaction


WEBHOOK_REPLY = b'{"status_code":200,"message":"SUCCESS"}'
