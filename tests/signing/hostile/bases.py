"""Signed files that the mutators start from: every kind of cross-reference, much to change."""

from __future__ import annotations

from functools import cache

from pyhanko.sign.fields import MDPPerm

from tests.signing.lane import documents as doc
from tests.signing.validation.signing_kit import make_pdf, pki, rsa_key, sign

TEXT = b"BT /F 24 Tf 72 700 Td (Quyet dinh so 5) Tj ET /Bang Do"
FORM_XOBJECT = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F 5 0 R>>>>"
STAMP_BOX = (300, 100, 420, 160)


def rich_objects():
    """Two pages with a layer, a note, a filled field, a drawn form, an outline and a thread."""
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources "
        b"<</Font<</F 5 0 R>>/XObject<</Bang 9 0 R>>/Properties<</Lop 12 0 R>>>>%s>>"
    )
    return {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 10 0 R/Outlines 14 0 R/Threads[16 0 R]"
        b"/OCProperties 18 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>",
        3: page % (4, b"/Annots[8 0 R 11 0 R]/B[17 0 R]"),
        4: doc.stream(b"", TEXT + b" /OC /Lop BDC 0.9 g 60 500 200 20 re f EMC"),
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        6: page % (7, b""),
        7: doc.stream(b"", b"BT /F 24 Tf 72 700 Td (Phu luc kem theo) Tj ET"),
        8: b"<</Type/Annot/Subtype/Square/Rect[60 400 200 440]/F 4/AP<</N 13 0 R>>/OC 12 0 R>>",
        9: doc.stream(FORM_XOBJECT, b"BT /F 12 Tf 72 300 Td (Bang so 1) Tj ET"),
        10: b"<</Fields[11 0 R]/DA(/Helv 18 Tf 0 g)/DR<</Font<</Helv 5 0 R>>>>>>",
        11: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(SoTien)/V(100)/F 4/Rect[72 600 300 640]"
        b"/P 3 0 R/AP<</N 15 0 R>>>>",
        12: b"<</Type/OCG/Name(Lop)>>",
        13: doc.stream(b"/Type/XObject/Subtype/Form/BBox[0 0 140 40]", b"0 0 140 40 re S"),
        14: b"<</Type/Outlines/Count 0>>",
        15: doc.stream(
            b"/Type/XObject/Subtype/Form/BBox[0 0 228 40]/Resources<</Font<</F 5 0 R>>>>",
            b"BT /F 18 Tf 2 8 Td (100) Tj ET",
        ),
        16: b"<</Type/Thread/F 17 0 R>>",
        17: b"<</Type/Bead/T 16 0 R/N 17 0 R/V 17 0 R/P 3 0 R/R[60 60 200 200]>>",
        18: b"<</OCGs[12 0 R]/D 19 0 R>>",
        19: b"<</ON[12 0 R]/OFF[]/Order[12 0 R]>>",
    }


@cache
def unsigned():
    """Name → an unsigned file."""
    rich = rich_objects()
    return {
        "classic": doc.classic(rich),
        "packed": doc.packed(rich, inside=(1, 2, 3, 5, 6, 8, 10, 11, 12, 14, 16, 17, 18, 19)),
        "hybrid": doc.hybrid(),
        "small": make_pdf(),
        "updated": doc.updated(doc.classic(rich), 19, rich[19]),
    }


@cache
def signed():
    """Name → a file whose signatures our validation calls valid."""
    plain = unsigned()
    once = {name: sign(pdf, store=True) for name, pdf in plain.items()}
    seen = sign(plain["classic"], box=STAMP_BOX, store=True)
    return {
        **once,
        "seen": seen,
        "archived": sign(plain["packed"], box=STAMP_BOX, archive=True),
        "twice": sign(seen, field="Dau", entity=pki().agency, box=(430, 100, 550, 160), store=True),
        "certified": sign(plain["classic"], certify=MDPPerm.FILL_FORMS, store=True),
        "closed": sign(plain["classic"], certify=MDPPerm.NO_CHANGES, store=True),
    }


@cache
def rsa_signer():
    return pki().issue("Nguyễn Văn Er", key=rsa_key())
