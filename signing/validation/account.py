"""The Vietnamese account of what came after a signature: who signed, what was added.

Owns telling only; whether it may be so is judged in ``changes``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.reading.names import common_name
from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry
from signing.validation.sentences import say
from signing.validation.signature_reading import Judged

log = logging.getLogger(__name__)

_DESCRIBING = ("/Title", "/Author", "/Subject", "/Keywords")


@dataclass(frozen=True, slots=True)
class LaterAct:
    """A later signature or archive time-stamp, as told to people."""

    revision: int
    signer: str
    is_timestamp: bool
    field: str = ""


class Account:
    """Tells, for every signature of one file, what came after it.

    Args:
        reader: of the whole file.
        acts: all its readable signatures and time-stamps in the order of their revisions.
    """

    def __init__(self, reader: PdfFileReader, acts: list[LaterAct]) -> None:
        self._reader = reader
        self._acts = acts
        self._freeing = _freeing_revisions(reader)

    def after(self, revision: int) -> tuple[str, ...]:
        """Signatures, time-stamps, validation data, descriptions and freed objects."""
        told = _tell_acts([act for act in self._acts if act.revision > revision])
        try:
            told += self._tell_contents(revision)
        except HOSTILE_INPUT_ERRORS as error:
            log.info("what came later is not readable: %s", type(error).__name__)
            told.append(say("later_unreadable"))
        return tuple(told)

    def _tell_contents(self, revision: int) -> list[str]:
        old, told = self._reader.get_historical_resolver(revision), []
        if _validation_data(self._reader.root) != _validation_data(old.root):
            told.append(say("later_dss"))
        if _description(self._reader) != _description(old):
            told.append(say("later_description"))
        if any(number > revision for number in self._freeing):
            told.append(say("later_freed"))
        return told


def acts_in_order(readable: Iterable[Judged]) -> list[LaterAct]:
    """All signatures and time-stamps in the order in which they were made."""
    return [
        LaterAct(
            judged.revision,
            common_name(judged.certificate.subject),
            judged.found.is_timestamp,
            judged.found.field.name,
        )
        for judged in sorted(readable, key=lambda one: one.revision)
    ]


def _tell_acts(acts: list[LaterAct]) -> list[str]:
    """One sentence for each signer's signatures in a row: a clerk's one act makes four."""
    told = []
    for (signer, is_timestamp), row in groupby(acts, lambda act: (act.signer, act.is_timestamp)):
        fields = [act.field for act in row]
        if is_timestamp:
            told.append(say("later_timestamp"))
        else:
            code = "later_signature" if len(fields) == 1 else "later_signatures"
            told.append(say(code, name=signer, count=len(fields), fields=", ".join(fields)))
    return told


def _description(handler: Any) -> tuple[str, ...]:
    """What the file says of itself: title, author, subject; not when and with what it was saved.

    XMP metadata is left to the difference policy: reading it here would confuse the library's own
    reading of it.
    """
    information = entry(handler.trailer_view, "/Info")
    return tuple(str(entry(information, key)) for key in _DESCRIBING)


def _freeing_revisions(reader: PdfFileReader) -> tuple[int, ...]:
    return tuple(
        number
        for number in range(1, reader.xrefs.total_revisions)
        if reader.get_historical_resolver(number).refs_freed_in_revision()
    )


def _validation_data(root: Any) -> Any:
    """What identifies the state of the DSS: its streams' references, None without one."""
    store = entry(root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return None
    arrays = {key: entry(store, key) for key in ("/Certs", "/OCSPs", "/CRLs") if key in store}
    return {
        key: [getattr(raw, "idnum", None) for raw in array] if isinstance(array, list) else None
        for key, array in arrays.items()
    }
