"""What was changed after a signature, and whether that may be so.

Owns the judgement of later changes (stricter than pyHanko's default, fairer to how Vietnamese
officials sign). Leaves comparing objects to ``difference``, comparing pictures to ``drawn`` and
``pictures``, what updates carry without using it to ``carried``, whether they can be read in two
ways to ``updates``, telling about it to ``account``, and the bytes under a signature to
``signature_judgement``.

Accepted after a signature: further signatures, also visible ones after a certifying signature
that allows filling in; archive time-stamps; validation data; objects freed that nothing used;
values of form fields that the caller lists. Besides, the pages must look as they did outside the
boxes of these signatures and fields. Everything else is refused or, for unlisted fields, left
undecided.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, SuspiciousModification

from signing.reading.opening import HOSTILE_INPUT_ERRORS, Data, entry
from signing.reading.signature_fields import FormField, form_fields
from signing.validation.carried import CarriedAlong
from signing.validation.difference import Deadline, Unanalysable
from signing.validation.drawn import DrawnContent, Key, Rect, TooLarge
from signing.validation.filled import FilledFields
from signing.validation.pictures import Beginning, Comparison, CoveredPages, compare_pictures
from signing.validation.reasons import ChangeReason
from signing.validation.sentences import say
from signing.validation.stamps import is_new_look, suspicious_stamp
from signing.validation.updates import Updates

log = logging.getLogger(__name__)


class ChangeVerdict(StrEnum):
    """What later changes mean for a signature."""

    ACCEPTED = "accepted"
    UNDECIDED = "undecided"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Changes:
    """The judgement of later changes, its reason (a message code) and the account in Vietnamese."""

    verdict: ChangeVerdict
    reason: ChangeReason | None = None
    names: tuple[str, ...] = ()  # of fields or pages, for the reason's sentence
    told: tuple[str, ...] = ()
    allowed: frozenset[Key] = frozenset()  # annotations that may be new or different
    doubtful: frozenset[Key] = frozenset()  # annotations of unlisted fields
    stamps: frozenset[Key] = frozenset()  # annotations of later signatures
    filled: tuple[str, ...] = ()  # listed fields that were filled in


UNKNOWN_CHANGES = Changes(ChangeVerdict.UNDECIDED, "modified_unknown")


@dataclass(frozen=True, slots=True)
class SignedRevision:
    """Where a signature stands in its file: the revision it made, where that ends, its DocMDP."""

    number: int
    end: int  # bytes
    docmdp: int | None


class ChangeJudge:
    """Judges later changes for every signature of one file.

    Args:
        pdf: the whole file, which ``reader`` reads.
        allowed_fields: form fields that may be filled in after signing; ``*`` in a name stands for
            any characters.
        deadline: of the whole validation.
    """

    def __init__(
        self, pdf: Data, reader: PdfFileReader, allowed_fields: frozenset[str], deadline: Deadline
    ) -> None:
        self._pdf = pdf
        self._reader = reader
        self._allowed = allowed_fields
        self._deadline = deadline
        self._drawn = DrawnContent(reader, deadline)
        self._carried = CarriedAlong(reader, deadline)
        self._updates = Updates(pdf, reader, deadline)
        self._covered = CoveredPages(pdf, deadline)
        self._filled = FilledFields(pdf)
        self._newest: dict[str, FormField] | None = None

    def close(self) -> None:
        """Free what was opened to draw pages."""
        self._covered.close()

    def judge(
        self, signed: SignedRevision, difference: DiffResult | SuspiciousModification
    ) -> Changes:
        """Decide about everything after a signed revision.

        Raises:
            OutOfTime: the file's time limit passed.
        """
        if isinstance(difference, Unanalysable):
            return self._judge_unanalysable(signed)
        if isinstance(difference, SuspiciousModification):
            return Changes(ChangeVerdict.REFUSED, "modified", told=(say("later_suspicious"),))
        level = difference.modification_level
        if level >= ModificationLevel.ANNOTATIONS:
            return Changes(ChangeVerdict.REFUSED, "modified", told=(say("later_suspicious"),))
        if signed.docmdp is not None and level.value > signed.docmdp:
            return Changes(ChangeVerdict.REFUSED, "docmdp_violated")
        if signed.number >= self._reader.xrefs.total_revisions - 1:
            return Changes(ChangeVerdict.ACCEPTED)
        # whatever the library names: it passes over flags, of which one hides a field
        every = {name for name, field in self._fields().items() if field.kind != "/Sig"}
        judged = self._judge_fields(signed, difference.changed_form_fields | every)
        seen = self._judge_filled(self._judge_pictures(signed, judged))
        return self._judge_carried(signed, seen)

    def _judge_unanalysable(self, signed: SignedRevision) -> Changes:
        """Undecided at best: what pages show may still be certain to be another thing."""
        try:
            boxes = self._judge_fields(signed, set())
        except HOSTILE_INPUT_ERRORS:
            boxes = UNKNOWN_CHANGES
        seen = self._judge_pictures(signed, boxes)
        return seen if seen.verdict is ChangeVerdict.REFUSED else UNKNOWN_CHANGES

    def _judge_fields(self, signed: SignedRevision, changed: set[str]) -> Changes:
        """Judge later stamps and filled-in fields, which the difference policy lets through."""
        signed_root = self._reader.get_historical_resolver(signed.number).root
        older = {f.name: f for f in form_fields(signed_root)}
        newer = self._fields()
        filled = sorted(
            n for n in changed if self._is_filled(older.get(n), newer.get(n), signed.number)
        )
        unlisted = tuple(n for n in filled if not any(_fits(n, p) for p in self._allowed))
        stamped = [n for n, f in newer.items() if is_new_look(older.get(n), f)]
        boxes = Changes(
            ChangeVerdict.ACCEPTED,
            told=(say("later_form", names=", ".join(filled)),) if filled else (),
            allowed=_widgets(newer, {*stamped, *filled} - set(unlisted)),
            doubtful=_widgets(newer, unlisted),
            stamps=_widgets(newer, stamped),
            filled=tuple(name for name in filled if name in newer and name not in unlisted),
        )
        redraw = _asks_to_redraw(self._reader.root) and not _asks_to_redraw(signed_root)
        doubt = "redraw_asked" if redraw else suspicious_stamp(older, newer)
        if doubt:
            return replace(boxes, verdict=ChangeVerdict.UNDECIDED, reason=doubt)
        if unlisted:
            return replace(
                boxes, verdict=ChangeVerdict.UNDECIDED, reason="form_changed", names=unlisted
            )
        return boxes

    def _is_filled(self, before: FormField | None, after: FormField | None, revision: int) -> bool:
        """Whether a field is another one since; the policy names every field that it looked at."""
        if after is not None and after.kind == "/Sig":
            return False
        if before is None or after is None:
            return True
        keys = [_key(widget) for widget in after.widgets]
        if keys != [_key(widget) for widget in before.widgets]:
            return True  # maybe one that lay in reserve when it was signed
        return any(key is None or self._drawn.is_newer(key, revision) for key in keys)

    def _judge_pictures(self, signed: SignedRevision, judged: Changes) -> Changes:
        """Refuse pages that look different outside the boxes, however the change was explained.

        Inside the boxes of later signatures a page may look different, but nothing that was
        written may be gone.
        """
        try:
            alike = self._drawn.alike(signed.number, judged.allowed | judged.doubtful)
            allowed = self._drawn.boxes(judged.allowed)
            if not alike:
                doubtful = self._drawn.boxes(judged.doubtful)
                seen = compare_pictures(
                    Beginning(self._pdf, signed.end),
                    self._pdf,
                    allowed,
                    doubtful,
                    self._deadline,
                )
                if seen.differing or seen.failure:
                    return _judge_seen(judged, seen)
            stamps = self._drawn.boxes(judged.stamps)
        except TooLarge:
            return _undrawn(judged, say("too_many_pages"))
        except HOSTILE_INPUT_ERRORS as error:
            log.info("pages not compared: %s", type(error).__name__)
            return _undrawn(judged, say("undrawable"))
        if judged.verdict is not ChangeVerdict.ACCEPTED or not any(map(_drawn, stamps.values())):
            return judged
        return _judge_seen(judged, self._covered.look(signed.end, stamps, allowed, alike=alike))

    def _judge_filled(self, judged: Changes) -> Changes:
        """Undecided when a listed field shows something else than it holds."""
        if judged.verdict is not ChangeVerdict.ACCEPTED or not judged.filled:
            return judged
        self._deadline.check()
        fields = self._fields()
        asked = [fields[name] for name in judged.filled]
        names = self._filled.lying(asked, self._drawn.page_dictionaries())
        if not names:
            return judged
        return replace(
            judged, verdict=ChangeVerdict.UNDECIDED, reason="field_mismatch", names=names
        )

    def _judge_carried(self, signed: SignedRevision, judged: Changes) -> Changes:
        """Undecided when an update can be read in two ways, or carried what it did not use."""
        if judged.verdict is not ChangeVerdict.ACCEPTED:
            return judged
        reason = self._updates.reason(signed.number) or self._carried.reason(signed.number)
        if reason is None:
            return judged
        return replace(judged, verdict=ChangeVerdict.UNDECIDED, reason=reason)

    def _fields(self) -> dict[str, FormField]:
        if self._newest is None:
            self._newest = {f.name: f for f in form_fields(self._reader.root)}
        return self._newest


def _fits(name: str, pattern: str) -> bool:
    """Whether a field's name is a listed one, in which ``*`` stands for any characters."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    last, place = others.pop(), len(first)
    if not name.startswith(first) or not name.endswith(last):
        return False
    for part in others:  # the leftmost place leaves the most room for the next
        found = name.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return place <= len(name) - len(last)


