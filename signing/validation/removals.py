"""What signatures that were taken out of a file mean for the file, and the words for it.

Owns telling a signature that its own signer took back and gave again, over all the bytes (a remark)
from one that somebody else's signature now stands in for (a doubt about the file, whatever the
remaining signatures are worth). Leaves finding them to ``signing.reading``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from signing.reading.names import common_name
from signing.reading.opening import Data
from signing.reading.removed_signatures import (
    RemovedSignature,
    TooManyTraces,
    find_removed,
)
from signing.reading.signature_fields import FoundSignature
from signing.validation.difference import Deadline, OutOfTime
from signing.validation.sentences import say
from signing.validation.signature_reading import Judged

RemovalReason = Literal["signature_removed", "removals_unknown"]


@dataclass(frozen=True, slots=True)
class Removals:
    """What was taken away; ``reason`` is None where nothing speaks against the file."""

    reason: RemovalReason | None = None
    sentence: str = ""
    told: tuple[str, ...] = ()  # remarks


def look_for_removals(
    pdf: Data, found: list[FoundSignature], readable: Iterable[Judged], deadline: Deadline
) -> Removals:
    """Look at what the bytes hold besides the signatures that are shown.

    Args:
        pdf: the file's bytes.
        found: the shown signatures.
        readable: those of them whose bytes and value were verified.
        deadline: of the file; what is not looked at by then is unknown.
    """
    try:
        removed = find_removed(pdf, found, deadline.check)
    except (OutOfTime, TooManyTraces):
        return Removals("removals_unknown", say("removals_unknown"))
    whole = [judged for judged in readable if judged.verified and not judged.integrity_failure]
    again = [one for one in removed if _given_again(one, whole)]
    taken = [one for one in removed if one not in again]
    told = (say("signature_replaced", names=_names(again)),) if again else ()
    if not taken:
        return Removals(told=told)
    return Removals("signature_removed", say("signature_removed", names=_names(taken)), told)


def _given_again(one: RemovedSignature, whole: list[Judged]) -> bool:
    return any(one.was_given_again(j.found.end, j.certificate) for j in whole)


def _names(removed: list[RemovedSignature]) -> str:
    kinds = {True: "removed_stamp", False: "removed_one"}
    named = (say(kinds[r.is_timestamp], name=common_name(r.certificate.subject)) for r in removed)
    return ", ".join(dict.fromkeys(named))
