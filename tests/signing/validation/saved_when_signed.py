"""Signatures as desktop software makes them: the whole file written, and not appended to."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re

import pikepdf
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.signing.validation.signing_kit import make_pdf, pki

_ROOM = 4000  # bytes for the message
_WIDE = 1_000_000_000  # a number as wide as any place in the file


def sign_linearised(pdf: bytes | None = None, field: str = "ChuKy1") -> bytes:
    """Sign a file and write it for fast viewing in the same act (ISO 32000-2, annex F)."""
    return _filled(_with_room(pdf or make_pdf(), field))


def extend_rights(pdf: bytes | None = None) -> bytes:
    """A file with usage rights, as forms are given out for a reader to fill in (12.8.2.3)."""
    with pikepdf.open(io.BytesIO(pdf or make_pdf())) as document:
        reference = pikepdf.Dictionary(
            Type=pikepdf.Name.SigRef,
            TransformMethod=pikepdf.Name.UR3,
            TransformParams=pikepdf.Dictionary(Form=pikepdf.Array([pikepdf.Name.FillIn])),
        )
        value = _value()
        value.Reference = pikepdf.Array([reference])
        document.Root.Perms = pikepdf.Dictionary(UR3=document.make_indirect(value))
        out = io.BytesIO()
        document.save(out)
    return _filled(out.getvalue())


def _value() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Sig,
        Filter=pikepdf.Name("/Adobe.PPKLite"),
        SubFilter=pikepdf.Name("/ETSI.CAdES.detached"),
        Contents=pikepdf.String(bytes(_ROOM)),
        ByteRange=pikepdf.Array([0, _WIDE, _WIDE, _WIDE]),
    )


def _with_room(pdf: bytes, field: str) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        value = _value()
        page = document.pages[0]
        widget = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Sig, T=field,
                Rect=[0, 0, 0, 0], F=132, P=page.obj, V=document.make_indirect(value),
            )
        )  # fmt: skip
        page.obj.Annots = pikepdf.Array([widget])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([widget]), SigFlags=3)
        out = io.BytesIO()
        document.save(out, linearize=True)
    return out.getvalue()


def _filled(pdf: bytes) -> bytes:
    gap = re.search(rb"/Contents <(0{%d})>" % (2 * _ROOM), pdf)
    first, start = gap.start(1) - 1, gap.end(1) + 1
    room = re.search(rb"/ByteRange \[[ \d]+\]", pdf)
    spans = b"/ByteRange [0 %d %d %d]" % (first, start, len(pdf) - start)
    pdf = pdf[: room.start()] + spans.ljust(len(room[0])) + pdf[room.end() :]
    digest = hashlib.sha256(pdf[:first] + pdf[start:]).digest()
    digits = _message(digest).hex().encode().ljust(2 * _ROOM, b"0")
    return pdf[: gap.start(1)] + digits + pdf[gap.end(1) :]


def _message(digest: bytes) -> bytes:
    registry = SimpleCertificateStore()
    registry.register(pki().root.certificate)
    signer = SimpleSigner(
        signing_cert=pki().signer.certificate, signing_key=pki().signer.key, cert_registry=registry
    )

    async def run() -> bytes:
        message = await signer.async_sign(digest, "sha256", use_pades=True)
        return message.dump()

    return asyncio.run(run())