def _judge_seen(judged: Changes, seen: Comparison) -> Changes:
    """What the pictures mean for changes that were accepted as objects."""
    pages = tuple(str(number) for number in seen.differing or seen.doubtful)
    if seen.differing:
        told = (*judged.told, say("later_picture", pages=", ".join(pages)))
        return Changes(ChangeVerdict.REFUSED, "picture_changed", pages, told)
    if seen.doubtful:
        covered = [say("later_covered", words=words) for words in seen.covered]
        return replace(
            judged,
            verdict=ChangeVerdict.UNDECIDED,
            reason="text_covered",
            names=pages,
            told=(*judged.told, *covered),
        )
    return _undrawn(judged, seen.failure) if seen.failure else judged


def _drawn(boxes: list[Rect]) -> bool:
    """Whether any of these rectangles can show something."""
    return any(left < right and bottom < top for left, bottom, right, top in boxes)


def _undrawn(judged: Changes, failure: str) -> Changes:
    """What was accepted is undecided when the pages could not be compared."""
    if judged.verdict is not ChangeVerdict.ACCEPTED:
        return judged
    return replace(
        judged, verdict=ChangeVerdict.UNDECIDED, reason="picture_unknown", names=(failure,)
    )


def _widgets(fields: dict[str, FormField], names: Iterable[str]) -> frozenset[Key]:
    """The annotations of these fields; one that is no object of its own cannot be named."""
    found: set[Key | None] = set()
    for name in names:
        for widget in fields[name].widgets if name in fields else ():
            found.add(_key(widget))
    return frozenset(key for key in found if key is not None)


def _key(widget: Any) -> Key | None:
    place = getattr(widget, "container_ref", None)
    return (place.idnum, place.generation) if isinstance(place, generic.Reference) else None


def _asks_to_redraw(root: Any) -> bool:
    """Whether viewers are told to draw the fields anew, each in its own way."""
    return bool(entry(entry(root, "/AcroForm"), "/NeedAppearances"))
