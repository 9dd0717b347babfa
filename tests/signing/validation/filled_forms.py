"""A form with one text field, and filling it in the way form software does: value and picture."""

from __future__ import annotations

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

EMPTY_FIELD = {
    "catalog": "/AcroForm << /Fields [6 0 R] /DA (/Helv 18 Tf 0 g) "
    "/DR << /Font << /Helv 5 0 R >> >> >>",
    "page": "/Annots [6 0 R]",
    "extra": "6 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Tx /T (SoTien) /F 4 "
    "/Rect [72 600 300 640] /P 3 0 R >>\nendobj%%next\n"
    "7 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj",
}


def fill_in_with_picture(writer):
    """An amount, as its value says it, underlined."""
    field = writer.root["/AcroForm"]["/Fields"][0]
    kind = {"/Type": "/XObject", "/Subtype": "/Form"}
    drawn = generic.StreamObject(
        {pdf_name(key): pdf_name(name) for key, name in kind.items()},
        stream_data=b"BT /Helv 24 Tf 2 10 Td (100) Tj ET 0 0 0 rg 20 2 150 5 re f",
    )
    fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
    font = generic.DictionaryObject({pdf_name("/Helv"): fonts.raw_get("/Helv")})
    drawn[pdf_name("/Resources")] = generic.DictionaryObject({pdf_name("/Font"): font})
    box = generic.ArrayObject(map(generic.NumberObject, (0, 0, 228, 40)))
    drawn[pdf_name("/BBox")] = box
    field[pdf_name("/V")] = generic.pdf_string("100")
    appearance = {pdf_name("/N"): writer.add_object(drawn)}
    field[pdf_name("/AP")] = generic.DictionaryObject(appearance)
    writer.update_container(field)
