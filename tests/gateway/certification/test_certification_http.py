"""Certification over HTTP: the whole way with real signatures, then what portals do wrong."""

from __future__ import annotations

import hashlib

import aiohttp
import pytest

from signing.contract import Level, Role, SignOrder
from signing.devpki.authority import PASSWORD
from tests.gateway.certification.bureau import AGENCY, CERTIFIER, REQUESTER, TENANT, Bureau
from tests.support.edge import make_edge, portal, serve
from tests.support.files_only import FilesOnly
from tests.support.paper import plain_pdf


@pytest.fixture
async def open_bureau(clock, tmp_path):
    """Serve a bureau over a database and a signing service; gives (bureau, make a caller)."""
    opened = []

    async def open_(database, signatures):
        bureau = Bureau.make(database, clock, tmp_path, signatures)
        edge = make_edge(database, clock)
        server = await serve(edge, bureau.routes())
        session = aiohttp.ClientSession()
        opened.extend([session.close, server.close])

        async def caller(**more):
            return await portal(edge, server, session, **more)

        return bureau, caller

    yield open_
    for close in opened:
        await close()


async def asked_for(bureau, pdf=None, **changes):
    new = await bureau.documents.take_in(
        TENANT, pdf or plain_pdf(2), reference="H55-261102-0002", kind="ban-quet"
    )
    document = await bureau.database.write(lambda c: bureau.documents.save(c, new))
    return {
        "kind": "copy_from_original",
        "agency_code": AGENCY,
        "book": "SCT/BS",
        "document_id": document.id,
        "original": {"title": "Bằng tốt nghiệp", "issued_by": "Trường Mẫu", "pages": 2},
        "requester": {"name": REQUESTER},
        "certifier": CERTIFIER,
        "reference": "H55-261102-0002",
        **changes,
    }


async def fetch(caller, path, **headers):
    headers = {"Authorization": f"Bearer {caller.secret}", **headers}
    async with caller.session.get(caller.base + path, headers=headers) as response:
        return response.status, await response.read(), response.headers


@pytest.mark.long_on_postgresql
async def test_from_draft_to_public_page_with_real_signatures(
    open_bureau, database, real_signatures
):
    """Two B-LTA signatures over scan and attestation; the QR's address says it is valid."""
    bureau, caller = await open_bureau(database, real_signatures)
    await goes_all_the_way(bureau, caller, real_signatures)


async def test_a_large_scan_is_certified_as_a_file(open_bureau, sqlite, real_signatures, tmp_path):
    """The same, every file being large: no process is given one in memory, nothing is left over."""
    bureau, caller = await open_bureau(sqlite, FilesOnly(real_signatures))
    bureau.files.large_from = 100
    await goes_all_the_way(bureau, caller, real_signatures)
    assert list(tmp_path.rglob("incoming/*")) == []


