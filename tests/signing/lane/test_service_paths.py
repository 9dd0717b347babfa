"""The service over both paths: which one signs, and that both give the same kind of result."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.contract import (
    CredentialRefused,
    DocumentNumber,
    DocumentRefused,
    Level,
    Role,
    SignedFile,
    SigningPath,
    SigningUnavailable,
    SignOrder,
    Verdict,
)
from signing.inspection import inspect_pdf
from signing.processes.pool import SignerPool
from signing.validation import validate_pdf
from tests.signing import oracles
from tests.signing.decision import decision
from tests.signing.lane import documents as doc
from tests.signing.pages import counted, is_blue, is_dark, is_red, picture, rects

NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
BOTH = pytest.mark.parametrize("path", list(SigningPath))


@pytest.fixture
def on(make_service):
    """A service that signs plain documents on one path."""
    return lambda path, **changes: make_service(fast_lane=path is SigningPath.LANE, **changes)


@BOTH
@pytest.mark.parametrize("level", list(Level))
async def test_person_then_clerk_is_valid_on_either_path(on, server, decision_pdf, path, level):
    """Our own validation, and what each revision says."""
    service = on(path)
    first = await service.sign(SignOrder(decision_pdf, "official-ec", Role.PERSON, level))
    second = await service.sign(
        SignOrder(first.pdf, "agency", Role.AGENCY, level, document_number=NUMBER)
    )
    assert {first.path, second.path} == {path}
    assert second.field_names == ("Number1", "Day1", "Month1", "Seal1")
    assert second.sha256 == hashlib.sha256(second.pdf).hexdigest()
    judged = validate_pdf(second.pdf, server.signer_config().roots, datetime.now(UTC))
    signers = [s for s in judged.signatures if s.level is not None]
    assert len(signers) == 5
    assert all(s.integrity for s in signers)
    if level is Level.B_LTA:
        assert judged.verdict is Verdict.VALID
        assert {s.level for s in signers} == {"B-LTA"}


@pytest.mark.oracle
@pytest.mark.parametrize("order", [(True, False), (False, True)])
async def test_the_paths_can_follow_each_other(make_service, server, decision_pdf, tmp_path, order):
    """One path's B-LTA file signed again on the other."""
    pdf = decision_pdf
    for fast, key in zip(order, ("official-ec", "official-rsa"), strict=True):
        signed = await make_service(fast_lane=fast).sign(SignOrder(pdf, key, Role.INVISIBLE))
        assert (signed.path is SigningPath.LANE) == fast
        pdf = signed.pdf
    assert oracles.openssl_accepts(pdf, server.pki.root_pem, tmp_path)
    verdicts = await asyncio.to_thread(oracles.lta_verdicts, pdf, server.pki.root_pem)
    assert verdicts == [oracles.AdESPassed.OK] * 2
    judged = validate_pdf(pdf, server.signer_config().roots, datetime.now(UTC))
    assert judged.verdict is Verdict.VALID


@pytest.mark.long
async def test_both_paths_draw_the_same_picture(on, decision_pdf):
    """Hand, seal and numbers in the same places and colours."""
    seen = []
    for path in SigningPath:
        first = await on(path).sign(SignOrder(decision_pdf, "official-rsa", Role.PERSON, Level.B_B))
        order = SignOrder(first.pdf, "agency", Role.AGENCY, Level.B_B, document_number=NUMBER)
        pdf = (await on(path).sign(order)).pdf
        seen.append((picture(pdf), rects(pdf)))
    (one, places), (other, other_places) = seen
    assert places.keys() == other_places.keys()
    for name, rect in places.items():
        assert rect == pytest.approx(other_places[name], abs=0.001)
    everything = (0, 0, one.width / 2, one.height / 2)
    for colour in (is_blue, is_red, is_dark):
        drawn = counted(one, everything, colour)
        assert drawn > 1000
        assert drawn == pytest.approx(counted(other, everything, colour), rel=0.03)


