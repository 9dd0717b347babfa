"""Who may sign what, and when: pure decisions about documents and signature requests.

Owns the order of steps, the statuses and every reason to say no, as problem codes. Leaves
signing to the injected signing service and rows to the stores. Follows NĐ 30/2020/NĐ-CP,
annex I (the person signs first, then the clerk numbers, dates and seals, never the reverse).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing.contract import Confirmation


class RequestStatus(StrEnum):
    """What a signature request is waiting for; the last four are final."""

    WAITING = "waiting"
    SIGNING = "signing"
    SIGNED = "signed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"


OPEN = (RequestStatus.WAITING, RequestStatus.SIGNING)


class StepStatus(StrEnum):
    """One signer's part."""

    WAITING = "waiting"
    SIGNED = "signed"
    REJECTED = "rejected"


_SYMBOL_SIGNS = frozenset(" /-.,&()")


def is_symbol(text: str) -> bool:
    """Whether this can be a document's symbol (ký hiệu), as printed: “QĐ-UBND”.

    Composed or decomposed; nothing that is invisible or turns the line around.
    """
    return any(char.isalnum() for char in text) and all(
        char in _SYMBOL_SIGNS
        or (char.isascii() and char.isalnum())
        or unicodedata.name(char, "").startswith(("LATIN ", "COMBINING "))
        for char in text
    )


_RANK = {"initial": 0, "person": 1, "agency": 2}
ROLES = (*_RANK, "copy", "annex")
_SOLITARY = ("copy", "annex")

# What the inspection found → why the file is not taken in at all. Other blocking findings
# (scripts, XFA, …) are kept as evidence of what was handed in: stored, never signed.
_REFUSED_FILES = {
    "empty_file": "file_empty",
    "not_a_pdf": "file_not_pdf",
    "encrypted": "file_encrypted",
    "truncated": "file_truncated",
    "unreadable": "file_unreadable",
    "broken_page_tree": "file_unreadable",
    "no_pages": "file_unreadable",
    "decode_limit": "file_unreadable",
    "broken_structure": "file_unreadable",
    "inspection_error": "file_unreadable",
    "inspection_memory": "file_unreadable",
    "inspection_timeout": "file_unreadable",
    "inspection_crashed": "file_unreadable",
    "repair_changes_pages": "file_unreadable",
    "too_large": "body_too_large",
}


def refusal_of_file(finding_codes: Iterable[str]) -> str | None:
    """The problem code for a file that is not a whole, readable PDF; None to take it in."""
    found = set(finding_codes)
    return next((problem for code, problem in _REFUSED_FILES.items() if code in found), None)


def check_order(steps: Sequence[tuple[str, str]], *, numbered: bool) -> None:
    """Check the order of ``(role, signer)`` steps.

    Raises:
        ValueError: a Vietnamese sentence about what is wrong.
    """
    roles = [role for role, _ in steps]
    if not roles:
        raise ValueError("Cần ít nhất một bước ký.")
    if any(role in _SOLITARY for role in roles):
        if len(roles) > 1:
            raise ValueError("Ký bản sao hoặc phụ lục là yêu cầu riêng, chỉ một bước.")
    else:
        _check_ranks(roles)
    for role, signer in steps:
        wanted = "official" if role in ("initial", "person") else "agency"
        if not signer.startswith(f"{wanted}:"):
            raise ValueError(f"Bước {role} phải do {wanted}:… ký.")
    if numbered and "agency" not in roles:
        raise ValueError("Số và ngày văn bản do văn thư cấp: cần bước agency.")


