"""Bent files at the signer's door: signed and proven everywhere, or refused by name."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

import pytest

from signing.contract import Inspection, Level, Role, SigningError, SignOrder
from signing.inspection import inspect_pdf
from signing.lane import NotForTheLane
from signing.pades.proof import prove
from signing.validation import validate_pdf
from tests.signing import oracles
from tests.signing.conftest import CORPUS
from tests.signing.hostile import bases, files, surgery, views
from tests.signing.lane import documents as doc
from tests.signing.lane.conftest import make_lane
from tests.signing.lane.test_documents import GOOD

FEW, MANY = 20, 100
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def lane(running_pki):
    return make_lane(running_pki, "official-ec")


@pytest.fixture(scope="module")
def sources():
    """Made files, and what the corpus has that is not large; name and bytes."""
    found = {**bases.unsigned(), **GOOD, **bases.signed()}
    for folder in ("sign", "valid"):
        for path in sorted((CORPUS.parent / folder).glob("*.pdf")):
            if path.stat().st_size < 100_000:
                found[path.name] = path.read_bytes()
    return sorted(found.items())


def mutants(every, count, seed):
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        name, pdf = rng.choice(every)
        pdf, story = files.mutated(pdf, rng)
        if pdf:
            yield pdf, (name, number, story), rng


async def signed_or_refused(service, server, pdf, story, role):
    try:
        result = await service.sign(SignOrder(pdf, "official-ec", role, Level.B_B))
    except SigningError as refusal:
        refused = (refusal.code, str(refusal))
        assert all(refused), story
        return False
    assert result.pdf.startswith(pdf), story
    told = validate_pdf(result.pdf, server.signer_config().roots, datetime.now(UTC))
    judged = {one.field_name: one for one in told.signatures}
    assert all(judged[name].integrity for name in result.field_names), story
    return True


async def over_all(service, server, every, count, seed):
    roles = (Role.INVISIBLE, Role.PERSON, Role.COPY)
    done = 0
    for pdf, story, rng in mutants(every, count, seed):
        found = inspect_pdf(pdf, repair=False)
        assert isinstance(found, Inspection)
        done += await signed_or_refused(service, server, pdf, story, rng.choice(roles))
    return done


async def test_a_few_bent_files_are_signed_or_refused(service, server, sources):
    assert await over_all(service, server, sources, FEW, 3) > FEW / 10


@pytest.mark.long
async def test_many_bent_files_are_signed_or_refused(service, server, sources):
    assert await over_all(service, server, sources, MANY, 4) > MANY / 10


@pytest.mark.long
@pytest.mark.oracle
async def test_what_the_lane_takes_of_bent_files_everybody_accepts(lane, sources, tmp_path):
    taken = 0
    for pdf, story, _ in mutants(sources, MANY, 5):
        if inspect_pdf(pdf, repair=False).blocked:
            continue
        try:
            after, field = await lane.sign(pdf)
        except NotForTheLane:
            continue
        taken += 1
        prove(pdf, after, lane.certificate, 1)
        told = {s.field_name: s for s in validate_pdf(after, (lane.root,), NOW).signatures}
        assert told[field].integrity, story
        assert views.poppler(after) == views.poppler(pdf), story
        accepted_by_others(pdf, after, field, lane, tmp_path, story)
    assert taken > MANY / 20


def accepted_by_others(pdf, after, field, lane, folder, story):
    old, new = folder / "before.pdf", folder / "after.pdf"
    old.write_bytes(pdf)
    new.write_bytes(after)
    verdicts, text = oracles.pdfsig_verdicts(new)
    assert (field, "Signature is Valid.") in verdicts, story
    assert "Total document signed" in text.split(f"Field Name: {field}", 1)[1], story
    told, more = (
        {re.sub(r".*(before|after)\.pdf: ", "", line) for line in oracles.complaints(path)}
        for path in (old, new)
    )
    assert more <= told, story
    assert oracles.openssl_accepts_last(after, lane.root_pem, folder)


# ------------------------------------------------------------------ found by such campaigns


@pytest.mark.parametrize("size", [3, 0, -13])
async def test_a_size_that_hides_objects_is_refused_before_new_ones_take_their_numbers(
    service, server, size
):
    """A signature was written over the page's own objects, or under numbers below zero."""
    pdf = doc.classic().replace(b"/Size 6", b"/Size %d" % size)
    assert {f.code for f in inspect_pdf(pdf, repair=False).findings} >= {"unreadable"}
    with pytest.raises(SigningError) as refusal:
        await service.sign(SignOrder(pdf, "official-ec", Role.INVISIBLE, Level.B_B), inspected=True)
    assert refusal.value.code == "unsignable"
    mended = inspect_pdf(pdf)
    assert mended.repaired is not None
    assert await signed_or_refused(service, server, mended.repaired.pdf, size, Role.INVISIBLE)


def test_validation_data_that_leads_nowhere_does_not_stop_the_judgement():
    """Every signature of the file ended in an internal code."""
    pdf = bases.signed()["archived"]
    update = surgery.Update()
    with surgery.opened(pdf) as document:
        store = document.Root.DSS
        body = surgery.written(store)
        update.objects[store.objgen] = body.replace(b"/Certs", b"/CRLs 1 0 R/Certs 1 5 R/X", 1)
    told = validate_pdf(surgery.append(pdf, update, "table", random.Random(1)), (), NOW)
    assert {one.reason for one in told.signatures} != {"internal"}
