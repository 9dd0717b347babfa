"""Signed files changed by every kind of update: what is called valid, everybody sees unchanged."""

from __future__ import annotations

import itertools
import random
from functools import cache

import pytest

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.hostile import bases, changes, surgery, views
from tests.signing.validation.signing_kit import NOW, pki, sign

ROOTS = (pki().root.der,)
FEW, MANY = 60, 800


def judge(pdf):
    return validate_pdf(pdf, ROOTS, NOW)


def mutant(base, change, way, seed):
    """A changed file; None where the file has nothing of the kind."""
    pdf, rng, update = bases.signed()[base], random.Random(seed), surgery.Update()
    with surgery.opened(pdf) as document:
        if not changes.made(pdf, change, update, document, rng):
            return None
        try:
            made = surgery.append(pdf, update, way, rng)
        except surgery.Impossible:
            return None
    return None if made == pdf else made


@cache
def seen(base):
    return views.everybody(bases.signed()[base])


def check(base, change, way, seed):
    pdf = mutant(base, change, way, seed)
    if pdf is None:
        return 0
    validation = judge(pdf)
    assert validation.reason != "internal", (base, change, way, seed)
    assert all(one.reason != "internal" for one in validation.signatures), (base, change, way, seed)
    if validation.verdict is Verdict.VALID and change not in changes.HARMLESS:
        assert views.everybody(pdf) == seen(base), (base, change, way, seed)
    return 1


def chosen(count, seed, names):
    rng = random.Random(seed)
    every = list(itertools.product(names, changes.CHANGES, surgery.WAYS))
    return [(*one, rng.randrange(2**32)) for one in rng.sample(every, min(count, len(every)))]


def test_a_few_mutants_are_never_valid_where_anybody_sees_a_difference():
    made = sum(check(*one) for one in chosen(FEW, 20261126, ("seen", "packed", "hybrid")))
    assert made > FEW / 3


@pytest.mark.long
def test_many_mutants_are_never_valid_where_anybody_sees_a_difference():
    made = sum(check(*one) for one in chosen(MANY, 5, bases.signed()))
    assert made > MANY / 3


# ------------------------------------------------------------------ found by such campaigns


@pytest.mark.parametrize("base", ["seen", "packed", "archived", "closed"])
@pytest.mark.parametrize("change", ["a freed page", "a freed text", "a freed value"])
def test_freeing_what_is_used_is_refused_whatever_generation_the_row_gives(base, change):
    """Poppler and qpdf show an empty page; the library kept the object in use."""
    for way in ("table", "freed as 7"):
        validation = judge(mutant(base, change, way, 1))
        assert validation.verdict is Verdict.INVALID
        assert validation.reason == "modified"


@pytest.mark.parametrize(
    ("change", "way"),
    [
        ("other words in place", "old rows last"),
        ("a turned page", "old rows last"),
        ("a note hidden", "old rows last"),
        ("another drawn form", "old rows first"),
        ("a script at opening", "packed twice"),
        ("turned from above", "packed twice"),
        ("twin form", "table"),
        ("twin layers", "table"),
        ("other words in place", "left out of the table"),
        ("another page order", "hybrid that disagrees"),
        ("encryption", "hybrid"),
        ("a title", "a small size"),
    ],
)
def test_what_two_readers_may_read_differently_is_not_valid(change, way):
    """pyHanko reads the last of two rows, Poppler and qpdf the first; and so on."""
    for seed in range(6):
        pdf = mutant("packed", change, way, seed)
        if pdf is None:
            continue
        validation = judge(pdf)
        assert validation.verdict is not Verdict.VALID
        assert validation.signatures == () or validation.signatures[0].reason in {
            "ambiguous_update", "modified", "modified_unknown", "picture_changed", "loose_end",
            "redraw_asked", "odd_byte_range", "resaved",
        }  # fmt: skip


@pytest.mark.parametrize("base", bases.signed())
def test_honest_updates_of_every_kind_are_not_called_ambiguous(base):
    assert judge(bases.signed()[base]).verdict is Verdict.VALID
    for way in ("table", "stream", "object stream", "hybrid"):
        told = judge(mutant(base, "a title", way, 1))
        assert told.verdict is Verdict.VALID, (way, told.summary)


def test_a_signature_over_an_ambiguous_update_does_not_heal_it():
    forged = mutant("seen", "a turned page", "old rows last", 1)
    validation = judge(sign(forged, field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is not Verdict.VALID
    assert validation.signatures[0].reason == "ambiguous_update"