async def goes_all_the_way(bureau, caller, real_signatures):
    clerk, certifier = await caller(), await caller(official=CERTIFIER)
    status, draft, _ = await clerk.post("/v1/certifications", await asked_for(bureau))
    assert (status, draft["status"], draft["number"]) == (201, "draft", None)
    path = f"/v1/certifications/{draft['id']}"
    assert (await fetch(clerk, f"{path}/content"))[0] == 404
    status, issued, _ = await certifier.post(f"{path}/sign", {"pin": "sai"}, key="k")
    assert (status, issued["code"]) == (422, "credential_refused")
    status, issued, _ = await certifier.post(f"{path}/sign", {"pin": PASSWORD}, key="k")
    assert (status, issued["status"], issued["number"], issued["pages"]) == (200, "issued", 1, 3)
    status, again, headers = await certifier.post(f"{path}/sign", {"pin": "x"}, key="k")
    assert (again, headers["Idempotent-Replayed"]) == (issued, "true")

    status, pdf, _ = await fetch(clerk, f"{path}/content")
    assert (status, hashlib.sha256(pdf).hexdigest()) == (200, issued["sha256"])
    assert pdf.startswith(plain_pdf(2))
    verdict = await real_signatures.validate(pdf)
    signers = [s for s in verdict.signatures if s.level is not None]
    assert (verdict.verdict, len(signers)) == ("valid", 2)
    assert {s.level for s in signers} == {"B-LTA"}

    token = issued["verification_url"].removeprefix("https://cong.example/v/")
    status, said, _ = await fetch(clerk, f"/v/{token}", Accept="application/json")
    assert status == 200
    assert said == said.replace(REQUESTER.encode(), b"")
    document = (await clerk.get(f"/v/{token}", headers={"Accept": "application/json"}))[1]
    assert document["verdict"] == "valid"
    assert document["checks"] == dict.fromkeys(
        ("register", "status", "person", "agency", "timestamp"), "yes"
    )
    data = aiohttp.FormData()
    data.add_field("file", pdf, filename="ban-sao.pdf", content_type="application/pdf")
    status, checked, _ = await clerk.post(
        f"/v/{token}", data=data, headers={"Accept": "application/json"}
    )
    assert (status, checked["file"]) == (200, "ok")


@pytest.fixture
async def world(open_bureau, sqlite, paper):
    return await open_bureau(sqlite, paper)


async def issue(bureau, caller):
    clerk, certifier = await caller(), await caller(official=CERTIFIER)
    _, draft, _ = await clerk.post("/v1/certifications", await asked_for(bureau))
    status, issued, _ = await certifier.post(f"/v1/certifications/{draft['id']}/sign", {})
    assert status == 200, issued
    return clerk, issued


async def test_a_copy_is_cancelled_by_decision(world):
    """The answer tells the decision; a second cancelling is refused; replays are the same."""
    clerk, issued = await issue(*world)
    path = f"/v1/certifications/{issued['id']}/revoke"
    asked = {"decision_number": "12/QĐ-UBND", "reason": "Bản chính đã bị sửa chữa"}
    status, ended, _ = await clerk.post(path, asked, key="k")
    assert (status, ended["status"]) == (200, "revoked")
    assert ended["revocation"]["decision_number"] == "12/QĐ-UBND"
    assert (await clerk.post(path, asked, key="k"))[1] == ended
    status, body, _ = await clerk.post(path, asked)
    assert (status, body["code"]) == (409, "certification_closed")
    status, body, _ = await clerk.post(path, {"decision_number": "", "reason": "ngắn"})
    assert {e["pointer"] for e in body["errors"]} == {"/decision_number", "/reason"}


async def test_the_register_reads_as_json_and_as_a_spreadsheet(world):
    """Both spellings of the book; no cell is ever a formula."""
    bureau, caller = world
    clerk, certifier = await caller(), await caller(official=CERTIFIER)
    asked = await asked_for(bureau, requester={"name": "=HYPERLINK(1)"})
    _, draft, _ = await clerk.post("/v1/certifications", asked)
    await certifier.post(f"/v1/certifications/{draft['id']}/sign", {})
    for book in ("SCT-BS", "SCT%2FBS"):
        status, register, _ = await clerk.get(f"/v1/registers/{AGENCY}/{book}/2026")
        assert (status, register["book"], register["last"]) == (200, "SCT/BS", 1)
        assert register["entries"][0]["certification_id"] == draft["id"]
    status, raw, headers = await fetch(clerk, f"/v1/registers/{AGENCY}/SCT-BS/2026?format=csv")
    assert headers["Content-Type"].startswith("text/csv")
    lines = raw.decode("utf-8-sig").splitlines()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert lines[1].startswith("01,01/2026,2026-11-02T09:00:00+07:00,'=HYPERLINK(1),")
    _, empty, _ = await clerk.get(f"/v1/registers/{AGENCY}/SCT-BS/2025")
    assert (empty["last"], empty["entries"]) == (0, [])
    assert (await clerk.get(f"/v1/registers/{AGENCY}/SCT-BS/nam"))[0] == 404


