"""Files that an official's desktop program signs: what comes back is believed only when proven."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from aiohttp import web
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfTimeStamper

from signing.added_signatures import check_only_signatures
from signing.contract import (
    Confirmation,
    CredentialRefused,
    DocumentNumber,
    DocumentRefused,
    HandOffs,
    KeyConfig,
    Level,
    Role,
    SignedPdf,
    TimeSource,
)
from signing.devpki.loopback import LoopbackServer
from signing.devpki.vgca_desktop import DeskStamps, VgcaDesktop
from signing.evidence.messages import read_message
from signing.reading.opening import open_pdf
from tests.signing import oracles
from tests.signing.remote.conftest import order


@pytest.fixture
def desk(server):
    return VgcaDesktop(server.pki, "official-rsa")


NUMBER = DocumentNumber(5, "QĐ-UBND", "2026-11-02")


async def accept(fresh_service, key, pdf, signed, role=Role.PERSON, **changes):
    asked = order(pdf, "vgca", role=role, **changes)
    return await fresh_service(key).accept_hand_off(asked, signed)


@pytest.mark.parametrize("pss", [True, False])
@pytest.mark.parametrize("cades", [True, False])
@pytest.mark.parametrize("certifies", [True, False])
async def test_what_the_officials_tools_make_is_accepted(
    fresh_service, vgca_key, desk, decision_pdf, pss, cades, certifies
):
    """Both sub-filters, both paddings, with and without a certifying first signature."""
    desk.pss, desk.cades, desk.certifies = pss, cades, certifies
    signed = await desk.sign(decision_pdf)
    accepted = await accept(fresh_service, vgca_key(allow_pkcs1v15=not pss), decision_pdf, signed)
    assert isinstance(accepted, SignedPdf)
    assert accepted.pdf == signed
    assert accepted.level is Level.B_B
    assert len(accepted.field_names) == 1


@pytest.mark.oracle
async def test_a_letter_goes_from_desk_to_desk(
    fresh_service, server, vgca_key, decision_pdf, tmp_path
):
    """The leader signs and certifies, then the clerk's four: each over what the one before left."""
    leader, clerk = VgcaDesktop(server.pki, "official-ec"), VgcaDesktop(server.pki, "agency")
    once = await leader.sign(decision_pdf)
    key = dataclasses.replace(vgca_key("official-ec"), name="vgca")
    assert await accept(fresh_service, key, decision_pdf, once)
    issued = await clerk.sign(once, issues=True)
    clerks = {"role": Role.AGENCY, "document_number": NUMBER}
    accepted = await accept(fresh_service, vgca_key("agency"), once, issued, **clerks)
    assert [name[:3] for name in accepted.field_names] == ["Num", "Day", "Mon", "Sea"]
    path = tmp_path / "letter.pdf"
    path.write_bytes(accepted.pdf)
    verdicts = [text for _, text in oracles.pdfsig_verdicts(path)[0]]
    assert verdicts == ["Signature is Valid."] * 5


async def test_time_stamps_count_when_they_hold(
    fresh_service, server, vgca_key, desk, decision_pdf
):
    """A trusted one makes B-T and is kept as evidence; one by a key not for it makes no claim."""
    desk.stamped_by = server.pki.tsa
    accepted = await accept(fresh_service, vgca_key(), decision_pdf, await desk.sign(decision_pdf))
    assert accepted.level is Level.B_T
    assert len(accepted.evidence.timestamps) == 1
    assert accepted.evidence.proven_time is not None
    assert accepted.evidence.algorithm == "RSASSA-PKCS1-v1_5 SHA-256"
    desk.stamped_by = server.pki.issuing
    accepted = await accept(fresh_service, vgca_key(), decision_pdf, await desk.sign(decision_pdf))
    assert accepted.level is Level.B_B
    assert accepted.evidence.timestamps == ()


@pytest.mark.parametrize(("authority", "kept"), [("tsa", 2), ("issuing", 1)])
async def test_a_time_stamp_of_the_document_is_kept_when_it_holds(
    fresh_service, server, vgca_key, desk, decision_pdf, authority, kept
):
    """One by a key that is not for it is passed over; the signature has its own."""
    desk.stamped_by = server.pki.tsa
    signed = await desk.sign(decision_pdf)
    stamper = DeskStamps(server.pki, getattr(server.pki, authority))
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    stamped = await PdfTimeStamper(stamper).async_timestamp_pdf(writer, "sha256")
    accepted = await accept(fresh_service, vgca_key(), decision_pdf, stamped.getvalue())
    own, document = [message for message, _, _ in oracles.messages(stamped.getvalue())]
    assert accepted.level is Level.B_T
    assert accepted.evidence.timestamps == (read_message(own).token, document)[:kept]
    assert accepted.evidence.time_source is TimeSource.SIGNATURE


