"""What was read of a file's pages at intake serves an act whose key is confirmed elsewhere."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from signing.appearance.surveying import survey_ends, survey_page
from signing.contract import DocumentNumber, Level, Prepared, Role, SignedPdf
from tests.signing.appearance.test_surveys import ToldPool
from tests.signing.decision import decision
from tests.signing.pages import rects
from tests.signing.remote.conftest import SECRET, order
from tests.signing.remote.test_two_phase import confirmed

ISSUED = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
CLERKS = {"Number1", "Day1", "Month1", "Seal1"}


def clerk(pdf):
    return order(pdf, role=Role.AGENCY, document_number=ISSUED)


def person(pdf):
    return order(pdf, role=Role.PERSON, signer_name="Nguyễn Văn Mẫu", title="Chủ tịch")


def hash_of(pdf):
    return hashlib.sha256(pdf).hexdigest()


@pytest.fixture
def openings(monkeypatch):
    read = []

    def counting(document, index):
        read.append(index)
        return survey_page(document, index)

    monkeypatch.setattr("signing.appearance.surveying.survey_page", counting)
    return read


async def signed_by_restarted_services(make, key, simulator, pdf, surveyed):
    """Each half in a new process, as a gateway's restarts make them."""

    def survey_of(file):
        return dataclasses.replace(surveyed, sha256=hash_of(file)) if surveyed else None

    step = await make(key).prepare(clerk(pdf), survey=survey_of(pdf))
    part = 0
    while isinstance(step, Prepared):
        service, part = make(key), part + 1
        reference = f"ref-{'with' if surveyed else 'without'}-{part}"
        raw = await confirmed(simulator, service, step, reference)
        step = await service.finish(step, raw, survey=survey_of(step.pdf))
    assert isinstance(step, SignedPdf)
    return rects(step.pdf)


@pytest.mark.long
async def test_no_page_is_opened_in_any_of_the_clerks_four_parts(fresh_service, smartca, openings):
    """The survey of the file as it came is enough; without it each new process reads again."""
    pdf, key = decision(), smartca.key_config()
    survey = survey_ends(pdf, hash_of(pdf))
    openings.clear()
    with_it = await signed_by_restarted_services(fresh_service, key, smartca, pdf, survey)
    assert set(with_it) == CLERKS
    assert openings == []
    without = await signed_by_restarted_services(fresh_service, key, smartca, pdf, None)
    assert len(openings) == 4
    assert with_it == without


async def test_another_files_survey_is_used_in_neither_half(fresh_service, smartca):
    """Where this file's names and dotted places are does not stand in another's survey."""
    pdf, other = decision(), decision(name_at=360)
    key = smartca.key_config()
    wanted = rects((await fresh_service(key).prepare(person(pdf))).pdf)
    foreign = survey_ends(other, hash_of(other))
    prepared = await fresh_service(key).prepare(person(pdf), survey=foreign)
    assert rects(prepared.pdf) == wanted


@pytest.mark.long
async def test_the_pool_sends_it_along_and_carries_it_over(server, smartca):
    """Read once by a reader: prepared with it, finished with it, and known of the result."""
    config = dataclasses.replace(
        server.signer_config(), keys=(smartca.key_config(),), state_secrets=(SECRET,)
    )
    pdf = decision()
    async with ToldPool(config) as pool:
        await pool.inspect(pdf)
        prepared = await pool.prepare(person(pdf))
        signed = await pool.finish(prepared, await confirmed(smartca, pool, prepared))
        await pool.inspect(signed.pdf)
        invisible = await pool.prepare(order(pdf, role=Role.INVISIBLE))
    sent = {(job, arguments[-1] and arguments[-1].sha256) for job, arguments in pool.asked
            if job in ("prepare", "finish")}  # fmt: skip
    assert sent == {("prepare", hash_of(pdf)), ("finish", hash_of(prepared.pdf)), ("prepare", None)}
    assert [arguments[2] for job, arguments in pool.asked if job == "inspect"] == [True, False]
    assert signed.level is Level.B_B
    assert invisible.parts == 1
