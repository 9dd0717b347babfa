"""The register in the acts: asked at opening, at signing, at publishing, on both engines."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from gateway.documents.requests import NewStep
from gateway.foundation.problems import Problem
from signing.clock import SystemClock
from signing.contract import CertificateBinding
from signing.service import SigningService
from tests.gateway.documents.desk import (
    AUTHORITY,
    CLERK,
    DEPUTY,
    LEADER,
    SEAL,
    TENANT,
    Desk,
    on_sqlite,
)
from tests.support.paper import PaperSignatures

PIN = "246810"
ALONE = (NewStep("person", LEADER, None, "Chủ tịch"),)
SEALED = (NewStep("person", LEADER, None, "Chủ tịch"), NewStep("agency", SEAL))


async def refused(awaitable, code):
    with pytest.raises(Problem) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


async def entered(desk):
    """The leader and the clerk, as a small start would enter them."""
    leader = await desk.enter(LEADER, title="Chủ tịch", capacities=(None, "TM."))
    return leader, await desk.enter(CLERK, "agency")


async def test_a_mandate_that_ended_in_between_is_refused_with_its_day(desk, clock, paper):
    """Opened in time, signed too late: nothing is signed, and the reason names the day."""
    leader, _ = await entered(desk)
    request = await desk.open(await desk.document(), SEALED)
    clock.advance(3600)
    await desk.end(leader)
    problem = await refused(desk.sign(request, LEADER, PIN), "authority_refused")
    assert problem.status == 403
    assert problem.extra["reason"] == "authority_not_in_force"
    assert "đã hết ngày 02.11.2026" in problem.detail_vi
    assert "nghỉ hưu" in problem.detail_vi
    assert paper.signed == []
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"


async def test_a_mandate_that_ends_while_the_key_works_publishes_nothing(desk, paper):
    """The register is asked again in the transaction that publishes."""
    leader, _ = await entered(desk)
    document = await desk.document()
    request = await desk.open(document, SEALED)

    async def end_it(order):
        await desk.end(leader)

    paper.after_sign = end_it
    await refused(desk.sign(request, LEADER, PIN), "authority_refused")
    assert len(paper.signed) == 1
    seen = await desk.documents.get(TENANT, document.id)
    assert (seen.revision, seen.sha256) == (0, document.sha256)
    assert (await desk.requests.get(TENANT, request.id)).status == "waiting"


async def test_with_rows_for_everybody_the_whole_request_is_signed(desk):
    """Person, then seal, and the evidence cites the decision of each."""
    await entered(desk)
    request = await desk.open(await desk.document(), SEALED)
    await desk.sign(request, LEADER, PIN)
    assert (await desk.sign(request, CLERK)).status == "signed"
    assert (await desk.audit()).first_break is None


@on_sqlite
async def test_opening_names_every_step_that_nobody_may_carry_out(desk):
    """Capacity, title and signer each have their place in the answer."""
    await entered(desk)
    document = await desk.document()
    steps = (
        NewStep("initial", DEPUTY),
        NewStep("person", LEADER, "KT.", "Chủ tịch"),
        NewStep("person", LEADER, "TM.", "Phó Chủ tịch"),
        NewStep("agency", SEAL),
    )
    problem = await refused(desk.open(document, steps), "validation_failed")
    assert [(e.pointer, e.code) for e in problem.errors] == [
        ("/steps/0/signer", "authority_missing"),
        ("/steps/1/capacity", "authority_capacity"),
        ("/steps/2/title", "authority_title"),
    ]


@on_sqlite
async def test_the_clerk_needs_a_row_once_the_agency_has_any(desk):
    """The configuration says who holds the key, the register who may use it today."""
    await desk.enter(LEADER, title="Chủ tịch")
    document = await desk.document()
    problem = await refused(desk.open(document, SEALED), "validation_failed")
    assert [e.pointer for e in problem.errors] == ["/steps/1/signer"]
    clerk = await desk.enter(CLERK, "agency")
    request = await desk.open(document, SEALED)
    await desk.sign(request, LEADER, PIN)
    await desk.end(clerk)
    await refused(desk.sign(request, CLERK), "authority_refused")


@on_sqlite
async def test_everybody_who_holds_the_seal_is_told_of_and_not_the_first_alone(
    database, clock, tmp_path, paper
):
    """Or an operator would enter a row for somebody who was never meant to have it."""
    clerks = frozenset({CLERK, *(f"official:van.thu.{number}" for number in range(4))})
    crowd = dataclasses.replace(AUTHORITY, clerks={SEAL: clerks})
    desk = Desk.make(database, clock, tmp_path, paper, authority=crowd)
    await desk.enter(LEADER, title="Chủ tịch")
    document = await desk.document()
    problem = await refused(desk.open(document, SEALED), "validation_failed")
    (error,) = problem.errors
    assert error.code == "authority_missing"
    assert error.detail.startswith("Không ai giữ khóa này ký được. Sổ thẩm quyền không có dòng nào")
    assert sum(name in error.detail for name in clerks) == 3
    assert error.detail.endswith("(và 2 người nữa)")


@on_sqlite
async def test_a_row_gives_nobody_a_key_they_do_not_hold(desk):
    """Both must allow: a register row alone opens neither a step nor the seal."""
    await entered(desk)
    await desk.enter(DEPUTY, "agency")
    request = await desk.open(await desk.document(), SEALED)
    await desk.sign(request, LEADER, PIN)
    await refused(desk.sign(request, DEPUTY), "not_your_step")


@on_sqlite
async def test_the_seal_is_for_an_agency_in_whose_name_the_person_could_sign(desk, clock):
    """A mandate that turns out to have ended before the signature forbids the seal."""
    leader, _ = await entered(desk)
    request = await desk.open(await desk.document(), SEALED)
    await desk.sign(request, LEADER, PIN)
    clock.advance(60)
    await desk.end(leader, at=clock.now() - timedelta(days=2))
    problem = await refused(desk.sign(request, CLERK), "person_without_authority")
    assert "31.10.2026" in problem.detail_vi


async def test_an_end_earlier_in_the_same_second_forbids_the_seal(
    sqlite, clock, tmp_path, running_pki
):
    """Claimed times are whole seconds; a mandate that ended at 0.3 s did not cover 0.7 s."""
    clock.set(SystemClock().now().replace(microsecond=700_000))
    service = SigningService(running_pki.signer_config(), clock)
    desk = Desk.make(sqlite, clock, tmp_path, service)
    leader, _ = await entered(desk)
    request = await desk.open(await desk.document(), SEALED)
    signed_at = clock.now()
    await desk.sign(request, LEADER, "phat-trien")
    await desk.end(leader, at=signed_at - timedelta(seconds=0.4))
    problem = await refused(desk.sign(request, CLERK), "person_without_authority")
    assert problem.extra["reason"] == "authority_not_in_force"
    await service.close()


@on_sqlite
async def test_a_mandate_that_ends_after_the_signature_does_not_forbid_the_seal(desk, clock):
    """What counts is the moment when the person signed."""
    leader, _ = await entered(desk)
    request = await desk.open(await desk.document(), SEALED)
    await desk.sign(request, LEADER, PIN)
    clock.advance(60)
    await desk.end(leader)
    assert (await desk.sign(request, CLERK)).status == "signed"


@on_sqlite
async def test_other_agencies_are_bound_by_their_own_rows(desk):
    """Rows of one agency say nothing about another, which the configuration still rules."""
    await desk.enter(DEPUTY, agency_code="H55.99")
    request = await desk.open(await desk.document(), SEALED)
    assert (await desk.sign(request, LEADER, PIN)).status == "waiting"


@on_sqlite
async def test_a_request_names_its_agency_when_nobody_seals(desk):
    """Only the named agency's rows count; a name that contradicts the seal is refused."""
    await desk.enter(DEPUTY, agency_code="H55.99")
    document = await desk.document()
    problem = await refused(desk.open(document, ALONE, None), "validation_failed")
    assert "các cơ quan trong sổ" in problem.errors[0].detail
    problem = await refused(desk.open(document, SEALED, agency_code="H55.99"), "validation_failed")
    assert "/agency_code" in [e.pointer for e in problem.errors]
    request = await desk.open(document, ALONE, None, agency_code="H55.12")
    assert request.agency_code == "H55.12"
    assert (await desk.sign(request, LEADER, PIN)).status == "signed"


