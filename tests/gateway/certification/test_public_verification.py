"""The public page: what it tells, what it never tells, and files held against it."""

from __future__ import annotations

import io
import re

import aiohttp
import pytest

from gateway.foundation.ids import new_token
from gateway.foundation.limits import RateLimiter
from signing.contract import Verdict
from tests.gateway.certification.bureau import ORIGINAL, REQUESTER, TENANT, Bureau
from tests.support.edge import make_edge, serve
from tests.support.paper import plain_pdf, with_another_signature, with_archive_stamp

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
ORIGINAL_WORDS = (ORIGINAL["title"], ORIGINAL["issued_by"])


class Public:
    """A browser with no key."""

    def __init__(self, session, server):
        self._session = session
        self._base = str(server.make_url("")).rstrip("/")

    async def get(self, path, headers=JSON, **more):
        async with self._session.get(self._base + path, headers=headers, **more) as response:
            raw = await response.read()
            json = headers is JSON and response.content_type == "application/json"
            body = await response.json() if json else raw.decode()
            return response.status, body, response.headers

    async def check(self, path, pdf, headers=JSON):
        data = aiohttp.FormData()
        data.add_field("file", io.BytesIO(pdf), filename="x.pdf", content_type="application/pdf")
        async with self._session.post(self._base + path, data=data, headers=headers) as response:
            body = await response.json() if headers is JSON else await response.text()
            return response.status, body


@pytest.fixture
async def world(sqlite, clock, tmp_path, paper):
    bureau = Bureau.make(sqlite, clock, tmp_path, paper)
    server = await serve(make_edge(sqlite, clock), bureau.routes())
    async with aiohttp.ClientSession() as session:
        yield bureau, Public(session, server)
    await server.close()


async def issue(bureau):
    issued = await bureau.sign(await bureau.draft())
    pdf = await bureau.certifications.content(TENANT, issued.id)
    return issued, issued.verification_url.removeprefix("https://cong.example"), pdf


async def test_an_issued_copy_tells_the_registers_facts_and_nothing_personal(world):
    """Number, book, agency, signer, date, pages, hash; not the requester, not the paper."""
    bureau, public = world
    issued, path, _ = await issue(bureau)
    status, body, headers = await public.get(path)
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert (body["verdict"], body["number"], body["book"]) == ("valid", 1, "SCT/BS")
    assert (body["agency"], body["signer"]) == ("UBND phường Mẫu", "Nguyễn Văn Mẫu")
    assert (body["pages"], body["sha256"]) == (2, [issued.sha256])
    status, page, headers = await public.get(path, HTML)
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert headers["Cache-Control"] == "no-store"
    assert "Bản sao chứng thực điện tử này có hiệu lực" in page
    for secret in (REQUESTER, *ORIGINAL_WORDS, issued.id, issued.reference):
        assert secret not in page
        assert secret not in str(body)


async def test_unknown_malformed_and_draft_codes_look_the_same(world):
    """Same status, same words: nothing can be learned by trying."""
    bureau, public = world
    draft = await bureau.draft()
    hidden = await bureau.database.read(
        lambda c: c.exec_driver_sql("SELECT token FROM certifications").scalar_one()
    )
    codes = [new_token(), "x", "%27%20OR%201", "0" * 500, draft.id, hidden]
    answers = [await public.get(f"/v/{code}") for code in codes]
    assert {status for status, _, _ in answers} == {404}
    assert all(body == answers[0][1] for _, body, _ in answers)
    pages = [await public.get(f"/v/{code}", HTML) for code in codes]
    assert {status for status, _, _ in pages} == {404}
    # The language link leads to the page itself; nothing else may tell the codes apart.
    shown = {re.sub(r"/v/[^\"?]+", "/v/…", page) for _, page, _ in pages}
    assert len(shown) == 1
    assert "Không tìm thấy mã này" in shown.pop()
    status, body = await public.check(f"/v/{codes[0]}", plain_pdf())
    assert (status, body["verdict"]) == (404, "unknown")


