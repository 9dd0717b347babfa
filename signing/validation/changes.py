"""What was changed after a signature, and whether that may be so.

Owns the difference policy (stricter than pyHanko's default, fairer to how Vietnamese officials
sign) and the Vietnamese account of later changes. Leaves the bytes under a signature to
``signature_judgement``.

Accepted after a signature: further signatures, also visible ones after a certifying signature
that allows filling in; archive time-stamps; validation data; objects freed that nothing used;
values of form fields that the caller lists. Everything else is refused or, for unlisted fields,
left undecided. Known limit: revisions are not yet compared as pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import (
    DiffPolicy,
    DiffResult,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.form_rules_api import FormUpdatingRule
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    DSSCompareRule,
    GenericFieldModificationRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from signing.reading.opening import HOSTILE_INPUT_ERRORS, entry
from signing.reading.signature_fields import FormField, form_fields
from signing.validation.sentences import say

_A4_AREA = 595.0 * 842.0
_LARGEST_SHARE = 0.2  # of its page …
_LARGEST_STAMP = 30_000.0  # … and in square points: the largest real seal is 140 x 140 pt


class _FreedUnusedRule(WhitelistRule):
    """Approve freeing objects which nothing in the older revision reached."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        freed = new.refs_freed_in_revision()
        if not freed:
            return
        used = old.collect_dependencies(old.trailer_view)
        for reference in freed:
            if reference not in used:
                yield ReferenceUpdate(reference)


class StrictPolicy(DiffPolicy):
    """pyHanko's white list with our rules, in which any surprise counts as suspicious.

    One instance serves one file: the engine asks for the same comparison again for every
    signature, so answers are kept.
    """

    def __init__(self) -> None:
        self._answers: dict[Any, DiffResult | SuspiciousModification] = {}
        self._readers: list[Any] = []  # kept alive, so that an id in a key stays theirs
        clear = ModificationLevel.LTA_UPDATES
        self._standard = StandardDiffPolicy(
            global_rules=[
                CatalogModificationRule(),
                DocInfoRule().as_qualified(clear),
                XrefStreamRule().as_qualified(clear),
                ObjectStreamRule().as_qualified(clear),
                DSSCompareRule().as_qualified(clear),
                MetadataUpdateRule().as_qualified(clear),
                _FreedUnusedRule().as_qualified(clear),
            ],
            form_rule=FormUpdatingRule(
                field_rules=[
                    SigFieldCreationRule(allow_new_visible_after_certify=True),
                    SigFieldModificationRule(),
                    GenericFieldModificationRule(),
                ]
            ),
            reject_object_freeing=False,
        )

    def apply(self, old: Any, new: Any, field_mdp_spec: Any = None, doc_mdp: Any = None) -> Any:
        """Compare two revisions; see ``pyhanko.sign.diff_analysis.DiffPolicy``."""
        return self._standard.apply(old, new, field_mdp_spec, doc_mdp)

    def review_file(
        self, reader: Any, base_revision: Any, field_mdp_spec: Any = None, doc_mdp: Any = None
    ) -> DiffResult | SuspiciousModification:
        """Review all later revisions; never raises."""
        if not isinstance(base_revision, int) or field_mdp_spec is not None:
            return self._review(reader, base_revision, field_mdp_spec, doc_mdp)
        key = (id(reader), base_revision, doc_mdp)
        if key not in self._answers:
            self._readers.append(reader)
            self._answers[key] = self._review(reader, base_revision, field_mdp_spec, doc_mdp)
        return self._answers[key]

    def _review(
        self, reader: Any, base_revision: Any, field_mdp_spec: Any, doc_mdp: Any
    ) -> DiffResult | SuspiciousModification:
        try:
            return self._standard.review_file(reader, base_revision, field_mdp_spec, doc_mdp)
        except SuspiciousModification as refusal:
            return refusal
        except HOSTILE_INPUT_ERRORS as error:
            return Unanalysable(type(error).__name__)


class Unanalysable(SuspiciousModification):
    """The comparison itself failed; nothing is proven either way."""


class ChangeVerdict(StrEnum):
    """What later changes mean for a signature."""

    ACCEPTED = "accepted"
    UNDECIDED = "undecided"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Changes:
    """The judgement of later changes, its reason (a message code) and the account in Vietnamese."""

    verdict: ChangeVerdict
    reason: str = ""
    names: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaterAct:
    """A later signature or archive time-stamp, as told to people."""

    revision: int
    signer: str
    is_timestamp: bool


UNKNOWN_CHANGES = Changes(ChangeVerdict.UNDECIDED, "modified_unknown")


