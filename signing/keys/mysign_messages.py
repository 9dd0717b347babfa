"""What is said to Viettel MySign in its vtss dialect, and what its answers say. Pure.

Follows the vtss integration document, version 1.9: login, certificates/info, signHash,
requests/status. Titles are shown without diacritics because the document allows letters, digits,
spaces, "-" and "_" only, as base64 below 100 characters. Signatures come back as base64 with line
breaks, in the order of the digests; which is the order of our names here.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from signing.contract import RemoteItem, RemoteState
from signing.key_config import RemoteConfig
from signing.keys.confirmed import certificate_from, raw_signature, shown_title, unknown_code
from signing.keys.mysign_statuses import ASYNC, BY_CODE, EC, NOT_ACCEPTED, RSA, SHA256

LOGIN_PATH = "/vtss/service/ras/v1/login"
CERTIFICATES_PATH = "/vtss/service/certificates/info"
SIGN_PATH = "/vtss/service/signHash"
STATUS_PATH = "/vtss/service/requests/status"
_NAME = "MySign"
_LONGEST_TITLE = 72  # bytes; 96 characters of base64
_DOCUMENT_ID = re.compile(r"(\d{1,3})-(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Offer:
    """One credential of the user."""

    credential_id: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    usable: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What an answer says about a transaction."""

    state: RemoteState
    code: str = ""
    transaction: str = ""
    signatures: tuple[bytes, ...] = ()


def login_request(remote: RemoteConfig) -> dict[str, Any]:
    """A token is for one user."""
    return {
        "client_id": remote.client_id,
        "client_secret": remote.client_secret,
        "profile_id": remote.profile_id,
        "user_id": remote.user_id,
    }


def read_login(answer: Mapping[str, Any]) -> tuple[str, float]:
    """Token and how many seconds it lasts.

    Raises:
        ValueError: no token in it.
    """
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise ValueError("login: no token")
    try:
        lasts = float(answer.get("expires_in", 0))
    except (TypeError, ValueError):
        lasts = 0.0
    return token, lasts


def certificates_request(remote: RemoteConfig) -> dict[str, Any]:
    """Ask for the user's credentials with their chains."""
    asked = {"certificates": "chain", "certInfo": True, "authInfo": True}
    return {**login_request(remote), **asked}


def read_certificates(answer: object) -> list[Offer]:
    """Every credential of the user.

    Raises:
        ValueError: the answer is not a list of credentials.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise ValueError("certificates/info: not a list")  # noqa: TRY004 - one error for every unreadable answer
    try:
        return [_read_offer(one) for one in answer]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("certificates/info: not a credential") from error


def _read_offer(told: Mapping[str, Any]) -> Offer:
    own, *issuers = (certificate_from(one) for one in told["cert"]["certificates"])
    usable = (
        str(told["key"].get("status", "enabled")) == "enabled"
        and str(told["cert"].get("status", "valid")) == "valid"
    )
    return Offer(str(told["credential_id"]), own, tuple(issuers), usable)


def in_order(items: tuple[RemoteItem, ...]) -> tuple[RemoteItem, ...]:
    """The one order in which digests are sent and signatures come back."""
    return tuple(sorted(items, key=lambda one: one.item))


def sign_request(
    remote: RemoteConfig, offer: Offer, reference: str, items: tuple[RemoteItem, ...], *, rsa: bool
) -> dict[str, Any]:
    """Ask the user to confirm; ``items`` as ``in_order`` gives them."""
    return {
        "client_id": remote.client_id,
        "client_secret": remote.client_secret,
        "credentialID": offer.credential_id,
        "numSignatures": len(items),
        "description": shown(shown_title(items)),
        "documents": [
            {"document_id": document_id(reference, one.item), "document_name": shown(one.title)}
            for one in items
        ],
        "hash": [
            base64.b64encode(hashlib.sha256(one.to_be_signed).digest()).decode() for one in items
        ],
        "hashAlgo": SHA256,
        "signAlgo": RSA if rsa else EC,
        "async": ASYNC[remote.delivery or "poll"],
    }


def document_id(reference: str, item: str) -> str:
    """Our two names as one, as they come back with a webhook."""
    return f"{len(reference)}-{reference}-{item}"


def names_of(document: str) -> tuple[str, str]:
    """Reference and item of a document's id.

    Raises:
        ValueError: not one of ours.
    """
    found = _DOCUMENT_ID.fullmatch(document)
    if found is None:
        raise ValueError("not a document's id of ours")
    length, rest = int(found[1]), found[2]
    if rest[length : length + 1] != "-":
        raise ValueError("not a document's id of ours")
    return rest[:length], rest[length + 1 :]


def shown(text: str) -> str:
    """A title as the service takes it."""
    composed = text.replace("Đ", "D").replace("đ", "d")
    plain = "".join(
        c for c in unicodedata.normalize("NFD", composed) if not unicodedata.combining(c)
    )
    tidy = " ".join(re.sub(r"[^A-Za-z0-9_\- ]", "-", plain).split())
    return base64.b64encode(tidy[:_LONGEST_TITLE].encode()).decode()


def status_request(transaction: str) -> dict[str, Any]:
    """Ask about a transaction: only the service's own name for it is known there."""
    return {"transactionId": transaction}


def provider_reference(transaction: str, items: tuple[str, ...]) -> str:
    """What is kept to ask with: the transaction, and the one item's name where there is one.

    With it a caller that keeps nothing but the two references can still be given its signature.
    """
    return f"{transaction} {items[0]}" if transaction and len(items) == 1 else transaction


def transaction_of(kept: str) -> str:
    """The service's own part of it."""
    return kept.partition(" ")[0]


def only_item_of(kept: str) -> tuple[str, ...]:
    """The one item's name, if there is one."""
    item = kept.partition(" ")[2]
    return (item,) if item else ()


def read_started(http_status: int, answer: Mapping[str, Any]) -> Standing:
    """Read the answer to signHash: a transaction, the signatures themselves, or a code."""
    code = _code(answer)
    if code in BY_CODE and code != "1":
        return Standing(BY_CODE[code], code)
    if http_status in NOT_ACCEPTED:
        return Standing(RemoteState.ERROR, code or str(http_status))
    if http_status != 200 or not answer:
        return Standing(RemoteState.UNKNOWN, code)
    if answer.get("signatures"):
        return _signed(answer, code)
    transaction = answer.get("transactionId")
    if isinstance(transaction, str) and transaction and not code:
        return Standing(RemoteState.WAITING_USER, transaction=transaction)
    return Standing(unknown_code(_NAME, code or "no-transaction"), code)


def read_status(http_status: int, answer: Mapping[str, Any]) -> Standing:
    """Read the answer to requests/status; what cannot be understood is unknown."""
    code = _code(answer)
    if http_status != 200 or not code:
        return Standing(RemoteState.UNKNOWN, code)
    state = BY_CODE.get(code) or unknown_code(_NAME, code)
    return _signed(answer, code) if state is RemoteState.DONE else Standing(state, code)


def _code(answer: Mapping[str, Any]) -> str:
    """Status or error, whichever the answer has; an error 0 is none."""
    code = answer.get("status", answer.get("error", ""))
    return "" if code in (0, "0", None) else str(code).strip()


def _signed(answer: Mapping[str, Any], code: str) -> Standing:
    listed = answer.get("signatures")
    try:
        signatures = tuple(raw_signature(one) for one in listed or ())
    except (TypeError, ValueError):
        signatures = ()
    if not signatures:
        return Standing(unknown_code(_NAME, "unreadable-signatures"), code)
    return Standing(RemoteState.DONE, code, signatures=signatures)
