"""One time-stamp for an act whose owner confirms elsewhere: it comes after the last signature."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from signing.contract import (
    DocumentNumber,
    Level,
    Prepared,
    RemoteFilePaths,
    Role,
    SigningUnavailable,
    SignOrder,
    TimeSource,
)
from signing.devpki.authority import SEAL_MM
from signing.devpki.csc_simulator import PIN, CscSimulator
from tests.signing import oracles
from tests.signing.remote.conftest import order
from tests.signing.remote.test_two_phase import confirmed
from tests.signing.test_one_timestamp import signatures_of

NUMBER = DocumentNumber(12, "QĐ-UBND", "2026-11-25")
ONE = {"timestamps_of_an_act": "one"}


@pytest.fixture
def sealing(server):
    """A key with the agency's seal."""
    return lambda key: dataclasses.replace(
        key,
        image_path=str(server.pki.directory / "agency.png"),
        image_width_mm=SEAL_MM,
        image_height_mm=SEAL_MM,
    )


def clerks(pdf, level, **more):
    return order(pdf, level=level, role=Role.AGENCY, document_number=NUMBER, **more)


async def confirm_to_the_last(service, simulator, act):
    """The fourth part with its signature, the three before it embedded."""
    step = await service.prepare(act)
    for part in range(1, 4):
        step = await service.finish(step, await confirmed(simulator, service, step, f"r{part}"))
        assert isinstance(step, Prepared)
    return step, await confirmed(simulator, service, step, "r4")


@pytest.mark.oracle
@pytest.mark.parametrize(
    "level",
    [Level.B_LT, *(pytest.param(one, marks=pytest.mark.long) for one in (Level.B_T, Level.B_LTA))],
)
async def test_the_time_stamp_comes_after_the_fourth_confirmation(
    fresh_service, server, smartca, sealing, decision_pdf, tmp_path, level
):
    """Nobody is asked before; programs that are not ours accept the file."""
    service = fresh_service(sealing(smartca.key_config()), **ONE)
    step, signature = await confirm_to_the_last(service, smartca, clerks(decision_pdf, level))
    assert server.calls.tsa == 0
    signed = await service.finish(step, signature)
    assert signed.level is level
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 1)
    assert (len(signed.evidence.timestamps), signed.evidence.time_source) == (
        1,
        TimeSource.DOCUMENT,
    )
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    assert oracles.qpdf_accepts(path)
    judged = await service.validate(signed.pdf)
    assert [one.integrity for one in judged.signatures] == [True] * 5
    assert {one.level for one in judged.signatures} == {level, None}


@pytest.mark.long
async def test_what_cannot_be_stamped_is_tried_again_with_the_same_confirmations(
    fresh_service, server, smartca, sealing, decision_pdf
):
    """Refused while the authority is away; later, in another process, the act is finished."""
    key = sealing(smartca.key_config())
    service = fresh_service(key, **ONE)
    step, signature = await confirm_to_the_last(service, smartca, clerks(decision_pdf, Level.B_LT))
    server.faults.tsa_down = True
    with pytest.raises(SigningUnavailable):
        await service.finish(step, signature)
    server.faults.tsa_down = False
    signed = await fresh_service(key, **ONE).finish(step, signature)
    assert (signed.level, signed.shortfall) == (Level.B_LT, "")
    assert smartca.calls.start == 4


@pytest.mark.long
async def test_where_less_is_accepted_the_act_is_published_and_raised(
    fresh_service, server, smartca, sealing, decision_pdf
):
    """B-B now, the one time-stamp later."""
    key = sealing(smartca.key_config())
    service = fresh_service(key, **ONE)
    act = clerks(decision_pdf, Level.B_LTA, accept_lower=True)
    step, signature = await confirm_to_the_last(service, smartca, act)
    server.faults.tsa_down = True
    signed = await service.finish(step, signature)
    assert (signed.level, signed.shortfall) == (Level.B_B, "timestamp_unavailable")
    server.faults.tsa_down = False
    raised = await fresh_service(key, **ONE).extend(signed.pdf, Level.B_LTA)
    assert raised.level is Level.B_LTA
    assert signatures_of(raised.pdf) == ([0, 0, 0, 0], 1)


@pytest.mark.parametrize(
    ("first", "then"), [("one", "each"), pytest.param("each", "one", marks=pytest.mark.long)]
)
async def test_an_act_goes_on_as_it_began(
    fresh_service, smartca, sealing, decision_pdf, first, then
):
    """The operator changes the policy while the official thinks it over: room was left or not."""
    key = sealing(smartca.key_config())
    began = fresh_service(key, timestamps_of_an_act=first)
    step, signature = await confirm_to_the_last(began, smartca, clerks(decision_pdf, Level.B_T))
    signed = await fresh_service(key, timestamps_of_an_act=then).finish(step, signature)
    assert signed.level is Level.B_T
    assert signatures_of(signed.pdf) == (([0] * 4, 1) if first == "one" else ([1] * 4, 0))


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("level", "plain"),
    [
        pytest.param(Level.B_LT, True, marks=pytest.mark.long),
        (Level.B_LT, False),
        pytest.param(Level.B_LTA, False, marks=pytest.mark.long),
    ],
)
async def test_a_file_on_the_disk_is_stamped_after_its_last_part(
    fresh_service, server, smartca, sealing, decision_pdf, tmp_path, monkeypatch, level, plain
):
    """Large documents stay where they lie, also those that the fast lane leaves to the library."""
    monkeypatch.setattr("signing.pades.refusals._COPIED_AT_MOST", 1_000)
    files = RemoteFilePaths(*(tmp_path / f"{name}.pdf" for name in ("came", "prepared", "signed")))
    files.original.write_bytes(decision_pdf)
    service = fresh_service(sealing(smartca.key_config()), fast_lane=plain, **ONE)
    step = await service.prepare_file(clerks(b"", level), files.original, files.prepared)
    for part in range(1, 5):
        signature = await confirmed(smartca, service, step, f"r{part}")
        step = await service.finish_file(step, signature, files)
        files.target.replace(files.prepared)
    whole = files.prepared.read_bytes()
    assert (step.level, step.size) == (level, len(whole))
    assert step.sha256 == hashlib.sha256(whole).hexdigest()
    assert signatures_of(whole) == ([0, 0, 0, 0], 1)
    assert oracles.openssl_accepts(whole, server.pki.root_pem, tmp_path)


@pytest.mark.parametrize("down", [False, pytest.param(True, marks=pytest.mark.long)])
async def test_one_authorisation_of_four_and_one_time_stamp(
    make_service, server, sealing, decision_pdf, down
):
    """CSC under SCAL 1: the signatures serve whatever level can be reached."""
    async with CscSimulator(server.pki) as remote:
        remote.scal, remote.multisign = "1", 4
        service = make_service(keys=(sealing(remote.key_config("agency", "v2")),), **ONE)
        server.faults.tsa_down = down
        act = SignOrder(
            decision_pdf, "agency", Role.AGENCY, Level.B_LTA, pin=PIN, document_number=NUMBER,
            accept_lower=True,
        )  # fmt: skip
        signed = await service.sign(act)
        assert (remote.calls.authorize, remote.calls.sign_hash) == (1, 4)
    assert signed.level is (Level.B_B if down else Level.B_LTA)
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 0 if down else 1)
