"""What the API shows of a step that waits for its official outside of the gateway."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.documents.confirmations.act_store import Stage
from gateway.foundation.clock import iso


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
    quota, certificate_invalid, error, cancelled. ``detail`` is Vietnamese. ``decision_needed``:
    nobody can be asked any more; the official says what the provider's application shows.
    """

    state: str
    detail: str
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
    until = min(act.confirm_by or act.expires_at, act.expires_at)
    return ConfirmationAnswer(
        state=act.state,
        detail=act.detail,
        provider=act.provider,
        expires_at=iso(until) if act.stage != Stage.ENDED else None,
        part=act.part,
        parts=act.parts,
        digest=act.digest,
        batch=act.batch_id,
        decision_needed=act.undecided_at is not None and act.stage != Stage.ENDED,
    )
