"""What was signed before it is handed in, and is not whole any more, gets no further signature."""

from __future__ import annotations

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.documents.requests import NewRequest
from gateway.foundation.problems import Problem
from signing.contract import Level, Role, SignOrder
from tests.gateway.documents.desk import STEPS, TENANT, Desk
from tests.support.paper import plain_pdf


@pytest.fixture
async def desk(sqlite, clock, tmp_path, real_signatures):
    return Desk.make(sqlite, clock, tmp_path, real_signatures)


@pytest.fixture
async def signed(real_signatures):
    order = SignOrder(plain_pdf(), "official-rsa", Role.INVISIBLE, Level.B_B)
    return (await real_signatures.sign(order)).pdf


def changed(pdf):
    """The same file with one letter of its page's content another one."""
    place = pdf.index(b"stream") + 40
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


async def taken_in(desk, pdf):
    new = await desk.documents.take_in(TENANT, pdf, reference="H55-1", kind="ket-qua")
    return await desk.database.write(lambda c: desk.documents.save(c, new))


def blocking(document):
    return [(f.code, f.where) for f in document.findings if f.severity == "block"]


async def test_a_changed_signed_file_is_kept_and_never_signed(desk, signed):
    """It is stored as evidence of what was handed in; the finding names the signature and why."""
    document = await taken_in(desk, changed(signed))
    [(code, where)] = blocking(document)
    assert code == "broken_signature"
    assert document.signatures[0].field_name in where
    [told] = [f.detail for f in document.findings if f.code == code]
    assert "đã bị thay đổi" in told
    request = NewRequest(TENANT, document.id, list(STEPS[:1]))
    with pytest.raises(Problem) as refused:
        await desk.database.write(lambda c: desk.requests.open(c, request))
    assert refused.value.code == "document_blocked"


async def test_a_whole_signed_file_is_taken_in(desk, signed):
    assert blocking(await taken_in(desk, signed)) == []


async def test_what_follows_a_signature_must_be_allowed(desk, signed):
    """A page redrawn by an update after the signature: its hash holds, the file is refused."""
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"0 0 99 99 re f"))
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    assert [code for code, _ in blocking(await taken_in(desk, out.getvalue()))] == [
        "broken_signature"
    ]
