"""Years with an act whose signatures have one time-stamp of the document and none of their own."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import DocumentNumber, Level, Role, SignOrder, TimeSource, Verdict
from signing.service import SigningService

YEAR = timedelta(days=365)


@pytest.fixture
async def sealed(own_pki, moved, decision_pdf):
    config = dataclasses.replace(own_pki.signer_config(), timestamps_of_an_act="one")
    service = SigningService(config, moved)

    async def sign(level):
        number = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
        order = SignOrder(decision_pdf, "agency", Role.AGENCY, level, document_number=number)
        return (await service.sign(order)).pdf

    yield sign
    await service.close()


@pytest.mark.parametrize(
    ("level", "reason", "years"),
    [
        (Level.B_T, "signer_certificate", 3),
        (Level.B_LT, "timestamp_certificate", 5),
        (Level.B_LTA, "timestamp_certificate", 5),
    ],
)
async def test_the_proof_ends_as_with_time_stamps_of_their_own(
    sealed, keeper, level, reason, years
):
    """The policy makes no proof shorter."""
    found = await keeper.provability(await sealed(level))
    assert (found.level, found.reason) == (level, reason)
    assert abs(found.until - datetime.now(UTC) - years * YEAR) < timedelta(days=2)


@pytest.mark.long
@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
async def test_renewals_keep_the_act_valid_for_ten_years(sealed, keeper, moved, own_pki, level):
    """Signer's and first authority's certificates are long expired."""
    pdf = (await keeper.extend(await sealed(level), Level.B_LTA)).pdf
    for renewal in (4, 8):
        moved.by = renewal * YEAR
        assert (await keeper.validate(pdf)).verdict is Verdict.VALID
        own_pki.pki.replace_tsa()
        renewed = await keeper.extend(pdf, Level.B_LTA)
        assert (renewed.level, renewed.shortfall) == (Level.B_LTA, "")
        pdf = renewed.pdf
    moved.by = 9 * YEAR
    verdict = await keeper.validate(pdf)
    assert verdict.verdict is Verdict.VALID, verdict.summary
    sources = {s.time_source for s in verdict.signatures}
    assert sources == {TimeSource.DOCUMENT}
    first = min(s.proven_time for s in verdict.signatures)
    assert all(s.proven_time == first for s in verdict.signatures if s.level)