async def test_font_and_seal_are_written_once_an_act(service, decision_pdf):
    """Number, day and month share one font."""
    signed = await service.sign(
        SignOrder(decision_pdf, "agency", Role.AGENCY, Level.B_B, document_number=NUMBER)
    )
    assert signed.path is SigningPath.LANE
    assert signed.pdf.count(b"/FontFile2", len(decision_pdf)) == 1


@pytest.mark.parametrize("named", ["pdfbox__test-landscape2.pdf", "qpdf__issue-1503.pdf"])
async def test_what_the_lane_leaves_is_signed_or_refused_by_the_other_path(service, corpus, named):
    pdf = corpus(named)
    try:
        signed = await service.sign(SignOrder(pdf, "official-ec", Role.INVISIBLE, Level.B_B))
    except DocumentRefused as refusal:
        assert refusal.message_vi  # noqa: PT017 - either outcome is right, each is checked
    else:
        assert signed.path in SigningPath
        assert signed.pdf.startswith(pdf)


async def test_the_ordinary_path_takes_over_by_itself(service):
    """A page tree that the lane refuses is signed all the same."""
    odd = doc.classic(doc.objects(o2=b"<</Type/Pages/Kids[3 0 R]/Count 1/Annots[]>>"))
    signed = await service.sign(SignOrder(odd, "official-ec", Role.PERSON, Level.B_T))
    assert signed.path is SigningPath.ORDINARY
    assert signed.pdf.startswith(odd)


@BOTH
async def test_reason_place_and_name_are_stated(on, decision_pdf, path):
    order = SignOrder(
        decision_pdf, "official-ec", Role.INVISIBLE, Level.B_B, signer_name="Trần (Thử)\\",
        reason="Ban hành", location="Phường Mẫu",
    )  # fmt: skip
    signed = await on(path).sign(order)
    reader = PdfFileReader(io.BytesIO(signed.pdf))
    said = reader.embedded_signatures[0].sig_object
    assert (said["/Name"], said["/Reason"], said["/Location"]) == (
        "Trần (Thử)\\", "Ban hành", "Phường Mẫu",
    )  # fmt: skip
    claimed = signed.signed_at.replace(microsecond=0)
    assert reader.embedded_signatures[0].self_reported_timestamp == claimed


async def test_the_audited_exception_is_signed_in_the_lane(on, server, decision_pdf, tmp_path):
    """PKCS#1 v1.5 where the configuration allows it by name."""
    keys = tuple(
        dataclasses.replace(key, allow_pkcs1v15=True) for key in server.signer_config().keys
    )
    service = on(SigningPath.LANE, keys=keys)
    signed = await service.sign(SignOrder(decision_pdf, "official-rsa", Role.INVISIBLE, Level.B_T))
    assert signed.path is SigningPath.LANE
    ((message, _, _),) = oracles.messages(signed.pdf)
    (info,) = oracles.cms.ContentInfo.load(message)["content"]["signer_infos"]
    assert info["signature_algorithm"].signature_algo == "rsassa_pkcs1v15"
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)


@BOTH
async def test_no_byte_is_given_back_when_the_authority_lies(on, server, decision_pdf, path):
    """The lane asks through the same client: a wrong nonce, imprint or time is refused."""
    service = on(path)
    for fault in ("tsa_wrong_nonce", "tsa_wrong_imprint"):
        await service.sign(SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T))
        setattr(server.faults, fault, True)
        with pytest.raises(SigningUnavailable) as refused:
            await service.sign(SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T))
        assert refused.value.code == "timestamp_untrusted"
        setattr(server.faults, fault, False)


