"""Documents written for the purpose: every kind of cross-reference, form and page tree."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import Reference
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.appearance.lane_pages import lane_pages
from signing.lane import NotForTheLane, open_plain, sign_in_lane
from signing.lane.document import open_document
from signing.lane.proof_data import read_store
from signing.pades.proof import prove
from tests.signing.lane import documents as doc

SIG_FIELD = b"<</FT/Sig/T(%s)/Type/Annot/Subtype/Widget/Rect[0 0 0 0]/P 3 0 R%s>>"


def page(annotations):
    return doc.objects()[3].replace(b"/Contents", b"/Annots %s/Contents" % annotations)


GOOD = {
    "classic": doc.classic(),
    "no end of line": doc.classic().rstrip(b"\n"),
    "packed": doc.packed(),
    "packed, no predictor": doc.packed(predictor=False),
    "packed, nothing inside but the catalog": doc.packed(inside=(1,)),
    "hybrid": doc.hybrid(),
    "updated": doc.updated(doc.classic(), 3, page(b"[]")),
    "annotations apart": doc.classic(doc.objects(o3=page(b"6 0 R"), o6=b"[ ]")),
    "annotations null": doc.classic(doc.objects(o3=page(b"6 0 R"), o6=b"null")),
    "annotations": doc.classic(
        doc.objects(o3=page(b"[6 0 R]"), o6=b"<</Type/Annot/Subtype/Text/Rect[9 9 29 29]>>")
    ),
    "form inside the catalog": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/DA(/F 9 Tf)>>>>")
    ),
    "form apart": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>", o6=b"<</Fields [ ]>>")
    ),
    "fields apart": doc.classic(
        doc.objects(
            o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>", o6=b"<</Fields 7 0 R>>", o7=b"[]"
        )
    ),
    "fields apart, form inside": doc.packed(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 6 0 R>>>>", o6=b"[]"),
        inside=(1, 2, 3, 6),
    ),
    "extensions apart": doc.classic(
        doc.objects(
            o1=b"<</Type/Catalog/Pages 2 0 R/Extensions 6 0 R>>",
            o6=b"<</ADBE<</BaseVersion/1.7/ExtensionLevel 3>>>>",
        )
    ),
    "old version": doc.classic().replace(b"%PDF-1.7", b"%PDF-1.3"),
    "version 2.0": doc.classic().replace(b"%PDF-1.7", b"%PDF-2.0"),
    "inherited from a deep tree": doc.classic(
        doc.objects(
            o2=b"<</Type/Pages/Kids[7 0 R]/Count 1/MediaBox[0 0 300 200]/Rotate 90>>",
            o7=b"<</Type/Pages/Parent 2 0 R/Kids 8 0 R/Count 1>>",
            o8=b"[3 0 R]",
            o3=b"<</Type/Page/Parent 7 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        )
    ),
    "an empty branch first": doc.classic(
        doc.objects(
            o2=b"<</Type/Pages/Kids[6 0 R 3 0 R]/Count 1>>",
            o6=b"<</Type/Pages/Parent 2 0 R/Kids[]/Count 0>>",
        )
    ),
    "odd names and strings": doc.classic(
        doc.objects(
            o1=b"<< /T#79pe /Catalog /Pages 2 0 R /A#2FB(un\\)balanced \\( (in) \\\\) % note >>\n"
            b"/#C3#A9 <</x [ (]) <5D> /y#20z ]>> >>"
        )
    ),
}

BAD = {
    "no pages": doc.classic(doc.objects(o2=b"<</Type/Pages/Kids[]/Count 0>>")),
    "a looping tree": doc.classic(doc.objects(o2=b"<</Type/Pages/Kids[2 0 R]/Count 1>>")),
    "annotations on a branch": doc.classic(
        doc.objects(o2=b"<</Type/Pages/Kids[3 0 R]/Count 1/Annots[]>>")
    ),
    "a page inside its parent": doc.classic(
        doc.objects(o2=b"<</Type/Pages/Kids[<</Type/Page>>]/Count 1>>")
    ),
    "XFA": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA(x)>>>>")
    ),
    "drawn by the viewer": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</NeedAppearances true>>>>")
    ),
    "a lock on fields of a field whose type stands apart": doc.classic(
        doc.objects(
            o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>",
            o6=b"<</FT 7 0 R/T(A)/Lock<</Action/All>>>>",
            o7=b"/S#69g",
        )
    ),
    "encrypted": doc.classic(trailer=b"/Encrypt<</Filter/Standard>>"),
    "a name given twice": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/P#61ges 2 0 R>>")
    ),
    "usage rights": doc.classic(
        doc.objects(o1=b"<</Type/Catalog/Pages 2 0 R/Perms<</UR3 6 0 R>>>>", o6=b"<<>>")
    ),
    "a lock on fields": doc.classic(
        doc.objects(
            o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>",
            o6=SIG_FIELD % (b"A", b"/Lock<</Action/All>>"),
        )
    ),
    "objects beyond the size": doc.classic().replace(b"/Size 6", b"/Size 5"),
    "something after the end": doc.classic() + b"more",
    "something before the header": b"\n" + doc.classic(),
    "cross-references that loop": doc.updated(doc.classic(), 3, page(b"[]"), previous=0),
    "a table of other objects": doc.classic()
    .replace(b"4 0 obj", b"9 0 obj")
    .replace(b"3 0 obj", b"8 0 obj"),
}


def certified(level):
    parts = doc.objects(
        o1=b"<</Type/Catalog/Pages 2 0 R/Perms<</DocMDP 7 0 R>>/AcroForm<</Fields[6 0 R]>>>>",
        o6=SIG_FIELD % (b"A", b"/V 7 0 R"),
        o7=b"<</Type/Sig/Reference[<</TransformMethod/DocMDP/TransformParams %s>>]>>" % level,
    )
    return doc.classic(parts)


@pytest.mark.oracle
@pytest.mark.parametrize("name", GOOD)
async def test_every_kind_is_signed_and_everybody_accepts(lane, everybody_accepts, name):
    before = GOOD[name]
    after, field = await lane.sign(before)
    prove(before, after, lane.certificate, 1)
    everybody_accepts(before, after, field, lane.root_pem)
    reader = PdfFileReader(io.BytesIO(after), strict=name != "hybrid")
    (signature,) = reader.embedded_signatures
    assert signature.field_name == "Invisible1"
    assert reader.root["/AcroForm"]["/SigFlags"] == 3
    widgets = reader.root["/Pages"]["/Kids"][-1]
    while "/Kids" in widgets:
        widgets = widgets["/Kids"][0]
    assert widgets["/Annots"][-1]["/T"] == "Invisible1"


@pytest.mark.parametrize("name", BAD)
async def test_what_is_not_plain_is_left_to_the_ordinary_path(lane, name):
    with pytest.raises(NotForTheLane):
        await lane.sign(BAD[name])


@pytest.mark.parametrize(
    ("level", "taken"), [(b"<</P 1>>", False), (b"<</P 2>>", True), (b"<</P 3>>", True)]
)
async def test_a_certification_that_forbids_all_changes_is_left(lane, level, taken):
    if taken:
        after, field = await lane.sign(certified(level))
        assert after.startswith(certified(level))
        assert field == "Invisible1"
    else:
        with pytest.raises(NotForTheLane, match="forbids"):
            await lane.sign(certified(level))


async def test_a_field_lock_of_a_signature_is_left(lane):
    locked = certified(b"<</P 2>>").replace(b"/TransformMethod/DocMDP", b"/TransformMethod/Field ")
    with pytest.raises(NotForTheLane):
        await lane.sign(locked)


async def test_nothing_is_signed_before_the_document_is_known_to_be_plain(lane):
    asked = []

    async def sign(data):
        asked.append(data)
        return b""

    act = replace(lane.act, signer=replace(lane.act.signer, sign=sign))
    for pdf in BAD.values():
        with pytest.raises(NotForTheLane):
            await sign_in_lane(pdf, act)
    assert not asked


@pytest.mark.parametrize("taken", [b"(Invisible1)", b"<496E76697369626C6531>", b"<FEFF0049>"])
async def test_a_name_that_is_taken_is_passed_over(lane, taken):
    parts = doc.objects(
        o1=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>",
        o6=b"<</FT/Tx/T %s/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P 3 0 R>>" % taken,
    )
    _, field = await lane.sign(doc.classic(parts))
    assert field == ("Invisible1" if b"0049" in taken else "Invisible2")


@pytest.mark.parametrize("name", ["classic", "packed", "hybrid", "updated"])
async def test_signing_again_and_again_stays_incremental(lane, everybody_accepts, name):
    pdf, fields = GOOD[name], []
    for _ in range(3):
        before = pdf
        pdf, field = await lane.sign(before)
        assert pdf.startswith(before)
        fields.append(field)
    assert fields == ["Invisible1", "Invisible2", "Invisible3"]
    reader = PdfFileReader(io.BytesIO(pdf), strict=False)
    assert len(reader.embedded_signatures) == 3
    everybody_accepts(before, pdf, fields[-1], lane.root_pem)


@pytest.mark.parametrize("name", ["classic", "packed", "hybrid"])
async def test_every_new_entry_points_at_its_object(lane, name):
    """Read back without the lane's reader: each number, offset and the trailer's size."""
    after, _ = await lane.sign(GOOD[name])
    appended = range(len(GOOD[name]), len(after))
    starts = {
        int(m[1]): m.start()
        for m in re.finditer(rb"(?m)^(\d+) 0 obj$", after)
        if m.start() in appended
    }
    reader = PdfFileReader(io.BytesIO(after), strict=False)
    assert int(reader.trailer["/Size"]) == max(starts) + 1
    for number, offset in starts.items():
        entry = reader.xrefs[Reference(number, 0)]
        assert entry == offset


DAMAGE = st.binary(max_size=8) | st.sampled_from([b"<<", b">>", b"[", b"(", b"9 0 R"])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_garbage_is_left_and_never_raises_anything_else(data):
    """Damage anywhere: a signature or NotForTheLane, nothing else."""
    pdf = bytearray(GOOD[data.draw(st.sampled_from(sorted(GOOD)))])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(pdf) - 1))
        pdf[at : at + data.draw(st.integers(0, 8))] = data.draw(DAMAGE)
    try:
        document = open_document(bytes(pdf))
        document.annotations(document.page(0))
        document.revision().trailer()
        read_store(document.file)
    except NotForTheLane:
        pass
    lane_pages(open_plain(bytes(pdf)))
