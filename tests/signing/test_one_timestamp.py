"""The clerk's act under one time-stamp of the document instead of one a signature: keys here."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os

import pytest

from signing.contract import (
    DocumentNumber,
    Level,
    Placement,
    Role,
    SigningPath,
    SigningUnavailable,
    SignOrder,
    TimeSource,
    Verdict,
)
from signing.validation_report import etsi_report
from tests.signing import oracles
from tests.signing.lane import documents as doc

LANE, ORDINARY = SigningPath.LANE, SigningPath.ORDINARY
SLOWER = pytest.param(ORDINARY, marks=pytest.mark.long)  # the lane's cases prove the policy
MOSTLY_LONG = [
    Level.B_LT,
    *(pytest.param(level, marks=pytest.mark.long) for level in (Level.B_T, Level.B_LTA)),
]
BOTH = pytest.mark.parametrize("path", [LANE, SLOWER])
STAMPED = [Level.B_T, Level.B_LT, Level.B_LTA]
NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
REAL = hashlib.sha256
FIELDS = ("Number1", "Day1", "Month1", "Seal1")


def clerks(pdf, level, **more):
    return SignOrder(pdf, "agency", Role.AGENCY, level, document_number=NUMBER, **more)


@pytest.fixture
def on(make_service):
    """A service of this policy that signs plain documents on one path."""
    return lambda path, **changes: make_service(
        fast_lane=path is LANE, timestamps_of_an_act="one", **changes
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


@pytest.mark.parametrize("path", [LANE, ORDINARY])
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
        assert one.time_source is TimeSource.DOCUMENT
    told = etsi_report(judged)
    assert (told.count(b"<vr:DocTimeStamp "), told.count(b"SignatureTimeStamp")) == (5, 0)
    assert sum("chung của cả tệp, cấp sau" in " ".join(s.messages) for s in judged.signatures) == 4
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


@BOTH
async def test_a_single_signature_keeps_its_own(on, decision_pdf, path):
    """Whoever signs once, also the seal alone, is stamped as always."""
    service = on(path)
    for key, role in (("official-ec", Role.PERSON), ("agency", Role.AGENCY)):
        signed = await service.sign(SignOrder(decision_pdf, key, role, Level.B_T))
        assert signatures_of(signed.pdf) == ([1], 0)
        assert signed.evidence.time_source is TimeSource.SIGNATURE


@BOTH
async def test_each_is_what_nobody_has_to_choose(make_service, decision_pdf, path):
    """The default shows a time-stamp with every signature."""
    service = make_service(fast_lane=path is LANE)
    signed = await service.sign(clerks(decision_pdf, Level.B_T))
    assert signatures_of(signed.pdf) == ([1, 1, 1, 1], 0)
    assert signed.evidence.time_source is TimeSource.SIGNATURE


@BOTH
@pytest.mark.parametrize("level", MOSTLY_LONG)
async def test_what_cannot_be_stamped_now_is_raised_later(on, server, decision_pdf, path, level):
    """Four signatures at B-B, as with every act; one extension brings what the act would have."""
    service = on(path)
    server.faults.tsa_down = True
    with pytest.raises(SigningUnavailable):
        await service.sign(clerks(decision_pdf, level))
    signed = await service.sign(clerks(decision_pdf, level, accept_lower=True))
    assert (signed.level, signed.shortfall) == (Level.B_B, "timestamp_unavailable")
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 0)
    assert (signed.evidence.timestamps, signed.evidence.time_source) == ((), None)
    server.faults.tsa_down = False
    raised = await on(path).extend(signed.pdf, level)  # its authorities rest no more
    assert (raised.level, raised.shortfall) == (level, "")
    assert signatures_of(raised.pdf) == ([0, 0, 0, 0], 1)


@pytest.mark.long
@pytest.mark.parametrize("path", [LANE, ORDINARY])
async def test_no_answer_about_revocation_leaves_a_time_stamp(on, server, decision_pdf, path):
    """B-T by the one time-stamp, and a later extension adds the proof."""
    service = on(path)
    await service.sign(clerks(decision_pdf, Level.B_T))
    server.faults.ocsp_down = server.faults.crl_down = True
    fresh = on(path)
    signed = await fresh.sign(clerks(decision_pdf, Level.B_LTA, accept_lower=True))
    assert (signed.level, signed.shortfall) == (Level.B_T, "revocation_unavailable")
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 1)
    server.faults.ocsp_down = server.faults.crl_down = False
    raised = await on(path).extend(signed.pdf, Level.B_LTA)
    assert raised.level is Level.B_LTA
    assert (await service.validate(raised.pdf)).verdict is Verdict.VALID


@BOTH
async def test_the_next_authority_stamps_when_the_first_is_away(on, server, decision_pdf, path):
    """Never two authorities over one act."""
    service = on(path, timestamp_urls=("http://127.0.0.1:9/tsa", f"{server.base_url}/tsa"))
    signed = await service.sign(clerks(decision_pdf, Level.B_LTA))
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 1)


@BOTH
async def test_a_lie_of_the_authority_gives_no_file(on, server, decision_pdf, path):
    """The one token is checked like every other."""
    service = on(path)
    await service.sign(clerks(decision_pdf, Level.B_T))
    server.faults.tsa_wrong_imprint = True
    with pytest.raises(SigningUnavailable) as refused:
        await service.sign(clerks(decision_pdf, Level.B_T))
    assert refused.value.code == "timestamp_untrusted"


@pytest.mark.parametrize("level", MOSTLY_LONG)
async def test_a_key_of_another_digest_is_stamped_once_too(on, server, decision_pdf, level):
    """SHA-384 is the ordinary path's."""
    keys = tuple(dataclasses.replace(key, digest="sha384") for key in server.signer_config().keys)
    signed = await on(LANE, keys=keys).sign(clerks(decision_pdf, level))
    assert signed.path is ORDINARY
    assert signatures_of(signed.pdf) == ([0, 0, 0, 0], 1)


