"""A number that the printed page contradicts is refused before the leader signs anything."""

from __future__ import annotations

import os
import re

import aiohttp
import msgspec
import pytest

from gateway.documents.evidence import store as evidence_store
from signing.contract import DocumentNumber, DocumentRefused
from signing.processes.pool import SignerPool
from tests.gateway.documents.desk import CLERK, LEADER, SEAL, TENANT, Desk
from tests.signing.decision import decision
from tests.signing.processes.test_large_files import Watched
from tests.support.edge import make_edge, portal, serve

BASE = "/v1/signature-requests"
NUMBER = {"number": 5, "symbol": "QĐ-UBND", "date": "2026-11-02"}
STEPS = [{"role": "person", "signer": LEADER}, {"role": "agency", "signer": SEAL}]


@pytest.fixture
async def world(sqlite, clock, tmp_path, real_signatures):
    """A desk with the product's own signing service, over HTTP."""
    desk = Desk.make(sqlite, clock, tmp_path, real_signatures)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        yield desk, await portal(edge, server, session)
    await server.close()


def asked(document, number=NUMBER, steps=STEPS):
    return {"document_id": document.id, "steps": steps, "document_number": number}


@pytest.mark.parametrize(
    ("printed", "number", "code", "pointer"),
    [
        ({}, {"symbol": "TB-UBND"}, "symbol_already_written", "/document_number/symbol"),
        ({}, {"date": "2025-11-02"}, "year_already_written", "/document_number/date"),
        ({"number_gap": " 17 "}, {}, "number_already_written", "/document_number"),
    ],
)
async def test_what_the_clerk_could_not_finish_is_refused_when_asked_for(
    world, printed, number, code, pointer
):
    """In Vietnamese, at its place; nobody has signed, nothing waits, and the log knows."""
    desk, caller = world
    document = await desk.document(decision(**printed))
    status, body, _ = await caller.post(BASE, asked(document, {**NUMBER, **number}))
    assert (status, body["code"]) == (422, "validation_failed")
    (error,) = body["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert "in sẵn" in error["detail"] or "ghi sẵn" in error["detail"]
    assert (await caller.get(BASE))[1]["data"] == []
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 10))
    assert [msgspec.json.decode(row.content)["refused"]["code"] for row in rows] == [code]
    status, made, _ = await caller.post(BASE, asked(document, None, STEPS[:1]))
    assert status == 201, made  # nothing was held


async def test_a_number_that_fits_opens_and_a_repeat_answers_the_same(world):
    """Also when the clerk has acted meanwhile: the page then says that number already."""
    desk, caller = world
    document = await desk.document(decision())
    status, made, _ = await caller.post(BASE, asked(document), key="mot-lan")
    assert status == 201, made
    request = await desk.requests.get(TENANT, made["id"])
    await desk.sign(request, LEADER, "phat-trien")
    assert (await desk.sign(request, CLERK)).status == "signed"
    status, again, headers = await caller.post(BASE, asked(document), key="mot-lan")
    assert (status, again) == (201, made)
    assert headers["Idempotent-Replayed"] == "true"


async def test_a_large_document_is_looked_at_where_it_lies(world):
    """The same refusal at the same place; what fits opens, and nothing stays behind."""
    desk, caller = world
    fits, other = await desk.document(decision()), await desk.document(decision(number_gap=" 17 "))
    desk.files.large_from = 100
    status, body, _ = await caller.post(BASE, asked(other))
    assert (status, body["errors"][0]["code"]) == (422, "number_already_written")
    status, body, _ = await caller.post(BASE, asked(fits, {**NUMBER, "symbol": "TB-UBND"}))
    assert (status, body["errors"][0]["pointer"]) == (422, "/document_number/symbol")
    status, made, _ = await caller.post(BASE, asked(fits))
    assert status == 201, made


async def test_a_seal_alone_asks_for_no_number(world):
    """Where number and date are printed, the seal alone contradicts nothing."""
    desk, caller = world
    document = await desk.document(decision(number_gap=" 17 "))
    sealing = [STEPS[0], {**STEPS[1], "parts": ["seal"]}]
    status, made, _ = await caller.post(BASE, asked(document, NUMBER, sealing))
    assert status == 201, made


async def test_the_pool_asks_a_reader(running_pki):
    """The page is read where no key is."""
    async with SignerPool(running_pki.signer_config()) as pool:
        await pool.check_number(decision(), DocumentNumber(**NUMBER))
        wrong = DocumentNumber(5, "TB-UBND", "2026-11-02")
        with pytest.raises(DocumentRefused) as refused:
            await pool.check_number(decision(), wrong)
        assert refused.value.code == "symbol_already_written"
        assert pool.pids == ()


def write_large(path, pdf, megabytes):
    """The file with an unused stream of zeros appended, as a sparse file."""
    (size,) = re.findall(rb"/Size (\d+)", pdf)
    (root,) = re.findall(rb"/Root (\d+ 0 R)", pdf)
    (table,) = re.findall(rb"startxref\s+(\d+)", pdf)
    with path.open("wb") as file:
        file.write(pdf)
        start = file.tell()
        file.write(b"%s 0 obj\n<< /Length %d >>\nstream\n" % (size, megabytes << 20))
        file.seek(megabytes << 20, os.SEEK_CUR)
        file.write(b"\nendstream\nendobj\n")
        xref = file.tell()
        file.write(b"xref\n%s 1\n%010d 00000 n \ntrailer\n" % (size, start))
        file.write(b"<< /Size %d /Root %s /Prev %s >>\n" % (int(size) + 1, root, table))
        file.write(b"startxref\n%d\n%%%%EOF\n" % xref)


@pytest.mark.long
async def test_only_the_page_of_a_large_file_is_read(running_pki, tmp_path):
    """Its 200 MB are in nobody's memory, and no process with keys is asked."""
    small, large = tmp_path / "small.pdf", tmp_path / "large.pdf"
    write_large(small, decision(), 0)
    write_large(large, decision(), 200)
    async with SignerPool(running_pki.signer_config()) as pool:
        await pool.check_number_file(small, DocumentNumber(**NUMBER))  # libraries are loaded now
        with Watched(os.getpid(), *pool.reader_pids) as memory:
            await pool.check_number_file(large, DocumentNumber(**NUMBER))
            with pytest.raises(DocumentRefused) as refused:
                await pool.check_number_file(large, DocumentNumber(5, "TB-UBND", "2026-11-02"))
        assert pool.pids == ()
    assert refused.value.code == "symbol_already_written"
    assert max(memory.extra.values()) < 20, memory.extra
