"""The second half while a service is down: the confirmation is kept, the level follows later."""

from __future__ import annotations

import dataclasses

import pytest

from signing.contract import (
    DocumentNumber,
    Level,
    Prepared,
    Role,
    SignedPdf,
    SigningUnavailable,
)
from signing.devpki.authority import SEAL_MM
from tests.signing.remote.conftest import item_of, order


async def confirmed(simulator, service, prepared, reference="ref-1"):
    """The raw signature, after the official confirmed."""
    ticket = await service.start("smartca", reference, (item_of(prepared),))
    simulator.confirm("official-rsa")
    return (await service.ask(ticket)).signatures["doc-1"]


@pytest.mark.parametrize(
    ("down", "reached", "why"),
    [
        (("tsa_down",), Level.B_B, "timestamp_unavailable"),
        (("ocsp_down", "crl_down"), Level.B_T, "revocation_unavailable"),
        (("tsa_down", "ocsp_down", "crl_down"), Level.B_B, "revocation_unavailable"),
    ],
)
async def test_a_service_that_is_down_at_the_second_half_costs_the_level_only(
    fresh_service, server, smartca, decision_pdf, down, reached, why
):
    """As for a key held here: signed at the level reached, with the first reason."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf, level=Level.B_LTA, accept_lower=True))
    signature = await confirmed(smartca, service, prepared)
    for fault in down:
        setattr(server.faults, fault, True)
    signed = await fresh_service(smartca.key_config()).finish(prepared, signature)
    assert (signed.level, signed.shortfall) == (reached, why)
    for fault in down:
        setattr(server.faults, fault, False)
    raised = await service.extend(signed.pdf, Level.B_LTA)
    assert (raised.level, raised.shortfall) == (Level.B_LTA, "")
    assert (await service.validate(raised.pdf)).verdict == "valid"


async def test_whoever_asked_for_the_level_waits_for_it(
    fresh_service, server, smartca, decision_pdf
):
    """Without the order's leave nothing is made lower."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare(order(decision_pdf, level=Level.B_LTA))
    signature = await confirmed(smartca, service, prepared)
    server.faults.tsa_down = True
    with pytest.raises(SigningUnavailable):
        await service.finish(prepared, signature)
    server.faults.tsa_down = False
    assert (await service.finish(prepared, signature)).level is Level.B_LTA


async def test_the_first_half_needs_no_answer_about_revocation_either(
    fresh_service, server, smartca, decision_pdf
):
    """Prepared while it is down; asked again in the second half, then nothing is missing."""
    service = fresh_service(smartca.key_config())
    server.faults.ocsp_down = server.faults.crl_down = True
    with pytest.raises(SigningUnavailable):
        await service.prepare(order(decision_pdf, level=Level.B_LT))
    prepared = await service.prepare(order(decision_pdf, level=Level.B_LT, accept_lower=True))
    signature = await confirmed(smartca, service, prepared)
    server.faults.ocsp_down = server.faults.crl_down = False
    signed = await service.finish(prepared, signature)
    assert (signed.level, signed.shortfall) == (Level.B_LT, "")


@pytest.mark.parametrize(
    ("level", "down_at", "reached"),
    [
        (Level.B_LTA, 2, Level.B_LTA),  # the archive time-stamp is over all of them
        (Level.B_LT, 2, Level.B_B),
        (Level.B_LTA, 4, Level.B_B),
    ],
)
async def test_one_part_without_a_time_stamp_lowers_the_act(
    fresh_service, server, smartca, decision_pdf, level, down_at, reached
):
    """The clerk's four, with the authority away during one of them."""
    key = dataclasses.replace(
        smartca.key_config(),
        image_path=str(server.pki.directory / "agency.png"),
        image_width_mm=SEAL_MM,
        image_height_mm=SEAL_MM,
    )
    number = DocumentNumber(12, "QĐ-UBND", "2026-11-25")
    act = order(
        decision_pdf, level=level, role=Role.AGENCY, document_number=number, accept_lower=True
    )
    service = fresh_service(key)
    step = await service.prepare(act)
    while isinstance(step, Prepared):
        signature = await confirmed(smartca, service, step, f"ref-{step.part}")
        server.faults.tsa_down = step.part == down_at
        step = await service.finish(step, signature)
    assert isinstance(step, SignedPdf)
    assert step.level is reached
    assert step.shortfall == ("timestamp_unavailable" if reached is Level.B_B else "")
    server.faults.tsa_down = False
    raised = await service.extend(step.pdf, level)
    assert raised.level.rank >= level.rank
    assert raised.shortfall == ""
