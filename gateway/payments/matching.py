"""Whose money a bank transfer is.

Owns the decision between a matched attempt and an orphan with its reason; leaves looking
attempts up to ``store``. A memo is believed when it holds exactly one known reference, and only
if the money landed on the account that the attempt asked for; without a reference, an account
number that was given to one attempt alone (a virtual account) speaks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.payments.references import plain_text


class OrphanReason(StrEnum):
    """Why money could not be given to a payment."""

    NO_REFERENCE = "no_reference"
    UNKNOWN_REFERENCE = "unknown_reference"
    SEVERAL_REFERENCES = "several_references"
    OTHER_ACCOUNT = "other_account"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An attempt that the transfer may belong to, found by reference or by account.

    ``dedicated`` says that the account number was given to this attempt alone.
    """

    attempt_id: str
    reference: str
    account_number: str | None = None
    dedicated: bool = False


Match = Candidate | OrphanReason


def match_transfer(
    references: Sequence[str], account_number: str | None, candidates: Sequence[Candidate]
) -> Match:
    """Decide by the references of the memo first, by a dedicated account second."""
    named = [c for c in candidates if c.reference in references]
    if len(named) > 1:
        return OrphanReason.SEVERAL_REFERENCES
    if named:
        agrees = _same_account(account_number, named[0].account_number)
        return named[0] if agrees else OrphanReason.OTHER_ACCOUNT
    owners = [
        c for c in candidates if c.dedicated and _is_account(account_number, c.account_number)
    ]
    if len(owners) == 1:
        return owners[0]
    return OrphanReason.UNKNOWN_REFERENCE if references else OrphanReason.NO_REFERENCE


def _same_account(seen: str | None, asked: str | None) -> bool:
    """Nothing to compare is no contradiction."""
    return not seen or not asked or plain_text(seen) == plain_text(asked)


def _is_account(seen: str | None, asked: str | None) -> bool:
    return bool(seen and asked) and _same_account(seen, asked)