def _check_ranks(roles: Sequence[str]) -> None:
    ranks = [_RANK[role] for role in roles]
    if ranks != sorted(ranks):
        raise ValueError("Thứ tự ký: ký nháy, người có thẩm quyền, rồi đóng dấu.")
    if roles.count("agency") > 1:
        raise ValueError("Chỉ đóng dấu một lần.")
    if "agency" in roles and "person" not in roles:
        raise ValueError("Chỉ đóng dấu sau chữ ký của người có thẩm quyền.")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How a key is used: where its owner confirms, who keeps it, how much at a time."""

    confirmation: Confirmation = Confirmation.HERE
    provider: str = ""  # the kind of service, shown to the official
    most_at_once: int = 1  # signatures under one confirmation elsewhere
    asks_each: bool = False  # opens here, but its owner confirms every signature by itself
    at_service: bool = False  # opens here, is kept by a service that cannot be asked afterwards
    takes_otp: bool = True  # unless its kind is known to ask for no one-time code

    @property
    def takes_pin(self) -> bool:
        """Whether what its owner types goes through here, not into an application of their own."""
        return self.confirmation is Confirmation.HERE and not self.asks_each

    @property
    def takes_place(self) -> bool:
        """Whether we draw its signature, so that somebody can say where."""
        return self.confirmation is not Confirmation.HAND_OFF

    def confirmations(self, signatures: int) -> int:
        """How often its owner is asked about an act of signatures that cover one another."""
        apart = self.asks_each or self.confirmation is Confirmation.ELSEWHERE
        return signatures if apart else 1


@dataclass(frozen=True, slots=True)
class Authority:
    """Which key a signer's name stands for, and who may act for an agency.

    ``keys``: ``official:…`` or ``agency:…`` → name of the credential. ``clerks``:
    ``agency:…`` → the officials (văn thư) whom the agency entrusted with its key. ``uses``: name
    of the credential → how it is used; here, with a PIN, when it is not listed.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    clerks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    register_required: bool = False  # agencies without a row in the authority register sign nothing
    uses: Mapping[str, KeyUse] = field(default_factory=dict)

    def use_of(self, signer: str) -> KeyUse:
        """How that signer's key is used."""
        return self.uses.get(self.keys.get(signer, ""), KeyUse())

    def may_act(self, official: str, signer: str) -> bool:
        """Whether this official is that signer, or the clerk who holds the signer's key."""
        if signer.startswith("agency:"):
            return official in self.clerks.get(signer, frozenset())
        return official == signer


def visible_status(
    stored: RequestStatus,
    lease_until: datetime | None,
    deadline: datetime | None,
    now: datetime,
) -> RequestStatus:
    """The status as of now: a signing that died is waiting again, a passed deadline has expired."""
    if stored not in OPEN:
        return stored
    if stored is RequestStatus.SIGNING and lease_until is not None and lease_until > now:
        return RequestStatus.SIGNING
    if deadline is not None and deadline <= now:
        return RequestStatus.EXPIRED
    return RequestStatus.WAITING


def why_not_act(
    status: RequestStatus, signer: str | None, official: str | None, authority: Authority
) -> str | None:
    """The problem code that forbids this official to act on the present step, if any.

    Who asks is judged before what state things are in: a stranger learns nothing of the state.
    """
    if official is None:
        return "official_required"
    if signer is not None and not authority.may_act(official, signer):
        return "not_your_step"
    if status is RequestStatus.SIGNING:
        return "signing_in_progress"
    if status is RequestStatus.EXPIRED:
        return "request_expired"
    if status is not RequestStatus.WAITING or signer is None:
        return "request_closed"
    return None


def seal_problem(person_fields: Iterable[str], verdicts: Mapping[str, str]) -> str | None:
    """Why the agency must not seal: each signature of a person must be proven valid first."""
    found = [verdicts.get(name, "invalid") for name in person_fields]
    if not found or "invalid" in found:
        return "person_signature_invalid"
    return "person_signature_unproven" if "indeterminate" in found else None


def is_unprovable(level: str, roles: Sequence[str]) -> bool:
    """Whether a seal would wait for ever for a person's signature that carries no proof.

    Below B-LT a signature holds no revocation data, so offline it is never found valid.
    """
    return "agency" in roles and level in ("B-B", "B-T")


LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")
