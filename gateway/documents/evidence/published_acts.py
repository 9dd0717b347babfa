"""A step that is being published, as the authority register and the evidence log see it.

Called inside the transaction that publishes, whichever way the signature was made and however long
ago its official agreed: everything that is recorded was stored with the intent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.documents import request_store, store
from gateway.documents.authority import steps as step_authority
from gateway.documents.evidence.log import Confirmation, KeptFile, SignedAct, record_act
from gateway.documents.rules import Authority
from signing.contract import Signed


def record_published(
    connection: Connection,
    keys: Authority,
    request: Any,
    signed: Signed,
    kept: Sequence[KeptFile],
    *,
    now: datetime,
) -> int:
    """Ask the register once more, then append the act to its tenant's chain; its number.

    Args:
        connection: of the publishing transaction.
        keys: the configuration's keys and clerks.
        request: the row as it was before this step was published.
        signed: what came of it.
        kept: its raw bytes in the file store (``evidence_log.keep``).
        now: the moment of publishing.

    Raises:
        Problem: ``authority_refused``, ``person_without_authority``: the mandate ended meanwhile.
    """
    step = request_store.steps_of(connection, [request.id])[request.id][request.current_step]
    document = store.find_document(connection, request.tenant, request.document_id)
    official = step.intent_official
    ruling = step_authority.require_step(connection, request, official, keys, now)
    ground = step_authority.confirm(ruling, signed.certificate)
    confirmation = step.confirmation or {}
    act = SignedAct(
        tenant=request.tenant,
        document={"id": document.id, "reference": document.reference, "kind": document.kind},
        step={
            "request": request.id,
            "position": step.position,
            "role": step.role,
            "signer": step.signer,
            "capacity": step.capacity,
            "title": step.title,
            "agency_code": request.agency_code,
        },
        confirmation=Confirmation(
            official=official,
            principal=confirmation.get("principal"),
            channel=confirmation.get("channel", "api"),
            credential=keys.keys[step.signer],
            shown_sha256=confirmation.get("shown_sha256"),
            input_sha256=step.input_sha256,
            confirmed_at=step.intent_at,
        ),
        authority=step_authority.describe(ground),
        signed=signed,
        kept=[KeptFile("input", step.input_sha256), KeptFile("result", signed.sha256), *kept],
    )
    return record_act(connection, act, now)