@pytest.mark.parametrize(
    "name",
    [
        "pdfbox__Acroform-PDFBOX-2333.pdf",  # a form with fields of its own, boxes of reals
        "pdfbox__JPXTestGrey.pdf",
        "verapdf__7.21.4.2-t01-pass-a.pdf",
    ],
)
async def test_files_of_the_world_come_back_too(server, corpus, name):
    """Forms, reals written as integers, cross-reference streams: no false alarm."""
    pdf = corpus(name)
    signed = await VgcaDesktop(server.pki, "agency").sign(pdf, issues=True)
    base = open_pdf(pdf).reader.xrefs.total_revisions - 1
    check_only_signatures(open_pdf(signed).reader, base)


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("unsigned", CredentialRefused, "unsigned"),
        ("another_document", DocumentRefused, "not_this_document"),
        ("resaved", DocumentRefused, "not_this_document"),
        ("text_changed", DocumentRefused, "changed_beyond_signatures"),
        ("note_added", DocumentRefused, "changed_beyond_signatures"),
        ("damaged", CredentialRefused, "bad_signature"),
    ],
)
async def test_what_is_not_this_document_signed_is_refused(
    fresh_service, vgca_key, desk, decision_pdf, fault, kind, code
):
    """Each with its own reason in Vietnamese; nothing of it is published."""
    setattr(desk.faults, fault, True)
    signed = await desk.sign(decision_pdf)
    with pytest.raises((CredentialRefused, DocumentRefused)) as refused:
        await accept(fresh_service, vgca_key(), decision_pdf, signed)
    assert isinstance(refused.value, kind)
    assert refused.value.code == code
    assert refused.value.message_vi


async def test_another_signer_is_refused(fresh_service, server, vgca_key, decision_pdf):
    """The right document, signed by somebody else."""
    stranger = VgcaDesktop(server.pki, "official-ec")
    with pytest.raises(CredentialRefused) as refused:
        await accept(
            fresh_service, vgca_key("official-rsa"), decision_pdf, await stranger.sign(decision_pdf)
        )
    assert refused.value.code == "wrong_signer"


@pytest.mark.long
async def test_a_second_hand_in_the_same_act_is_refused(
    fresh_service, server, vgca_key, desk, decision_pdf
):
    """All new signatures must be the expected key's, and no more than the act has."""
    twice = await desk.sign(await desk.sign(decision_pdf))
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, vgca_key(), decision_pdf, twice)
    assert refused.value.code == "too_many_signatures"
    stranger = VgcaDesktop(server.pki, "official-ec")
    mixed = await stranger.sign(await desk.sign(decision_pdf))
    clerks = {"role": Role.AGENCY, "document_number": NUMBER}
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, vgca_key(), decision_pdf, mixed, **clerks)
    assert refused.value.code == "wrong_signer"


async def test_an_act_that_is_the_seal_alone_takes_no_number(
    fresh_service, server, vgca_key, decision_pdf
):
    """Nobody gave a number: a desktop program must not put one on the document."""
    clerk, key = VgcaDesktop(server.pki, "agency"), vgca_key("agency")
    alone = await clerk.sign(decision_pdf, seals=True)
    accepted = await accept(fresh_service, key, decision_pdf, alone, role=Role.AGENCY)
    assert [name[:4] for name in accepted.field_names] == ["Seal"]
    numbered = await clerk.sign(decision_pdf, issues=True)
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, key, decision_pdf, numbered, role=Role.AGENCY)
    assert refused.value.code == "too_many_signatures"


async def test_pkcs1_needs_the_exception(fresh_service, vgca_key, desk, decision_pdf):
    """Old tools make PKCS#1 v1.5: accepted where somebody answers for it."""
    signed = await desk.sign(decision_pdf)
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, vgca_key(allow_pkcs1v15=False), decision_pdf, signed)
    assert refused.value.code == "pkcs1v15_not_allowed"


async def test_a_revoked_certificate_is_refused(
    fresh_service, server, vgca_key, desk, decision_pdf
):
    """Judged when it comes back, as any signer is."""
    signed = await desk.sign(decision_pdf)
    server.revoke(server.pki.certificate("official-rsa").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, vgca_key(), decision_pdf, signed, level=Level.B_LT)
    assert refused.value.code == "certificate_revoked"