async def test_a_file_is_inspected_once_and_a_dangerous_one_every_time(service, monkeypatch):
    """What was found clean is remembered by its SHA-256; one byte more is another file."""
    looked = []

    def inspect(pdf, **options):
        looked.append(pdf)
        return inspect_pdf(pdf, **options)

    monkeypatch.setattr("signing.inspection.inspect_pdf", inspect)
    pdf = decision()
    order = SignOrder(pdf, "official-ec", Role.INVISIBLE, Level.B_B)
    first = await service.sign(order)
    await service.sign(order)
    await service.sign(dataclasses.replace(order, pdf=first.pdf))  # ours, proven
    assert looked == [pdf]
    await service.sign(dataclasses.replace(order, pdf=pdf + b"\n"))
    assert len(looked) == 2
    script = doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(x)>>>>")
    )
    for _ in range(2):
        with pytest.raises(DocumentRefused):
            await service.sign(dataclasses.replace(order, pdf=script))
    assert len(looked) == 4


async def test_a_large_file_is_signed_into_another(service, server, tmp_path):
    """Same signatures as in memory; the source stays, a refusal leaves nothing behind."""
    scans = {f"o{n}": doc.stream(b"", os.urandom(300_000)) for n in range(6, 10)}
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    before = doc.classic(doc.objects(**scans))
    source.write_bytes(before)
    order = SignOrder(b"", "official-ec", Role.PERSON, Level.B_LTA)
    signed = await service.sign_file(order, source, target)
    after = target.read_bytes()
    assert signed.path is SigningPath.LANE
    assert after.startswith(before)
    assert source.read_bytes() == before
    assert signed.sha256 == hashlib.sha256(after).hexdigest()
    judged = validate_pdf(after, server.signer_config().roots, datetime.now(UTC))
    assert judged.verdict is Verdict.VALID


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.7\n%%EOF", doc.classic()[:-90]])
async def test_a_refused_file_leaves_no_target(service, tmp_path, content):
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(content)
    order = SignOrder(b"", "official-ec", Role.INVISIBLE, Level.B_B)
    with pytest.raises(DocumentRefused):
        await service.sign_file(order, source, target)
    assert not target.exists()


async def test_a_file_for_the_ordinary_path_is_signed_into_another_too(make_service, tmp_path):
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision())
    order = SignOrder(b"", "official-ec", Role.PERSON, Level.B_B)
    signed = await make_service(fast_lane=False).sign_file(order, source, target)
    assert signed.path is SigningPath.ORDINARY
    assert target.read_bytes().startswith(decision())


async def test_a_wrong_raw_signature_is_never_embedded(make_service, server, decision_pdf):
    """The key of one official, the certificate of another: refused before any CMS is made."""
    service = make_service()
    order = SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_B)
    await service.sign(order)
    signer = service._signers["official-ec"]

    async def other(data):
        return await (await service._keys["official-rsa"].open()).sign_raw(data)

    class Crossed:
        def __getattr__(self, name):
            return other if name == "sign_raw" else getattr(key, name)

    key, signer.key = signer.key, Crossed()
    service._signer = lambda *_: signer
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order)
    assert refused.value.code == "bad_signature"


def test_the_lane_needs_no_pdf_library():
    """The package imports no part of pyHanko."""
    probe = "import sys, signing.lane; print([m for m in sys.modules if 'pyhanko' in m])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.long
async def test_a_pool_signs_files_too(server, tmp_path):
    """Only paths cross the pipe, and what was done comes back."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision())
    async with SignerPool(server.signer_config()) as pool:
        order = SignOrder(b"", "official-ec", Role.PERSON, Level.B_B)
        signed = await pool.sign_file(order, source, target)
    assert isinstance(signed, SignedFile)
    assert signed.path is SigningPath.LANE
    assert signed.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


@BOTH
async def test_a_seal_over_a_b_lt_signature_brings_its_own_proof(on, decision_pdf, path):
    """The second revision of validation data may write only the store anew, not the catalogue."""
    service = on(path)
    person = SignOrder(decision_pdf, "official-rsa", Role.PERSON, Level.B_LT)
    signed = await service.sign(person)
    seal = SignOrder(signed.pdf, "agency", Role.AGENCY, Level.B_LT, document_number=NUMBER)
    sealed = await service.sign(seal)
    assert sealed.path is path
    assert (await service.validate(sealed.pdf)).verdict is Verdict.VALID
