"""The tracking feed: one cursor per customer code, read into parcel events, pure.

Owns reading a page (RESTHeart HAL) and the cursor, which is the last document's ObjectId. One
unreadable document becomes an event without a movement and never stops the others; identity is
the document id, so a page read twice is the same events.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.contract import (
    Feed,
    HttpReply,
    MoneyLane,
    ParcelEvent,
    ProviderProtocolError,
)
from connectors.payloads import text_of, whole_dong
from connectors.postal.vnpost_hcc.messages import read_answer
from connectors.postal.vnpost_hcc.statuses import UNKNOWN, Status
from connectors.references import VIETNAM

BEGINNING: Final = "0" * 24
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_000  # the end of year 9999


def cursor_at(moment: datetime) -> str:
    """The smallest document id of that second: an ObjectId begins with its creation time."""
    seconds = max(int((moment - _EPOCH).total_seconds()), 0)
    return f"{seconds:08x}".rjust(8, "0")[-8:] + "0" * 16


def read_feed(reply: HttpReply, cursor: str, page_size: int, table: Mapping[str, Status]) -> Feed:
    """One page of the feed; ``more`` only when there is more and the cursor moved.

    Raises:
        ProviderProtocolError: not a feed page, or one that would hold the cursor for ever.
    """
    body = read_answer(reply)
    documents = _documents(body)
    ids = [oid for oid in map(_object_id, documents) if oid]
    if documents and not ids:
        raise ProviderProtocolError("no document id in the tracking feed")
    last = max([cursor, *ids])
    pages = body.get("_total_pages")
    full = len(documents) >= page_size or (isinstance(pages, int) and pages > 1)
    return Feed(
        events=tuple(_read_event(document, table) for document in documents),
        cursor=last,
        more=full and last > cursor,
        answer=reply.body,
    )


def order_numbers(reply: HttpReply) -> Mapping[str, str | None]:
    """Order number → item number (or None) of every document on a page."""
    found: dict[str, str | None] = {}
    for document in _documents(read_answer(reply)):
        number = _text(document, "OrderNumber")
        if number:
            found[number] = _text(document, "ItemCode") or found.get(number)
    return found


def _documents(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    embedded = body.get("_embedded")
    documents = embedded.get("rh:doc") if isinstance(embedded, dict) else embedded
    if not isinstance(documents, list):
        raise ProviderProtocolError("not a tracking feed page")
    return [document if isinstance(document, dict) else {} for document in documents]


def _read_event(document: Mapping[str, Any], table: Mapping[str, Status]) -> ParcelEvent:
    code = _text(document, "StatusCode")
    status = table.get(code, UNKNOWN)
    at = _read_time(document.get("EventTime"))
    amount, amount_problem = _read_amount(document)
    problems = [*([] if at else ["EventTime"]), *([] if code else ["StatusCode"]), *amount_problem]
    facts = {"certainty": status.certainty.value}
    if problems:
        facts["unreadable"] = ",".join(problems)
    return ParcelEvent(
        event_key=_object_id(document) or _fingerprint(document),
        client_ref=_text(document, "OrderNumber") or None,
        item_code=_text(document, "ItemCode") or None,
        code=code,
        label=_text(document, "StatusMessage"),
        at=at or _created_at(document),
        movement=status.movement,
        money=status.money,
        amount_vnd=amount if status.money is MoneyLane.COLLECTED else None,
        place=_text(document, "POSID"),
        reason=_text(document, "Notes"),
        facts=facts,
    )


def _read_amount(document: Mapping[str, Any]) -> tuple[int | None, list[str]]:
    value = document.get("CODAmount")
    amount = whole_dong(value)
    readable = amount is not None and amount >= 0
    return (amount if readable else None), ([] if value is None or readable else ["CODAmount"])


def _read_time(value: Any) -> datetime | None:
    """Milliseconds since 1970, bare or in MongoDB's extended JSON."""
    if isinstance(value, dict):
        value = value.get("$date", value.get("$numberLong"))
        return _read_time(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LATEST_MS:
        return None
    return (_EPOCH + timedelta(milliseconds=value)).astimezone(VIETNAM)


def _created_at(document: Mapping[str, Any]) -> datetime:
    """When the document was made: the best we know of an event without a readable time."""
    seconds = int((_object_id(document) or BEGINNING)[:8], 16)
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(VIETNAM)


def _object_id(document: Mapping[str, Any]) -> str | None:
    value = document.get("_id")
    if isinstance(value, dict):
        value = value.get("$oid")
    text = value.lower() if isinstance(value, str) else ""
    return text if _OBJECT_ID.fullmatch(text) else None


def _fingerprint(document: Mapping[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, default=str).encode()
    return "sha256:" + hashlib.sha256(canonical).hexdigest()


def _text(document: Mapping[str, Any], name: str) -> str:
    return text_of(document.get(name)).strip()