@on_sqlite
async def test_an_operator_may_ask_for_the_register_everywhere(database, clock, tmp_path, paper):
    """Then an agency without rows signs nothing."""
    strict = dataclasses.replace(AUTHORITY, register_required=True)
    desk = Desk.make(database, clock, tmp_path, paper, authority=strict)
    document = await desk.document()
    problem = await refused(desk.open(document, SEALED), "validation_failed")
    assert {e.code for e in problem.errors} == {"authority_missing"}
    await entered(desk)
    assert (await desk.open(document, SEALED)).status == "waiting"


async def test_the_certificate_of_a_row_is_asked_for_and_checked(desk, paper):
    """The order carries the binding; a result of another certificate is not published."""
    wanted = CertificateBinding(sha256="ab" * 32)
    leader = await desk.enter(LEADER, title="Chủ tịch", binding=wanted)
    await desk.enter(CLERK, "agency")
    request = await desk.open(await desk.document(), SEALED)
    problem = await refused(desk.sign(request, LEADER, PIN), "authority_refused")
    assert problem.extra["reason"] == "authority_certificate"
    assert paper.signed[0].bindings == (wanted,)
    await desk.end(leader)
    right = PaperSignatures.certificate_sha256("official-rsa")
    await desk.enter(LEADER, title="Chủ tịch", binding=CertificateBinding(sha256=right))
    assert (await desk.sign(request, LEADER, PIN)).steps[0].status == "signed"


