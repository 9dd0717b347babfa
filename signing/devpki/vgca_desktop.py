"""The desktop signer of Ban Cơ yếu Chính phủ (VGCASignService), as far as a gateway sees it.

Takes the JSON argument a web page gives to ``vgca_sign_approved`` or ``vgca_sign_issued``, fetches
``FileName``, signs with a development key as the real tool does (adbe.pkcs7.detached without a
signing time, the first signature certifying with DocMDP 2, number, day, month and seal as
signatures of their own) or as the Ministry of Public Security's (ETSI.CAdES.detached), posts the
file to ``FileUploadHandler`` and gives the JSON the page's callback gets. From public integrations
of ``vgcaplugin.js`` and public documents; the vendor publishes no specification.
"""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import aiohttp
from asn1crypto import tsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper

from signing.devpki.authority import KEYS, DevPki
from signing.devpki.certificates import Issuer
from signing.devpki.scripted import ScriptedFaults
from signing.devpki.tokens import answer
from signing.evidence.eligibility import TrustedChain
from signing.keys.pkcs12 import Pkcs12Source
from signing.pades.writer import KeptKeySigner

_BOXES = {"Number": (60, 700, 160, 720), "Day": (300, 700, 324, 720), "Month": (340, 700, 364, 720),
          "Seal": (330, 400, 430, 500), "Signature": (330, 400, 480, 465)}  # fmt: skip


@dataclass(slots=True)
class DesktopFaults(ScriptedFaults):
    """What goes wrong on purpose."""

    cancelled: bool = False  # the official closes the window
    unsigned: bool = False  # the file is sent back as it came
    another_document: bool = False
    resaved: bool = False  # written anew after signing
    text_changed: bool = False  # something drawn between fetching and signing
    note_added: bool = False  # an annotation after the signature
    damaged: bool = False  # one byte of the signature value
    sends_twice: bool = False


class VgcaDesktop:
    """One official's desk with one key."""

    def __init__(self, pki: DevPki, identity: str) -> None:
        self.faults = DesktopFaults()
        self.pss = False
        self.cades = False
        self.certifies = True
        self.stamped_by: Issuer | None = None  # whose time-stamps the signatures carry
        self._pki = pki
        self._identity = identity

    async def call(self, function: str, argument: str) -> dict[str, Any]:
        """What the page's callback gets, after fetching, signing and sending back."""
        asked = json.loads(argument)
        if self.faults.take("cancelled"):
            return {"Status": 1, "Message": "Người dùng hủy thao tác ký", "FileName": ""}
        async with aiohttp.ClientSession() as session:
            async with session.get(asked["FileName"]) as answer:
                pdf = await answer.read()
            if answer.status != 200:
                return {"Status": 1, "Message": "Không tải được văn bản", "FileName": ""}
            numbers = function == "vgca_sign_issued" and bool(asked.get("DocNumber"))
            signed = await self.sign(pdf, issues=numbers, seals=function == "vgca_sign_issued")
            said = await self._send(session, asked, signed)
            if self.faults.take("sends_twice"):
                said = await self._send(session, asked, signed)
        return {
            "Status": 0 if said.get("Status") else 1,
            "Message": said.get("Message", ""),
            "FileName": said.get("FileName", ""),
            "FileServer": said.get("FileServer", ""),
            "DocumentNumber": asked.get("DocNumber", ""),
            "DocumentDate": asked.get("IssuedDate", ""),
        }

    @staticmethod
    async def _send(
        session: aiohttp.ClientSession, asked: dict[str, Any], signed: bytes
    ) -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field(
            "uploadfile", signed, filename="van-ban.signed.pdf", content_type="application/pdf"
        )
        async with session.post(asked["FileUploadHandler"], data=form) as answer:
            said: dict[str, Any] = await answer.json(content_type=None)
            return said

    async def sign(self, pdf: bytes, *, issues: bool = False, seals: bool = False) -> bytes:
        """The file as the tool leaves it, scripted faults included.

        Args:
            pdf: as it was fetched.
            issues: number, day, month and seal, as clerks sign.
            seals: the seal alone, where nobody gave a number.
        """
        faults = self.faults
        if faults.take("unsigned"):
            return pdf
        if faults.take("another_document"):
            pdf = _write_anew(pdf)
        if faults.take("text_changed"):
            pdf = _draw_over(pdf)
        alone = ("Seal",) if seals else ("Signature",)
        for name in ("Number", "Day", "Month", "Seal") if issues else alone:
            pdf = await self._sign_once(pdf, name)
        if faults.take("note_added"):
            pdf = _add_note(pdf)
        if faults.take("resaved"):
            pdf = _write_anew(pdf)
        return _damage(pdf) if faults.take("damaged") else pdf

    async def _sign_once(self, pdf: bytes, name: str) -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        first = not writer.prev.embedded_signatures
        subfilter = SigSeedSubFilter.PADES if self.cades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED
        metadata = PdfSignatureMetadata(
            field_name=f"{name}{len(pdf)}",
            md_algorithm="sha256",
            subfilter=subfilter,
            certify=self.certifies and first,
            docmdp_permissions=MDPPerm.FILL_FORMS,
            signer_key_usage=set(),
        )
        signer = PdfSigner(
            metadata,
            signer=await self._signer(),
            timestamper=DeskStamps(self._pki, self.stamped_by) if self.stamped_by else None,
            new_field_spec=SigFieldSpec(metadata.field_name or name, box=_BOXES[name]),
        )
        out = await signer.async_sign_pdf(writer)
        return bytes(out.getvalue())

    async def _signer(self) -> KeptKeySigner:
        named = next(key for key in KEYS if key.name == self._identity)
        config = dataclasses.replace(self._pki.key_config(named), allow_pkcs1v15=not self.pss)
        key = await Pkcs12Source(config).open()
        issuers = (self._pki.issuing.certificate, self._pki.root.certificate)
        return KeptKeySigner(key, TrustedChain((key.certificate, *issuers)))


