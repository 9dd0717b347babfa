"""Where the authority register is asked: when a request is opened, signed, and published.

Owns turning a step of a request into a wish, and a refusal into a problem. Both must allow an act:
the configuration (whose key a name stands for, which clerks hold an agency's) and, where it has
rows, the register (who may, today). What a mandate covers is ``authority_register``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from gateway.documents import request_store, store
from gateway.documents.authority import store as authority_store
from gateway.documents.authority.rules import Mandate, Refusal, Ruling, Wish, judge
from gateway.documents.rules import Authority, StepStatus
from gateway.foundation.problems import FieldError, Problem

_AGENCY = "agency:"
_NAMED = 3  # of those who hold a key, told by name why they may not use it


class Step(Protocol):
    """What a step says, asked for or stored."""

    @property
    def role(self) -> str:
        """initial, person, agency, copy or annex."""
        ...

    @property
    def signer(self) -> str:
        """``official:…`` or ``agency:…``."""
        ...

    @property
    def capacity(self) -> str | None:
        """TM., KT., TL., TUQ., Q. or none."""
        ...

    @property
    def title(self) -> str | None:
        """Chức vụ."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """In whose name a request's document is issued, and what kind of document it is."""

    tenant: str
    agency_code: str | None
    document_kind: str


def agency_of(signers: Sequence[str], named: str | None = None) -> str | None:
    """The agency a document is issued by: the one named, else the one that seals."""
    sealing = (s.removeprefix(_AGENCY) for s in signers if s.startswith(_AGENCY))
    return named or next(sealing, None)


def errors_when_opening(
    connection: Connection, office: Office, steps: Sequence[Step], keys: Authority, now: datetime
) -> list[FieldError]:
    """Why steps that are asked for cannot be carried out as of now, field by field."""
    mandates = authority_store.mandates(connection, office.tenant, office.agency_code)
    errors = []
    for position, step in enumerate(steps):
        rulings = [
            _judge(office, step, official, keys=keys, mandates=mandates, at=now)
            for official in sorted(_who_may_act(step, keys))
        ]
        refusals = [r.refusal for r in rulings if r.refusal is not None]
        if rulings and len(refusals) == len(rulings):
            first = refusals[0]
            detail = _nobody(refusals)
            errors.append(FieldError(_pointer(position, first), first.code, detail))
    return errors


def _nobody(refusals: Sequence[Refusal]) -> str:
    """Why none of those who hold a key may act; of a few, each."""
    sentences = list(dict.fromkeys(refusal.sentence for refusal in refusals))
    if len(sentences) == 1:
        return sentences[0]
    more = len(sentences) - _NAMED
    rest = [f"(và {more} người nữa)"] if more > 0 else []
    return " ".join(["Không ai giữ khóa này ký được.", *sentences[:_NAMED], *rest])


def require_step(
    connection: Connection, request: Any, official: str, keys: Authority, now: datetime
) -> Ruling:
    """The mandates under which an official acts on a request's present step right now.

    A seal also wants each person to have had authority for the agency when they signed.

    Raises:
        Problem: ``authority_refused`` with the register's code as ``reason``,
            ``person_without_authority``.
    """
    document = store.find_document(connection, request.tenant, request.document_id)
    office = Office(request.tenant, request.agency_code, document.kind)
    steps = request_store.steps_of(connection, [request.id])[request.id]
    step = steps[request.current_step]
    mandates = authority_store.mandates(connection, office.tenant, office.agency_code)
    ruling = _judge(office, step, official, keys=keys, mandates=mandates, at=now)
    if ruling.refusal is not None:
        raise _problem(ruling.refusal)
    if step.role == "agency":
        _require_persons(office, steps, keys, mandates)
    return ruling


def _require_persons(
    office: Office, steps: Sequence[Any], keys: Authority, mandates: Sequence[Mandate]
) -> None:
    for step in steps:
        if step.role != "person" or step.status != StepStatus.SIGNED:
            continue
        ruling = _judge(office, step, step.signer, keys=keys, mandates=mandates, at=step.signed_at)
        refusal = ruling.refusal
        if refusal is not None:
            extra = {"reason": refusal.code}
            raise Problem("person_without_authority", refusal.sentence, extra=extra)


def require_wish(connection: Connection, tenant: str, wish: Wish, *, required: bool) -> Ruling:
    """The mandates that cover a wish of any capability.

    Raises:
        Problem: ``authority_refused`` with the register's code as ``reason``.
    """
    mandates = authority_store.mandates(connection, tenant, wish.agency_code)
    ruling = judge(wish, mandates, required=required)
    if ruling.refusal is not None:
        raise _problem(ruling.refusal)
    return ruling


def confirm(ruling: Ruling, certificate: bytes) -> Mandate | None:
    """The mandate a finished act rests on; None where the register is silent.

    Raises:
        Problem: ``authority_refused`` (``authority_certificate``): the key's certificate is not
            one that the mandates name.
    """
    ground = ruling.ground_for(certificate)
    if ground is None and ruling.grounds:
        sentence = "Chứng thư số đã dùng không phải chứng thư ghi trong sổ thẩm quyền."
        raise _problem(Refusal("authority_certificate", sentence))
    return ground


def describe(mandate: Mandate | None) -> Mapping[str, Any] | None:
    """A mandate as evidence keeps it."""
    if mandate is None:
        return None
    return {
        "id": mandate.id,
        "agency_code": mandate.agency_code,
        "title": mandate.title,
        "decision_number": mandate.decision_number,
        "decision_date": mandate.decision_date.isoformat(),
        "granted_by": mandate.granted_by,
    }


def _judge(
    office: Office,
    step: Step,
    official: str,
    *,
    keys: Authority,
    mandates: Sequence[Mandate],
    at: datetime,
) -> Ruling:
    wish = Wish(
        official=official,
        role=step.role,
        capacity=step.capacity,
        title=step.title,
        agency_code=office.agency_code,
        document_kind=office.document_kind,
        credential=keys.keys.get(step.signer, ""),
        at=at,
    )
    return judge(wish, mandates, required=keys.register_required)


def _who_may_act(step: Step, keys: Authority) -> frozenset[str]:
    if step.signer.startswith(_AGENCY):
        return keys.clerks.get(step.signer, frozenset())
    return frozenset({step.signer})


def _pointer(position: int, refusal: Refusal) -> str:
    field = {"authority_capacity": "capacity", "authority_title": "title"}.get(refusal.code)
    return f"/steps/{position}/{field or 'signer'}"


def _problem(refusal: Refusal) -> Problem:
    return Problem("authority_refused", refusal.sentence, extra={"reason": refusal.code})
