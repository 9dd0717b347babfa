"""Comparing the revisions of one file object by object: the white list of what may be added.

Owns the difference policy handed to pyHanko's engine, its cost (each pair of neighbours is
compared once for all signatures, a time limit between comparisons) and its errors. Leaves what a
difference means for a signature to ``changes``, and what a page looks like to ``pictures``.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    DiffPolicy,
    DiffResult,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.form_rules_api import (
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
    FormUpdatingRule,
)
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

from signing.reading.opening import HOSTILE_INPUT_ERRORS


class OutOfTime(Exception):
    """The file's time limit passed; what was not compared is undecided."""


class Deadline:
    """The moment, on the monotonic clock, at which work on one file must stop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = time.monotonic() + seconds

    def share(self, part: float) -> Deadline:
        """The moment at which a part of the whole time has passed."""
        return Deadline(self._at - time.monotonic() - (1 - part) * self._seconds)

    def check(self) -> None:
        """Raise ``OutOfTime`` when it has passed."""
        if time.monotonic() > self._at:
            raise OutOfTime


class Unanalysable(SuspiciousModification):
    """The comparison itself failed; nothing is proven either way."""


class _FreedUnusedRule(WhitelistRule):
    """Approve freeing objects which nothing in the older revision reached.

    Asked by number: readers free an object whatever generation the row gives, where the library
    leaves it in use unless the generation is the one that follows.
    """

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        freed = new.refs_freed_in_revision()
        if not freed:
            return
        used = {found.idnum for found in old.collect_dependencies(old.trailer_view)}
        for reference in freed:
            if reference.idnum not in used:
                yield ReferenceUpdate(reference)


class _FieldRule(GenericFieldModificationRule):
    """The library's rule for fields, in which a locked field that was not written is untouched.

    The library names the streams of every field's appearance as updated, written or not, so that
    a lock (FieldMDP, ISO 32000-2, 12.8.2.4) would refuse every later signature.
    """

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        updates = list(super().check_form_field(fq_name, spec, context))
        written = context.new.explicit_refs_in_revision() if updates else set()
        for level, update in updates:
            untouched = update.updated_ref not in written
            yield level, replace(update, valid_when_locked=True) if untouched else update


class StrictPolicy(DiffPolicy):
    """pyHanko's white list with our rules, in which any surprise counts as suspicious.

    A file of n revisions needs n comparisons instead of n²/2: revisions after a signature are
    first compared neighbour by neighbour, and these answers serve every signature. A chain of
    neighbours that each add only what is allowed has added only what is allowed. Where a step is
    refused, pyHanko's own way (the signed revision against each later one) has the last word,
    because some steps are explained only by the signed revision. For one signature that way is
    the cheaper one and the only one taken.

    One instance serves one file.

    Args:
        deadline: of the whole file.
        followed: how many signatures have something after them.
    """

    def __init__(self, deadline: Deadline, followed: int) -> None:
        self._deadline = deadline
        self._followed = followed
        self._answers: dict[Any, DiffResult | SuspiciousModification] = {}
        self._readers: list[Any] = []  # kept alive, so that an id in a key stays theirs
        self._standard = _standard_policy()

    def apply(self, old: Any, new: Any, field_mdp_spec: Any = None, doc_mdp: Any = None) -> Any:
        """Compare two revisions; see ``pyhanko.sign.diff_analysis.DiffPolicy``."""
        self._deadline.check()
        return self._standard.apply(old, new, field_mdp_spec, doc_mdp)

    def review_file(
        self, reader: Any, base_revision: Any, field_mdp_spec: Any = None, doc_mdp: Any = None
    ) -> DiffResult | SuspiciousModification:
        """Review all later revisions.

        Raises:
            OutOfTime: and nothing else, whatever the file.
        """
        if not isinstance(base_revision, int):
            return self._one_by_one(reader, base_revision.revision, field_mdp_spec, doc_mdp)
        if field_mdp_spec is not None:
            return self._one_by_one(reader, base_revision, field_mdp_spec, doc_mdp)
        key = (id(reader), base_revision, "file", doc_mdp)
        if key not in self._answers:
            self._readers.append(reader)
            self._answers[key] = self._review(reader, base_revision, doc_mdp)
        return self._answers[key]

    def _review(self, reader: Any, base: int, doc_mdp: Any) -> DiffResult | SuspiciousModification:
        if self._followed > 1:
            chain = self._chain(reader, base, doc_mdp)
            if isinstance(chain, DiffResult):
                return chain
        return self._one_by_one(reader, base, None, doc_mdp)

    def _chain(self, reader: Any, base: int, doc_mdp: Any) -> DiffResult | SuspiciousModification:
        """Neighbour by neighbour, each pair compared once for the whole file."""
        results = []
        for revision in range(base + 1, reader.xrefs.total_revisions):
            key = (id(reader), revision, "step", doc_mdp is not None)
            if key not in self._answers:
                self._answers[key] = self._step(reader, revision - 1, revision, None, doc_mdp)
            answer = self._answers[key]
            if isinstance(answer, SuspiciousModification):
                return answer
            results.append(answer)
        return _summed(results)

    def _one_by_one(
        self, reader: Any, base: int, field_mdp_spec: Any, doc_mdp: Any
    ) -> DiffResult | SuspiciousModification:
        results = []
        for revision in range(base + 1, reader.xrefs.total_revisions):
            answer = self._step(reader, base, revision, field_mdp_spec, doc_mdp)
            if isinstance(answer, SuspiciousModification):
                return answer
            results.append(answer)
        return _summed(results)

    def _step(
        self, reader: Any, old: int, new: int, field_mdp_spec: Any, doc_mdp: Any
    ) -> DiffResult | SuspiciousModification:
        try:
            result: DiffResult = self.apply(
                reader.get_historical_resolver(old),
                reader.get_historical_resolver(new),
                field_mdp_spec,
                doc_mdp,
            )
        except SuspiciousModification as refusal:
            return refusal
        except HOSTILE_INPUT_ERRORS as error:
            return Unanalysable(type(error).__name__)
        return result


@contextmanager
def paused_collection() -> Iterator[None]:
    """Keep Python's cycle collector from walking a comparison's millions of small objects.

    The engine's paths through each revision live as long as the judgement, so that looking for
    garbage among them finds nothing and costs more with every revision.
    """
    found_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if found_on:  # whoever found it running lets it run again
            gc.enable()


def _standard_policy() -> StandardDiffPolicy:
    clear = ModificationLevel.LTA_UPDATES
    return StandardDiffPolicy(
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
                _FieldRule(),
            ]
        ),
        reject_object_freeing=False,
    )


def _summed(results: list[DiffResult]) -> DiffResult:
    level = max((r.modification_level for r in results), default=ModificationLevel.NONE)
    return DiffResult(level, {name for r in results for name in r.changed_form_fields})