class DeskStamps(TimeStamper):
    """Time-stamps made on the spot."""

    def __init__(self, pki: DevPki, authority: Issuer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's is untyped
        self._pki = pki
        self._authority = authority

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Grant it."""
        moment = self._pki.clock.now().astimezone(UTC)
        issuing = self._pki.issuing.certificate
        return answer(req, self._authority, issuing, self._pki.next_serial(), moment)


def _draw_over(pdf: bytes) -> bytes:
    """Something on the page that was not there."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    content = writer.add_object(
        generic.StreamObject(stream_data=b"q 1 0 0 rg 100 500 200 40 re f Q")
    )
    page = writer.root["/Pages"]["/Kids"][0]
    old = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([old, content])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _add_note(pdf: bytes) -> bytes:
    """A text annotation in a revision of its own."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    name = generic.NameObject
    note = generic.DictionaryObject(
        {
            name("/Type"): name("/Annot"),
            name("/Subtype"): name("/Text"),
            name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (10, 10, 30, 30))),
            name("/Contents"): generic.TextStringObject("ghi chú"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0]
    # a direct array of references, whatever it was before
    kept = [page["/Annots"].raw_get(i) for i in range(len(page["/Annots"]))]
    page["/Annots"] = generic.ArrayObject([*kept, writer.add_object(note)])
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _write_anew(pdf: bytes) -> bytes:
    out = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(pdf), strict=False)).write(out)
    return out.getvalue()


def _damage(pdf: bytes) -> bytes:
    """One digit of the last signature's value, with which its message ends."""
    start = pdf.rfind(b"/Contents <") + len(b"/Contents <")
    digits = pdf[start : pdf.index(b">", start)]
    place = start + len(digits.rstrip(b"0")) - 20
    digit = b"0" if pdf[place : place + 1] != b"0" else b"1"
    return pdf[:place] + digit + pdf[place + 1 :]