@BOTH
async def test_each_signature_has_the_level_that_its_own_proof_gives(on, decision_pdf, path):
    """A person's archived proof, also of the same issuer, makes nobody else's."""
    service = on(path)
    person = SignOrder(decision_pdf, "official-rsa", Role.PERSON, Level.B_LTA)
    signed = await service.sign(clerks((await service.sign(person)).pdf, Level.B_LT))
    levels = {s.field_name: s.level for s in (await service.validate(signed.pdf)).signatures}
    assert {levels[name] for name in FIELDS} == {"B-LT"}
    assert (await service.provability(signed.pdf)).level is Level.B_LT


async def test_a_large_file_is_stamped_where_it_lies(on, decision_pdf, tmp_path):
    """From file to file; the source stays."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    service = on(LANE)
    signed = await service.sign_file(clerks(b"", Level.B_LTA), source, target)
    after = target.read_bytes()
    assert (signed.level, signed.size) == (Level.B_LTA, len(after))
    assert signed.sha256 == hashlib.sha256(after).hexdigest()
    assert signatures_of(after) == ([0, 0, 0, 0], 1)
    assert signed.evidence.time_source is TimeSource.DOCUMENT


@pytest.mark.parametrize("level", STAMPED)
async def test_the_time_stamp_takes_no_second_reading(on, monkeypatch, level):
    """What was hashed for the signatures is not hashed again for it, nor for its proof."""
    scans = {f"o{n}": doc.stream(b"", os.urandom(300_000)) for n in range(6, 10)}
    pdf = doc.classic(doc.objects(**scans))
    service, read = on(LANE), []

    class Counting:
        """SHA-256 that counts what it is given."""

        def __init__(self, data=b"", state=None):
            self.state = REAL() if state is None else state
            self.update(data)

        def update(self, data):
            read.append(len(data))
            self.state.update(data)

        def copy(self):
            return Counting(state=self.state.copy())

        def digest(self):
            return self.state.digest()

        def hexdigest(self):
            return self.state.hexdigest()

    counts = []
    seal = {"placement": Placement(1, (60, 60, 36, 36), over_text=True)}
    for asked in (level, Level.B_B, level):  # the first one warms up
        with monkeypatch.context() as patched:
            patched.setattr(hashlib, "sha256", Counting)
            signed = await service.sign(clerks(pdf, asked, **seal))
        assert signed.path is LANE
        counts.append(sum(read))
        read.clear()
    assert counts[2] - counts[1] < len(pdf) // 10