def judge_changes(
    reader: PdfFileReader,
    signed_revision: int,
    difference: DiffResult | SuspiciousModification,
    docmdp: int | None,
    allowed_fields: frozenset[str] = frozenset(),
) -> Changes:
    """Decide about everything after ``signed_revision``."""
    if isinstance(difference, Unanalysable):
        return UNKNOWN_CHANGES
    level = (
        ModificationLevel.OTHER
        if isinstance(difference, SuspiciousModification)
        else difference.modification_level
    )
    if isinstance(difference, SuspiciousModification) or level >= ModificationLevel.ANNOTATIONS:
        return Changes(ChangeVerdict.REFUSED, "modified", told=(say("later_suspicious"),))
    if docmdp is not None and level.value > docmdp:
        return Changes(ChangeVerdict.REFUSED, "docmdp_violated")
    return _judge_fields(reader, signed_revision, difference.changed_form_fields, allowed_fields)


def _judge_fields(
    reader: PdfFileReader, signed_revision: int, changed: set[str], allowed: frozenset[str]
) -> Changes:
    """Judge later stamps and filled-in fields, which the difference policy lets through."""
    signed_root = reader.get_historical_resolver(signed_revision).root
    older = {f.name: f for f in form_fields(signed_root)}
    newer = {f.name: f for f in form_fields(reader.root)}
    if _asks_to_redraw(reader.root) and not _asks_to_redraw(signed_root):
        return Changes(ChangeVerdict.UNDECIDED, "redraw_asked")
    stamp = _suspicious_stamp(older, newer)
    if stamp:
        return Changes(ChangeVerdict.UNDECIDED, stamp)
    filled = sorted(n for n in changed if n not in newer or newer[n].kind != "/Sig")
    unlisted = tuple(name for name in filled if name not in allowed)
    told = (say("later_form", names=", ".join(filled)),) if filled else ()
    if unlisted:
        return Changes(ChangeVerdict.UNDECIDED, "form_changed", unlisted, told)
    return Changes(ChangeVerdict.ACCEPTED, told=told)


def tell_changes(reader: PdfFileReader, revision: int, later: list[LaterAct]) -> tuple[str, ...]:
    """The account of what came after ``revision``: signatures, time-stamps, validation data."""
    told = [
        say("later_timestamp") if act.is_timestamp else say("later_signature", name=act.signer)
        for act in later
        if act.revision > revision
    ]
    if _validation_data(reader.root) != _validation_data(
        reader.get_historical_resolver(revision).root
    ):
        told.append(say("later_dss"))
    if any(
        reader.get_historical_resolver(number).refs_freed_in_revision()
        for number in range(revision + 1, reader.xrefs.total_revisions)
    ):
        told.append(say("later_freed"))
    return tuple(told)


def _asks_to_redraw(root: Any) -> bool:
    """Whether viewers are told to draw the fields anew, each in its own way."""
    return bool(entry(entry(root, "/AcroForm"), "/NeedAppearances"))


def _validation_data(root: Any) -> Any:
    """What identifies the state of the DSS: its streams' references, None without one."""
    store = entry(root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return None
    return {
        key: [getattr(raw, "idnum", None) for raw in store[key]]
        for key in ("/Certs", "/OCSPs", "/CRLs")
        if key in store
    }


def _suspicious_stamp(older: dict[str, FormField], newer: dict[str, FormField]) -> str:
    """A later signature field that draws without signing, or that covers much of its page."""
    for name, field in newer.items():
        if field.kind != "/Sig" or _same_look(older.get(name), field):
            continue
        before = older.get(name)
        if before is not None and before.signed:
            continue  # the policy itself guards fields that were signed already
        drawn = [w for w in field.widgets if _widget_area(w) > 0]
        if not field.signed and any("/AP" in w for w in drawn):
            return "unsigned_field_added"
        if field.signed and any(_covers_much(w) for w in drawn):
            return "large_overlay"
    return ""


def _same_look(before: FormField | None, after: FormField) -> bool:
    if before is None or before.signed != after.signed:
        return False
    return [_appearance(w) for w in before.widgets] == [_appearance(w) for w in after.widgets]


def _appearance(widget: Any) -> str:
    if not isinstance(widget, generic.DictionaryObject) or "/AP" not in widget:
        return ""
    return repr(widget.raw_get("/AP")) + repr(entry(widget, "/Rect"))


def _covers_much(widget: Any) -> bool:
    """Whether a stamp is larger than any real one, on paper and against its page."""
    try:
        page = _area(widget["/P"]["/MediaBox"])
    except HOSTILE_INPUT_ERRORS:
        page = 0.0  # an inherited box, or no page named: take A4
    area = _widget_area(widget)
    return area > _LARGEST_STAMP and area > _LARGEST_SHARE * (page or _A4_AREA)


def _widget_area(widget: Any) -> float:
    """What a widget covers in square points, 0 for an invisible one."""
    try:
        return _area(widget["/Rect"])
    except HOSTILE_INPUT_ERRORS:
        return 0.0


def _area(rect: Any) -> float:
    left, bottom, right, top = (float(n) for n in rect)
    return abs((right - left) * (top - bottom))