async def test_a_code_may_be_typed_with_dashes_and_capitals(world):
    """The entry page sends people to their copy."""
    bureau, public = world
    _, path, _ = await issue(bureau)
    typed = "-".join(path[3:][i : i + 4] for i in range(0, 26, 4)).upper()
    status, _, headers = await public.get(f"/v?code={typed}", HTML, allow_redirects=False)
    assert (status, headers["Location"]) == (303, path)
    assert (await public.get(f"/v/{typed}"))[0] == 200
    status, page, _ = await public.get("/v", HTML)
    assert (status, 'name="code"' in page) == (200, True)


async def test_a_cancelled_copy_says_so_with_the_decision(world):
    """The signatures still hold; the copy does not."""
    bureau, public = world
    issued, path, pdf = await issue(bureau)
    await bureau.revoke(issued)
    status, body, _ = await public.get(path)
    assert (status, body["verdict"], body["checks"]["status"]) == (200, "revoked", "no")
    assert body["revocation"]["decision_number"] == "12/QĐ-UBND"
    assert "đã bị hủy bỏ giá trị pháp lý" in (await public.get(path, HTML))[1]
    _, checked = await public.check(path, pdf)
    assert (checked["verdict"], checked["file"]) == ("revoked", "ok")


async def test_files_are_compared_with_what_was_issued(world):
    """As issued, with an archive stamp, with one more signature, changed, and another file."""
    bureau, public = world
    _, path, pdf = await issue(bureau)
    changed = pdf.replace(b"Trang", b"Trong") if b"Trang" in pdf else pdf[:200] + b"x" + pdf[201:]
    files = {
        "ok": pdf,
        "newer": with_archive_stamp(pdf),
        "changed": changed,
    }
    for verdict, content in files.items():
        status, body = await public.check(path, content)
        assert (status, body["file"]) == (200, verdict)
    resigned = with_another_signature(pdf)
    assert (await public.check(path, resigned))[1]["file"] == "changed"
    assert (await public.check(path, pdf + b"\n%%EOF\n"))[1]["file"] == "changed"
    assert (await public.check(path, plain_pdf()))[1]["file"] == "changed"
    _, page = await public.check(path, pdf, HTML)
    assert "Tệp trùng khớp với bản đã phát hành" in page


async def test_files_that_are_no_pdf_or_too_large_are_told_apart(world):
    """A wrong file is not a false document."""
    bureau, public = world
    _, path, _ = await issue(bureau)
    for content in (b"", b"GIF89a"):
        status, body = await public.check(path, content)
        assert (status, body["problem"]) == (422, "not_pdf")
        assert "file" not in body
    status, page = await public.check(path, b"%PDF-1.7\n" + bytes(21 * 1024 * 1024), HTML)
    assert (status, "Tệp lớn hơn 20 MB" in page) == (413, True)


async def test_what_cannot_be_asked_is_open_never_false(world, paper):
    """Signers away: the register still speaks; an extended file stays unchecked."""
    bureau, public = world
    _, path, pdf = await issue(bureau)
    paper.available = False
    _, body, _ = await public.get(path)
    assert (body["verdict"], body["checks"]["person"]) == ("valid", "open")
    assert (await public.check(path, with_archive_stamp(pdf)))[1]["file"] == "unchecked"
    paper.available, paper.verdicts["agency"] = True, Verdict.INDETERMINATE
    _, body, _ = await public.get(path)
    assert (body["verdict"], body["checks"]["agency"]) == ("unclear", "open")


async def test_a_register_that_cannot_be_reached_accuses_nobody(world):
    """503 and a sentence that this is not a negative result."""
    bureau, public = world
    _, path, _ = await issue(bureau)
    await bureau.database.close()
    status, body, _ = await public.get(path)
    assert (status, body["verdict"]) == (503, "down")
    assert "không" in (await public.get(path, HTML))[1]


async def test_strangers_are_slowed_down(sqlite, clock, tmp_path, paper):
    """Guessing codes is limited by address."""
    bureau = Bureau.make(sqlite, clock, tmp_path, paper)
    routes = bureau.routes(RateLimiter(clock, None, 3))
    server = await serve(make_edge(sqlite, clock), routes)
    async with aiohttp.ClientSession() as session:
        public = Public(session, server)
        statuses = [(await public.get("/v/x"))[0] for _ in range(4)]
    assert statuses == [404, 404, 404, 429]
    await server.close()
