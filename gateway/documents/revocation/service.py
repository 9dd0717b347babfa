"""A revocation as a portal has to know it: since when, by whose word, which acts it touches.

Owns the decision: the issuer's date, unless the operator recorded another one with a reason; an
operator's word without a date leaves it to the issuer again. Every word is a row, a record of the
evidence chain and an event, in one transaction. Acts are split by what a time-stamp proves
(``touched``). Leaves asking issuers to ``watch``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.log import KeptFile, append, moment
from gateway.documents.evidence.standings import Standing, standing_of
from gateway.documents.revocation import store
from gateway.documents.revocation.store import ISSUER, OPERATOR
from gateway.foundation.clock import Clock, iso
from gateway.foundation.database import Database
from gateway.foundation.ids import new_id
from gateway.foundation.listing import Window
from gateway.foundation.problems import FieldError, invalid
from gateway.foundation.waker import Waker
from gateway.webhooks.outbox import TOPIC, NewEvent, emit

REVOCATION = "revocation"
_PAGE, _MOST = 500, 100_000
_NO_REASON = {True: "Nơi cấp chứng thư công bố thu hồi.", False: "Nơi cấp không còn nói thu hồi."}


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says about a certificate's revocation."""

    source: str
    revoked_at: datetime | None
    reason: str
    decided_by: str | None = None
    proof: Sequence[KeptFile] = ()


class RevocationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What holds about a certificate, and how many acts it touches, by standing.

    ``source`` is ``issuer`` or ``operator``; null when nobody says that it is revoked.
    """

    id: str
    certificate_sha256: str
    status: str
    checked_at: str | None
    revoked_at: str | None
    source: str | None
    reason: str | None
    decided_by: str | None
    touched: dict[str, int]


def issuers_word(revoked_at: datetime | None, proof: Sequence[KeptFile]) -> Word:
    """What an OCSP answer or a list says."""
    return Word(ISSUER, revoked_at, _NO_REASON[revoked_at is not None], None, proof)


def effective(rows: Sequence[Any]) -> Any:
    """The word that holds: the operator's last one if it has a date, else the issuer's last one."""
    last = {row.source: row for row in rows}
    for source in (OPERATOR, ISSUER):
        if source in last and last[source].revoked_at is not None:
            return last[source]
    return None


class Revocations:
    """Revocations in every portal."""

    def __init__(self, database: Database, clock: Clock, waker: Waker) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker

    def say(self, connection: Connection, tenant: str, certificate_sha256: str, word: Word) -> bool:
        """Take a word in (a unit of work); False when the same source said the same last.

        Raises:
            Problem: ``validation_failed``: an operator's moment that is still to come.
        """
        now = self._clock.now()
        if word.source == OPERATOR and word.revoked_at is not None and word.revoked_at > now:
            sentence = "Thời điểm thu hồi không thể ở tương lai."
            raise invalid([FieldError("/revoked_at", "invalid", sentence)])
        evidence_store.lock_head(connection, tenant)  # who speaks at the same time waits
        rows = store.decisions(connection, tenant, certificate_sha256)
        mine = [row for row in rows if row.source == word.source]
        said = (mine[-1].revoked_at, mine[-1].reason) if mine else (None, None)
        if word.source == ISSUER and said[0] == word.revoked_at:
            return False
        if said == (word.revoked_at, word.reason):
            return False
        id_ = store.id_of(tenant, certificate_sha256)
        holds = word.revoked_at
        if holds is None:
            others = effective([row for row in rows if row.source != word.source])
            holds = others.revoked_at if others is not None else None
        sequence = len(rows) + 1
        row = {
            "id": id_,
            "sequence": sequence,
            "tenant": tenant,
            "certificate_sha256": certificate_sha256,
            "source": word.source,
            "revoked_at": word.revoked_at,
            "reason": word.reason,
            "decided_by": word.decided_by,
            "counts": count(connection, tenant, certificate_sha256, holds),
            "at": now,
        }
        store.add_decision(connection, row)
        append(connection, tenant, _content(row, word), now)
        event = NewEvent(
            new_id("evt", self._clock),
            tenant,
            "certificate.revoked" if holds is not None else "certificate.cleared",
            id_,
            sequence,
            "",
            now,
        )
        emit(connection, [event])
        return True

    def announce(self) -> None:
        """Wake the deliveries after a commit that emitted."""
        self._waker.wake(TOPIC)

    def show(
        self, connection: Connection, tenant: str, certificate_sha256: str
    ) -> RevocationAnswer:
        """What holds about a certificate in a portal, with the split as of now."""
        rows = store.decisions(connection, tenant, certificate_sha256)
        holds = effective(rows)
        revoked_at = holds.revoked_at if holds is not None else None
        touched = count(connection, tenant, certificate_sha256, revoked_at)
        watched = store.watched(connection, certificate_sha256)
        return _answer(tenant, certificate_sha256, holds, watched, touched)

    def render(self, connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Event data: what ``gateway/app.py`` registers for ``crt``; the split as it was told."""
        by_id: dict[str, list[Any]] = {}
        for row in store.decisions_by_id(connection, ids):
            by_id.setdefault(row.id, []).append(row)
        shown = {}
        for id_, rows in by_id.items():
            last, holds = rows[-1], effective(rows)
            watched = store.watched(connection, last.certificate_sha256)
            of = (last.tenant, last.certificate_sha256)
            shown[id_] = msgspec.to_builtins(_answer(*of, holds, watched, last.counts))
        return shown


def count(
    connection: Connection, tenant: str, certificate_sha256: str, revoked_at: datetime | None
) -> dict[str, int]:
    """How many acts with a certificate stand before, after and unproven against a moment."""
    found: Counter[str] = Counter({one.value: 0 for one in Standing})
    after: str | None = None
    for _ in range(_MOST // _PAGE):
        window = Window(limit=_PAGE, after=after)
        rows = evidence_store.records_by_certificate(connection, tenant, certificate_sha256, window)
        for row in rows[:_PAGE]:
            signature = msgspec.json.decode(row.content)["signature"]
            found[standing_of(signature, revoked_at).value] += 1
        if len(rows) <= _PAGE:
            break
        after = str(rows[_PAGE - 1].number)
    return dict(found)


def _content(row: dict[str, Any], word: Word) -> dict[str, Any]:
    revoked_at = word.revoked_at
    return {
        "kind": REVOCATION,
        "revocation": {
            "certificate_sha256": row["certificate_sha256"],
            "source": word.source,
            "revoked_at": moment(revoked_at) if revoked_at is not None else None,
            "reason": word.reason,
            "decided_by": word.decided_by,
            "touched": row["counts"],
        },
        "files": [{"what": f.what, "sha256": f.sha256} for f in word.proof],
    }


def _answer(
    tenant: str, certificate_sha256: str, holds: Any, watched: Any, touched: dict[str, int]
) -> RevocationAnswer:
    checked_at = watched.checked_at if watched is not None else None
    return RevocationAnswer(
        id=store.id_of(tenant, certificate_sha256),
        certificate_sha256=certificate_sha256,
        status=watched.status if watched is not None else "unknown",
        checked_at=iso(checked_at) if checked_at is not None else None,
        revoked_at=iso(holds.revoked_at) if holds is not None else None,
        source=holds.source if holds is not None else None,
        reason=holds.reason if holds is not None else None,
        decided_by=holds.decided_by if holds is not None else None,
        touched=touched,
    )