@on_sqlite
async def test_a_row_may_name_the_key_instead(desk):
    """The credential's name in the configuration."""
    await desk.enter(LEADER, title="Chủ tịch", credential="khoa-khac")
    await desk.enter(CLERK, "agency")
    problem = await refused(desk.open(await desk.document(), SEALED), "validation_failed")
    assert [e.code for e in problem.errors] == ["authority_credential"]


@on_sqlite
async def test_kinds_of_documents_are_told_apart(desk):
    """The document's kind is what the portal uploaded it as."""
    await desk.enter(LEADER, title="Chủ tịch", document_kinds=frozenset(("giay-moi",)))
    await desk.enter(CLERK, "agency")
    problem = await refused(desk.open(await desk.document(), SEALED), "validation_failed")
    assert [e.code for e in problem.errors] == ["authority_document_kind"]
    await desk.enter(LEADER, title="Chủ tịch", document_kinds=frozenset(("ket-qua", "giay-moi")))
    assert (await desk.open(await desk.document(), SEALED)).status == "waiting"


@on_sqlite
async def test_an_authorisation_runs_out_by_itself(desk, clock):
    """TUQ. with its last day: signs on it, not after it."""
    await entered(desk)
    await desk.enter(
        DEPUTY, capacities=("TUQ.",), valid_to=date(2026, 11, 2), granted_by=LEADER,
        document_kinds=frozenset(("ket-qua",)),
    )  # fmt: skip
    steps = (NewStep("person", DEPUTY, "TUQ.", "Chánh Văn phòng"),)
    document = await desk.document()
    request = await desk.open(document, steps, None, agency_code="H55.12")
    clock.advance(24 * 3600)
    problem = await refused(desk.sign(request, DEPUTY), "authority_refused")
    assert "đã hết ngày 02.11.2026" in problem.detail_vi