async def test_a_file_below_the_level_says_so_and_can_be_raised(
    fresh_service, server, vgca_key, desk, decision_pdf
):
    """Desktop programs stop at B-B or B-T; nobody who knows of revocation is needed to take it."""
    signed = await desk.sign(decision_pdf)
    server.faults.ocsp_down = server.faults.crl_down = True
    asked = {"level": Level.B_LTA, "accept_lower": True}
    accepted = await accept(fresh_service, vgca_key(), decision_pdf, signed, **asked)
    assert (accepted.level, accepted.shortfall) == (Level.B_B, "hand_off_level")
    server.faults.ocsp_down = server.faults.crl_down = False
    raised = await fresh_service(vgca_key()).extend(accepted.pdf, Level.B_LTA)
    assert (raised.level, raised.shortfall) == (Level.B_LTA, "")
    enough = await accept(fresh_service, vgca_key(), decision_pdf, signed, level=Level.B_B)
    assert enough.shortfall == ""


async def test_a_renewed_certificate_stands_beside_the_old_one(
    fresh_service, vgca_key, desk, decision_pdf
):
    """Either is accepted while both are configured."""
    signed = await desk.sign(decision_pdf)
    key = vgca_key("official-rsa", "official-ec")
    assert await accept(fresh_service, key, decision_pdf, signed)


async def test_a_desk_key_is_listed_and_does_nothing_else(
    fresh_service, server, vgca_key, smartca, decision_pdf
):
    """It signs in no other way, and other keys are not handed off."""
    service = fresh_service(vgca_key(), smartca.key_config())
    assert isinstance(service, HandOffs)
    listed = {one.name: one.confirmation for one in await service.credentials()}
    assert listed["vgca"] is Confirmation.HAND_OFF
    for call in (service.sign(order(decision_pdf, "vgca")),
                 service.prepare(order(decision_pdf, "vgca")),
                 service.accept_hand_off(order(decision_pdf), decision_pdf)):  # fmt: skip
        with pytest.raises(CredentialRefused):
            await call


@pytest.mark.parametrize("content", [b"", b"not a certificate", None])
async def test_an_unreadable_certificate_is_named(fresh_service, tmp_path, decision_pdf, content):
    """Missing, empty and foreign files."""
    path = tmp_path / "certificate.pem"
    if content is not None:
        path.write_bytes(content)
    key = KeyConfig("vgca", "vgca", str(path))
    with pytest.raises(CredentialRefused) as refused:
        await accept(fresh_service, key, decision_pdf, decision_pdf + b"\n")
    assert refused.value.code == "key_unreadable"
    assert await fresh_service(key).credentials() == ()


class Upload(LoopbackServer):
    """A gateway's two addresses, as the desktop program uses them."""

    def __init__(self, pdf):
        super().__init__()
        self.pdf, self.received = pdf, []

    def application(self):
        app = web.Application()
        app.router.add_get("/once/file.pdf", self._file)
        app.router.add_post("/once/upload", self._upload)
        return app

    async def _file(self, request):
        return web.Response(body=self.pdf, content_type="application/pdf")

    async def _upload(self, request):
        async for part in await request.multipart():
            self.received.append(bytes(await part.read()))
        answer = {"Status": True, "Message": "OK", "FileName": "a.pdf", "FileServer": "/a.pdf"}
        return web.json_response(answer)

    def argument(self):
        return json.dumps(
            {
                "FileUploadHandler": f"{self.base_url}/once/upload",
                "SessionId": "",
                "JWTToken": "",
                "FileName": f"{self.base_url}/once/file.pdf",
                "DocNumber": "12/QĐ-UBND",
                "IssuedDate": "2026-11-25T00:00:00+07:00",
                "MetaData": [],
            }
        )


async def test_the_desk_speaks_as_the_real_program(fresh_service, vgca_key, desk, decision_pdf):
    """Fetch, sign, send back as multipart, tell the page; a cancelled act sends nothing."""
    async with Upload(decision_pdf) as upload:
        desk.faults.sends_twice = True
        said = await desk.call("vgca_sign_approved", upload.argument())
        assert (said["Status"], said["FileServer"]) == (0, "/a.pdf")
        first, second = upload.received
        assert first == second
        assert await accept(fresh_service, vgca_key(), decision_pdf, first)
        desk.faults.cancelled = True
        said = await desk.call("vgca_sign_approved", upload.argument())
        assert said["Status"] == 1
        assert len(upload.received) == 2
