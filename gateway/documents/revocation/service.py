"""A revocation as a portal has to know it: since when, by whose word, which acts it touches.

Owns the decision: the issuer's date, unless an operator recorded another one with a reason; an
operator's word without a date leaves it to the others again. The portal's operator speaks for the
portal; the operator of the gateway, who alone can say it in all of them, before both. Every word
is a row, a record of the evidence chain and an event, in one transaction. Acts are split by what a
time-stamp proves (``touched``). Leaves asking issuers to ``watch``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from gateway.documents.evidence import authority_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.evidence.log import KeptFile, append, moment
from gateway.documents.evidence.standings import Revoked, Standing, standing_of
from gateway.documents.revocation import store
from gateway.documents.revocation.store import GATEWAY, ISSUER, OPERATOR
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
    cause: str | None = None  # by RFC 5280 §5.3.1


class Reckoning(Protocol):
    """Whoever says until when files are provable."""

    def reckon_anew(self, connection: Connection, ids: Sequence[str]) -> None:
        """What was reckoned about these files holds no more (part of a unit of work)."""
        ...

    def look_soon(self) -> None:
        """Do so soon, after the commit."""
        ...


class RevocationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What holds about a certificate, and how many acts it touches, by standing.

    ``source`` is ``issuer``, ``operator`` (of the portal) or ``gateway`` (the operator of all of
    them); null when nobody says that it is revoked. ``cause`` is the reason code of RFC 5280
    §5.3.1, null when none was given: time-stamps of a certificate that is revoked for a compromised
    key, or without a reason, are ``void`` however old they are.
    """

    id: str
    certificate_sha256: str
    status: str
    checked_at: str | None
    revoked_at: str | None
    source: str | None
    reason: str | None
    decided_by: str | None
    cause: str | None
    touched: dict[str, int]


def issuers_word(
    revoked_at: datetime | None, proof: Sequence[KeptFile], cause: str | None = None
) -> Word:
    """What an OCSP answer or a list says."""
    return Word(ISSUER, revoked_at, _NO_REASON[revoked_at is not None], None, proof, cause)


def revoked_by(row: Any) -> Revoked:
    """What holds, of the word that does; None: nobody's."""
    return Revoked(row.revoked_at, row.cause) if row is not None else Revoked()


def effective(rows: Sequence[Any]) -> Any:
    """The word that holds: the last one with a date, the gateway's before the portal's operator's.

    The issuer's comes after both. ``rows``: in order; whatever has their ``source`` and
    ``revoked_at``.
    """
    last = {row.source: row for row in rows}
    for source in (GATEWAY, OPERATOR, ISSUER):
        if source in last and last[source].revoked_at is not None:
            return last[source]
    return None


class Revocations:
    """Revocations in every portal."""

    def __init__(
        self, database: Database, clock: Clock, waker: Waker, reckoning: Reckoning | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker
        self._reckoning = reckoning

    def say(self, connection: Connection, tenant: str, certificate_sha256: str, word: Word) -> bool:
        """Take a word in (a unit of work); False when the same source said the same last.

        Raises:
            Problem: ``validation_failed``: an operator's moment that is still to come.
        """
        now = self._clock.now()
        if word.source != ISSUER and word.revoked_at is not None and word.revoked_at > now:
            sentence = "Thời điểm thu hồi không thể ở tương lai."
            raise invalid([FieldError("/revoked_at", "invalid", sentence)])
        evidence_store.lock_head(connection, tenant)  # who speaks at the same time waits
        rows = store.decisions(connection, tenant, certificate_sha256)
        stamps = authority_store.is_authority(connection, tenant, certificate_sha256)
        if _was_said(rows, word, stamps=stamps):
            return False
        id_ = store.id_of(tenant, certificate_sha256)
        holds = revoked_by(effective([*store.held(connection, tenant, certificate_sha256), word]))
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
            "cause": word.cause,
            "counts": count(connection, tenant, certificate_sha256, holds),
            "at": now,
        }
        store.add_decision(connection, row)
        append(connection, tenant, _content(row, word), now)
        event = NewEvent(
            new_id("evt", self._clock),
            tenant,
            "certificate.revoked" if holds.at is not None else "certificate.cleared",
            id_,
            sequence,
            "",
            now,
        )
        emit(connection, [event])
        if stamps:
            self._reckon_anew(connection, tenant, certificate_sha256)
        return True

    def _reckon_anew(self, connection: Connection, tenant: str, certificate_sha256: str) -> None:
        """Have everything that rests on an authority's time-stamps reckoned again."""
        after = ""
        while self._reckoning is not None:
            ids = authority_store.subjects(connection, tenant, certificate_sha256, after, _PAGE)
            self._reckoning.reckon_anew(connection, ids)
            if len(ids) < _PAGE:
                return
            after = ids[-1]

    def announce(self) -> None:
        """Wake the deliveries, and whoever reckons, after a commit that emitted."""
        self._waker.wake(TOPIC)
        if self._reckoning is not None:
            self._reckoning.look_soon()

    def show(
        self, connection: Connection, tenant: str, certificate_sha256: str
    ) -> RevocationAnswer:
        """What holds about a certificate in a portal, with the split as of now."""
        holds = effective(store.held(connection, tenant, certificate_sha256))
        touched = count(connection, tenant, certificate_sha256, revoked_by(holds))
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
    connection: Connection, tenant: str, certificate_sha256: str, revoked: Revoked
) -> dict[str, int]:
    """How many acts that rest on a certificate stand how against its revocation."""
    found: Counter[str] = Counter({one.value: 0 for one in Standing if one is not Standing.VOID})
    after: str | None = None
    for _ in range(_MOST // _PAGE):
        window = Window(limit=_PAGE, after=after)
        rows = evidence_store.records_by_certificate(connection, tenant, certificate_sha256, window)
        for row in rows[:_PAGE]:
            content = msgspec.json.decode(row.content)
            found[standing_of(content, certificate_sha256, revoked).value] += 1
        if len(rows) <= _PAGE:
            break
        after = str(rows[_PAGE - 1].number)
    return dict(found)


def _was_said(rows: Sequence[Any], word: Word, *, stamps: bool) -> bool:
    """Whether the same source said the same last; a signer's issuer gives no news by a cause."""
    mine = [row for row in rows if row.source == word.source]
    if not mine:
        return word.source == ISSUER and word.revoked_at is None
    last = mine[-1]
    if last.revoked_at != word.revoked_at:
        return False
    if last.cause != word.cause and (stamps or word.source != ISSUER):
        return False
    return word.source == ISSUER or bool(last.reason == word.reason)


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
            "cause": word.cause,
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
        cause=holds.cause if holds is not None else None,
        touched=touched,
    )