async def test_other_portals_see_and_change_nothing(world):
    """Another tenant's id does not exist, for every way to ask."""
    bureau, caller = world
    _, issued = await issue(bureau, caller)
    for more in ({"name": "portal-khac"}, {"mode": "live"}):
        stranger = await caller(official=CERTIFIER, **more)
        path = f"/v1/certifications/{issued['id']}"
        revoke = {"decision_number": "1", "reason": "Không có lý do gì"}
        answers = [
            await stranger.get(path),
            await stranger.get(f"{path}/content"),
            await stranger.post(f"{path}/sign", {}),
            await stranger.post(f"{path}/revoke", revoke),
        ]
        assert {(status, body["code"]) for status, body, _ in answers} == {(404, "not_found")}
        assert (await stranger.get("/v1/certifications"))[1]["data"] == []
        asked = await asked_for(bureau)
        assert (await stranger.post("/v1/certifications", asked))[0] == 404


async def test_scopes_and_the_right_person_are_asked_for(world):
    """Writing is not signing, and signing is personal."""
    bureau, caller = world
    reader = await caller(scopes=("certifications:read",))
    asked = await asked_for(bureau)
    assert (await reader.post("/v1/certifications", asked))[1]["code"] == "missing_scope"
    writer = await caller(scopes=("certifications:write",))
    _, draft, _ = await writer.post("/v1/certifications", asked)
    path = f"/v1/certifications/{draft['id']}/sign"
    assert (await writer.post(path, {}))[1]["code"] == "missing_scope"
    signer = await caller(scopes=("documents:sign",))
    assert (await signer.post(path, {}))[1]["code"] == "official_required"
    other = await caller(official="official:tran.thi.b")
    assert (await other.post(path, {}))[1]["code"] == "not_your_certification"
    assert await bureau.numbers() == []


async def test_drafts_are_made_once_and_listed(world):
    """The same key twice is one draft; filters are equalities."""
    bureau, caller = world
    clerk, asked = await caller(), await asked_for(bureau)
    _, first, _ = await clerk.post("/v1/certifications", asked, key="k")
    _, again, headers = await clerk.post("/v1/certifications", asked, key="k")
    assert (again, headers["Idempotent-Replayed"]) == (first, "true")
    _, listed, _ = await clerk.get("/v1/certifications?status=draft&reference=H55-261102-0002")
    assert [c["id"] for c in listed["data"]] == [first["id"]]
    assert (await clerk.get("/v1/certifications?status=issued"))[1]["data"] == []


async def test_a_signed_file_is_not_a_scan_of_an_original(open_bureau, sqlite, real_signatures):
    """Appending the attestation would break its signature, so it is refused at once."""
    bureau, caller = await open_bureau(sqlite, real_signatures)
    order = SignOrder(plain_pdf(), "agency", Role.INVISIBLE, Level.B_B)
    signed = await real_signatures.sign(order)
    clerk = await caller()
    status, body, _ = await clerk.post("/v1/certifications", await asked_for(bureau, signed.pdf))
    assert (status, body["code"]) == (409, "source_signed")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "signature"}, "/kind"),
        ({"book": "Sổ 1"}, "/book"),
        ({"copies": 0}, "/copies"),
        ({"original": {"title": "x", "issued_by": "y", "pages": 1.5}}, "/original/pages"),
        ({"requester": {"name": ""}}, "/requester/name"),
        ({"certifier": "official:nobody"}, "/certifier"),
        ({"agency_code": "H99"}, "/agency_code"),
        ({"number": 5}, "/number"),
    ],
)
async def test_wrong_drafts_are_named_field_by_field(world, change, pointer):
    """Nobody may choose a number, and nothing is guessed."""
    bureau, caller = world
    clerk = await caller()
    status, body, _ = await clerk.post("/v1/certifications", await asked_for(bureau, **change))
    assert status == 422
    assert pointer in [e["pointer"] for e in body["errors"]]
