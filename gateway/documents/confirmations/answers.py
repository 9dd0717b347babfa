"""What the API shows of a step that waits for its official outside of the gateway."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.documents.confirmations.act_store import Stage
from gateway.documents.confirmations.rules import code_of
from gateway.foundation.clock import iso
from signing.contract import OUTCOME_UNKNOWN


class HandOffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the desktop signer needs; shown only to the official who asked to sign.

    ``argument`` is the JSON text for ``function`` of the signer's page script.
    """

    download_url: str
    upload_url: str
    function: str
    argument: str


class ConfirmationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the present step is waiting for outside of the gateway, or why that ended.

    ``state``: requested, waiting_user, signing, unknown (being asked about), rejected, expired,
    quota, certificate_invalid, error, cancelled. ``detail`` is Vietnamese. ``code``: why it ended,
    for machines: rejected, expired (nobody confirmed in time), not_completed (confirmed, but the
    signature could not be completed in time), quota, certificate_invalid, error, withdrawn,
    outcome_unknown (also while it waits for a decision); null while it goes on.
    ``decision_needed``: nobody can be asked any more; the official says what the provider's
    application shows.
    """

    state: str
    detail: str
    code: str | None
    provider: str
    expires_at: str | None
    part: int
    parts: int
    digest: str | None
    batch: str | None
    decision_needed: bool = False
    hand_off: HandOffAnswer | None = None


def show_confirmation(row: Any, act: Any) -> ConfirmationAnswer | None:
    """The newest act of the present step, until it is published or the step is taken again."""
    if act is None or act.stage == Stage.PUBLISHED:
        return None
    if act.position != row.current_step or act.fence != row.fence:
        return None
    ended = act.stage == Stage.ENDED
    undecided = act.undecided_at is not None and not ended
    code = code_of(act.state, confirmed=act.arrived) if ended else None
    until = min(act.confirm_by or act.expires_at, act.expires_at)
    return ConfirmationAnswer(
        state=act.state,
        detail=act.detail,
        code=OUTCOME_UNKNOWN if undecided else code,
        provider=act.provider,
        expires_at=None if ended else iso(until),
        part=act.part,
        parts=act.parts,
        digest=act.digest,
        batch=act.batch_id,
        decision_needed=undecided,
    )
