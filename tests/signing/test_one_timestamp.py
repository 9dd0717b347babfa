"""The clerk's act under one time-stamp of the document instead of one a signature."""

from __future__ import annotations

import asyncio

import pytest

from signing.contract import (
    DocumentNumber,
    Level,
    Role,
    SigningPath,
    SignOrder,
    TimeSource,
    Verdict,
)
from tests.signing import oracles

BOTH = pytest.mark.parametrize("path", list(SigningPath))
STAMPED = [Level.B_T, Level.B_LT, Level.B_LTA]
NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
FIELDS = ("Number1", "Day1", "Month1", "Seal1")


def clerks(pdf, level, **more):
    return SignOrder(pdf, "agency", Role.AGENCY, level, document_number=NUMBER, **more)


@pytest.fixture
def on(make_service):
    """A service of this policy that signs plain documents on one path."""
    return lambda path, **changes: make_service(
        fast_lane=path is SigningPath.LANE, timestamps_of_an_act="one", **changes
    )


def signatures_of(pdf):
    """(own time-stamps of each signature, how many document time-stamps there are)."""
    own, document = [], 0
    for message, _, is_timestamp in oracles.messages(pdf):
        if is_timestamp:
            document += 1
            continue
        (info,) = oracles.cms.ContentInfo.load(message)["content"]["signer_infos"]
        own.append(len(info["unsigned_attrs"]))
    return own, document


@BOTH
@pytest.mark.parametrize("level", STAMPED)
async def test_four_signatures_cost_one_trip(on, server, decision_pdf, path, level):
    """The last revision but the proof's is the time-stamp; each signature has the level."""
    service = on(path)
    await service.sign(clerks(decision_pdf, Level.B_T))  # the authority is known from here on
    server.calls.tsa = 0
    signed = await service.sign(clerks(decision_pdf, level))
    assert server.calls.tsa == 1
    assert (signed.path, signed.level, signed.field_names) == (path, level, FIELDS)
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 1)
    judged = await service.validate(signed.pdf)
    stamps = [s for s in judged.signatures if s.level is None]
    assert len(stamps) == 1
    for one in judged.signatures:
        assert one.integrity
        assert one.level in (None, level)
        assert one.proven_time == stamps[0].proven_time
    provability = await service.provability(signed.pdf)
    assert provability.level is level
    if level is not Level.B_T:  # nothing in the file speaks of revocation there
        assert judged.verdict is Verdict.VALID


@BOTH
@pytest.mark.parametrize("level", STAMPED)
async def test_the_evidence_says_whose_time_stamp_it_is(on, decision_pdf, path, level):
    """One token, which covers all four; none is claimed to be a signature's."""
    left = (await on(path).sign(clerks(decision_pdf, level))).evidence
    (token,) = left.timestamps
    assert left.time_source is TimeSource.DOCUMENT
    assert left.proven_time is not None
    assert token
    said = {c.code: c.detail for c in left.checks}
    assert "bao trùm 4 chữ ký" in said["document_timestamp"]
    assert "signature_timestamp" not in said
    assert ("archive_timestamp" in said) == (level is Level.B_LTA)


@pytest.mark.oracle
@BOTH
@pytest.mark.parametrize("level", STAMPED)
async def test_programs_that_are_not_ours_accept_it(
    on, server, decision_pdf, tmp_path, path, level
):
    """pdfsig, qpdf, openssl and pyHanko's engine."""
    service = on(path)
    person = SignOrder(decision_pdf, "official-rsa", Role.PERSON, Level.B_LTA)
    before = (await service.sign(person)).pdf
    signed = (await service.sign(clerks(before, level))).pdf
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed)
    verdicts, text = oracles.pdfsig_verdicts(file)
    mine = {name: verdict for name, verdict in verdicts if name in FIELDS}
    assert mine == dict.fromkeys(FIELDS, "Signature is Valid.")
    if level is not Level.B_LT:  # there the proof follows
        assert "Total document signed" in text.rpartition("Field Name")[2]
    assert oracles.qpdf_accepts(file)
    root = server.pki.root_pem
    assert oracles.openssl_accepts(signed, root, tmp_path)
    told = await asyncio.to_thread(oracles.pyhanko_accepts, signed, root)
    assert told == [True] * 5
