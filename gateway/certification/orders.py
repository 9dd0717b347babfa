"""A certifier's order to sign a draft: who, with what they typed, and what speaks against it.

Pure but for the row it looks at. Leaves numbers and signatures to ``issuing`` and ``copies``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from gateway.certification.copies import AgencyRefused
from gateway.certification.rules import Offices, Secrets, Status, why_not_sign
from gateway.foundation.idempotency import Lease
from gateway.foundation.problems import FieldError, Problem, invalid
from gateway.foundation.signing_problems import problem_of
from signing.contract import CredentialRefused, SigningError


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """A certifier's order to sign a draft."""

    tenant: str
    mode: str
    certification_id: str
    official: str | None
    secrets: Secrets = field(default_factory=Secrets, repr=False)
    lease: Lease | None = None  # the idempotency key this runs under
    principal: str | None = None  # the API key's id


def check(row: Any, order: IssueOrder) -> None:
    """Refuse whoever may not sign this draft, or what is no draft any more.

    Raises:
        Problem: what ``rules.why_not_sign`` says.
    """
    code = why_not_sign(Status(row.status), row.certifier, order.official)
    if code is not None:
        raise Problem(code)


def check_secrets(row: Any, order: IssueOrder, offices: Offices) -> None:
    """Refuse what was given to a key that cannot use it.

    Raises:
        Problem: ``validation_failed`` at ``/pin``, ``/otp``, ``/agency_pin``, ``/agency_otp``.
    """
    wrong = offices.unused(row.certifier, row.agency_code, order.secrets)
    if wrong:
        raise invalid([FieldError(p, "not_used", sentence) for p, sentence in wrong.items()])


def was_issued_under_this_key(row: Any, order: IssueOrder) -> bool:
    """Whether an earlier try with this idempotency key issued it after all."""
    if order.lease is None or order.lease.subject != row.id:
        return False
    return bool(row.status != Status.DRAFT and row.certifier == order.official)


def refusal_of(error: SigningError) -> Problem:
    """A refusal; of a key, with whose it is."""
    problem = problem_of(error)
    if not isinstance(error, CredentialRefused):
        return problem
    whose = "agency" if isinstance(error, AgencyRefused) else "certifier"
    return replace(problem, extra={**problem.extra, "key": whose})
