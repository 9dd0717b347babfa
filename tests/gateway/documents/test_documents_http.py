"""Documents over HTTP with the product's own signing service: uploads good and bad, reading."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from xml.etree import ElementTree

import aiohttp
import pytest

from signing.devpki.authority import PASSWORD
from tests.gateway.documents.desk import CLERK, LEADER, SEAL, Desk
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf

VR = "{http://uri.etsi.org/19102/v1.2.1#}"


@pytest.fixture
async def world(sqlite, clock, tmp_path, real_signatures):
    desk = Desk.make(sqlite, clock, tmp_path, real_signatures)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield caller
    await server.close()


def form_of(pdf):
    data = aiohttp.FormData()
    content = io.BytesIO(pdf)  # aiohttp streams it, and does not repeat it in a failure's message
    data.add_field("file", content, filename="quyet-dinh.pdf", content_type="application/pdf")
    return data


def form(pdf, reference="H55-261102-0001", kind="ket-qua", **more):
    data = form_of(pdf)
    for name, value in {"reference": reference, "kind": kind, **more}.items():
        if value is not None:
            data.add_field(name, value)
    return data


async def upload(caller, pdf, **more):
    status, body, _ = await caller.post("/v1/documents", data=form(pdf), **more)
    assert status == 201, body
    return body


async def test_an_uploaded_document_is_inspected_and_given_back(world):
    """Hash, size, pages, version and findings are the file's own; bytes come back unchanged."""
    caller, pdf = await world(), plain_pdf(2)
    made = await upload(caller, pdf)
    assert made["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert (made["size"], made["pages"], made["revision"]) == (len(pdf), 2, 0)
    assert made["pdf_version"].startswith("1.")
    assert {f["severity"] for f in made["findings"]} <= {"info", "warn"}
    status, body, _ = await caller.get(f"/v1/documents/{made['id']}")
    assert (status, body) == (200, made)
    address = f"{caller.base}/v1/documents/{made['id']}/content"
    headers = {"Authorization": f"Bearer {caller.secret}"}
    async with caller.session.get(address, headers=headers) as response:
        assert response.content_type == "application/pdf"
        assert await response.read() == pdf


async def test_the_same_upload_twice_is_one_document(world):
    """Same key and file: the stored answer. Same key and another file: refused."""
    caller = await world()
    first = await upload(caller, plain_pdf(), key="k1")
    status, body, headers = await caller.post("/v1/documents", data=form(plain_pdf()), key="k1")
    assert (status, body["id"], headers["Idempotent-Replayed"]) == (201, first["id"], "true")
    status, body, _ = await caller.post("/v1/documents", data=form(plain_pdf(2)), key="k1")
    assert (status, body["code"]) == (422, "idempotency_key_reused")
    status, body, _ = await caller.post("/v1/documents", data=form(plain_pdf()), key=None)
    assert (status, body["code"]) == (400, "idempotency_key_required")


BAD_FILES = {
    "file_empty": b"",
    "file_not_pdf": b"PK\x03\x04 this is a spreadsheet",
    "file_encrypted": plain_pdf(password="khoa"),
    "file_truncated": plain_pdf(2)[:-200],
}


@pytest.mark.parametrize("code", BAD_FILES)
async def test_files_nobody_can_read_are_refused_with_their_findings(world, code):
    """Nothing is stored, the reason is Vietnamese, and the key may be used again."""
    caller = await world()
    status, body, _ = await caller.post("/v1/documents", data=form(BAD_FILES[code]), key="again")
    assert (status, body["code"]) == (422, code)
    assert body["detail"]
    assert body["findings"][0]["detail"]
    _, listed, _ = await caller.get("/v1/documents")
    assert listed == {"data": [], "has_more": False, "next": None}
    await upload(caller, plain_pdf(), key="again")


async def test_a_broken_file_is_kept_as_it_came_and_shown_repaired(world):
    """Revision 0 is the upload, revision 1 its repaired form; the finding tells of both."""
    caller, broken = await world(), plain_pdf().replace(b"/Count 1", b"/Count 3")
    made = await upload(caller, broken)
    came = hashlib.sha256(broken).hexdigest()
    assert (made["revision"], made["pages"], made["original_sha256"]) == (1, 1, came)
    (told,) = [f for f in made["findings"] if f["code"] == "repaired"]
    assert told["severity"] == "warn"
    assert came in told["detail"]
    assert "giống hệt" in told["detail"]
    headers = {"Authorization": f"Bearer {caller.secret}"}
    address = f"{caller.base}/v1/documents/{made['id']}/content"
    for query, digest in (("original", came), ("0", came), ("latest", made["sha256"])):
        async with caller.session.get(f"{address}?revision={query}", headers=headers) as response:
            assert hashlib.sha256(await response.read()).hexdigest() == digest
    assert made["sha256"] != came


async def test_sixty_megabytes_are_too_much(world):
    """Refused from the announced length, before the file has arrived."""
    caller = await world()
    big = b"%PDF-1.7\n" + bytes(60 * 1024 * 1024)
    status, body, _ = await caller.post("/v1/documents", data=form(big))
    assert (status, body["code"]) == (413, "body_too_large")
    assert "50 MiB" in body["detail"]


async def test_an_unannounced_length_is_counted_as_it_arrives(world):
    """Chunked transfer has no length to trust."""
    caller = await world()
    boundary, chunk = "grenze", bytes(1024 * 1024)

    async def stream():
        head = 'Content-Disposition: form-data; name="file"; filename="a.pdf"'
        yield f"--{boundary}\r\n{head}\r\n\r\n".encode()
        for _ in range(52):
            yield chunk

    status, body, _ = await caller.post(
        "/v1/documents",
        data=stream(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (status, body["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"reference": None}, ["/reference"]),
        ({"kind": "Kết quả!"}, ["/kind"]),
        ({"reference": "x" * 256, "kind": "A"}, ["/reference", "/kind"]),
        ({"extra": "x"}, ["/extra"]),
    ],
)
async def test_wrong_texts_beside_the_file_are_named(world, fields, pointers):
    """Every wrong part at once."""
    caller = await world()
    data = form(plain_pdf(), **fields)
    status, body, _ = await caller.post("/v1/documents", data=data)
    assert (status, [e["pointer"] for e in body["errors"]]) == (422, pointers)


async def test_json_is_not_an_upload(world):
    """The media type is part of the contract."""
    status, body, _ = await (await world()).post("/v1/documents", {"file": "x"})
    assert (status, body["code"]) == (415, "unsupported_media_type")


async def test_other_portals_and_other_modes_see_nothing(world):
    """Another tenant's id does not exist, for every way to ask."""
    mine = await upload(await world(), plain_pdf())
    for stranger in (await world(name="portal-khac"), await world(mode="live")):
        for tail in ("", "/content", "/evidence"):
            status, body, _ = await stranger.get(f"/v1/documents/{mine['id']}{tail}")
            assert (status, body["code"]) == (404, "not_found")
        asked = {"document_id": mine["id"], "steps": [{"role": "person", "signer": LEADER}]}
        status, _, _ = await stranger.post("/v1/signature-requests", asked)
        assert status == 404
        _, listed, _ = await stranger.get("/v1/documents")
        assert listed["data"] == []


async def test_scopes_are_asked_for(world):
    """Reading, writing and signing are three rights."""
    reader = await world(scopes=("documents:read",))
    status, body, _ = await reader.post("/v1/documents", data=form(plain_pdf()))
    assert (status, body["code"]) == (403, "missing_scope")
    writer = await world(scopes=("documents:write",))
    assert (await writer.get("/v1/documents"))[0] == 403
    path = "/v1/signature-requests/sig_x/sign"
    assert (await writer.post(path, {"pin": "1"}))[0] == 403
    assert (await writer.post(path.replace("sign", "reject", 1), {"reason": "x"}))[0] in (403, 404)


async def test_lists_turn_pages_and_filter(world):
    """Newest first; ``after`` continues; a wrong parameter is named."""
    caller = await world()
    made = [(await upload(caller, plain_pdf()))["id"] for _ in range(3)]
    _, first, _ = await caller.get("/v1/documents?limit=2")
    assert [d["id"] for d in first["data"]] == made[:0:-1]
    assert first["has_more"]
    _, rest, _ = await caller.get(f"/v1/documents?limit=2&after={first['next']}")
    assert ([d["id"] for d in rest["data"]], rest["has_more"]) == (made[:1], False)
    _, none, _ = await caller.get("/v1/documents?reference=khac")
    assert none["data"] == []
    status, body, _ = await caller.get("/v1/documents?limit=0&created_from=hom-qua&x=1")
    assert status == 422
    assert {e["pointer"] for e in body["errors"]} == {"/limit", "/created_from", "/x"}


async def test_a_request_goes_all_the_way_with_real_signatures(world):
    """Person, then agency with number and date; the file validates; the evidence adds up."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    asked = {
        "document_id": made["id"],
        "level": "B-LTA",
        "steps": [
            {"role": "person", "signer": LEADER, "title": "Chủ tịch",
             "placement": {"page": 1, "rect_mm": [120, 150, 50, 25]}},
            {"role": "agency", "signer": SEAL,
             "placement": {"page": 1, "rect_mm": [100, 150, 36, 36]}},
        ],
    }  # fmt: skip
    status, request, _ = await caller.post("/v1/signature-requests", asked)
    assert (status, request["status"], request["document_sha256"]) == (
        201, "waiting", made["sha256"],
    )  # fmt: skip
    path = f"/v1/signature-requests/{request['id']}"
    leader = await world(official=LEADER, scopes=("documents:sign",))
    clerk = await world(official=CLERK, scopes=("documents:sign",))
    status, body, _ = await clerk.post(f"{path}/sign", {})
    assert (status, body["code"]) == (403, "not_your_step")
    status, body, _ = await caller.post(f"{path}/sign", {})
    assert (status, body["code"]) == (403, "official_required")
    status, once, _ = await leader.post(f"{path}/sign", {"sha256": made["sha256"]}, key="ky")
    assert (status, once["status"], once["steps"][0]["signed_by"]) == (200, "waiting", LEADER)
    status, again, headers = await leader.post(f"{path}/sign", {"sha256": made["sha256"]}, key="ky")
    assert (status, again, headers["Idempotent-Replayed"]) == (200, once, "true")
    status, done, _ = await clerk.post(f"{path}/sign", {})
    assert (status, done["status"]) == (200, "signed")

    address = f"{caller.base}/v1/documents/{made['id']}"
    headers = {"Authorization": f"Bearer {caller.secret}"}
    async with caller.session.get(f"{address}/content", headers=headers) as response:
        signed = await response.read()
    assert signed.startswith(plain_pdf())
    status, verdict, _ = await caller.post("/v1/validations", data=form_of(signed))
    assert (status, verdict["verdict"]) == (200, "valid")
    signers = [s for s in verdict["signatures"] if s["level"] is not None]
    assert [s["signer"].split(" (")[0] for s in signers] == ["Nguyễn Văn Mẫu", "UBND phường Mẫu"]
    assert all(s["level"] == "B-LTA" and s["proven_time"] for s in signers)
    assert {s["time_status"] for s in signers} == {"proven"}
    assert {(s["trust"], s["trust_anchor_kind"]) for s in signers} == {("trusted", "own")}
    assert verdict["reason"] == "intact"
    report = await _report(caller, verdict["report_url"], signed)
    assert report.findtext(f".//{VR}MainIndication") == "urn:etsi:019102:mainindication:passed"
    assert len(report.findall(f"{VR}SignatureValidationReport")) == len(verdict["signatures"])
    async with caller.session.get(f"{address}/evidence", headers=headers) as response:
        bundle = zipfile.ZipFile(io.BytesIO(await response.read()))
    manifest = json.loads(bundle.read("manifest.json"))
    assert [r["sha256"] for r in manifest["revisions"]] == [
        made["sha256"], once["current_sha256"], hashlib.sha256(signed).hexdigest(),
    ]  # fmt: skip
    certificates = [bundle.read(n) for n in bundle.namelist() if n.endswith(".cer")]
    assert {hashlib.sha256(c).hexdigest() for c in certificates} == {
        s["certificate_sha256"] for s in signers
    }
    _, waiting, _ = await caller.get("/v1/signature-requests?status=signed")
    assert [r["id"] for r in waiting["data"]] == [request["id"]]
    assert (await caller.get("/v1/signature-requests?status=odd"))[0] == 422


async def test_a_signature_covers_text_only_when_the_portal_says_so(world):
    """Refused with the reason and the place; allowed in a new request."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    leader = await world(official=LEADER, scopes=("documents:sign",))
    over = {"page": 1, "rect_mm": [20, 40, 40, 20]}  # “Trang 1” stands there
    outcomes = []
    for placement in (over, {**over, "over_text": True}):
        step = {"role": "person", "signer": LEADER, "placement": placement}
        asked = {"document_id": made["id"], "level": "B-B", "steps": [step]}
        _, request, _ = await caller.post("/v1/signature-requests", asked)
        path = f"/v1/signature-requests/{request['id']}"
        status, body, _ = await leader.post(f"{path}/sign", {})
        outcomes.append((status, body.get("reason"), body.get("status")))
        await leader.post(f"{path}/reject", {"reason": "Đặt lại chỗ ký cho đúng."})
    assert outcomes[0][:2] == (422, "text_under_stamp")
    assert outcomes[1] == (200, None, "signed")


async def _report(caller, address, pdf):
    """The ETSI report about a file, parsed."""
    headers = {"Authorization": f"Bearer {caller.secret}"}
    async with caller.session.post(
        caller.base + address, data=form_of(pdf), headers=headers
    ) as response:
        assert response.status == 200
        assert response.content_type == "application/xml"
        return ElementTree.fromstring(await response.text())


async def test_a_report_of_another_kind_is_refused_and_listed_fields_are_taken(world):
    """``report`` knows one value; ``allowed_fields`` names fields, one a line."""
    caller = await world()
    address = "/v1/validations?report=pdf"
    status, body, _ = await caller.post(address, data=form_of(plain_pdf()))
    assert (status, body["errors"][0]["pointer"]) == (422, "/report")
    listed = form_of(plain_pdf())
    listed.add_field("allowed_fields", "SoTien\nGhiChu")
    status, body, _ = await caller.post("/v1/validations", data=listed)
    assert (status, body["reason"]) == (200, "no_signature")


@pytest.mark.parametrize("pdf", [b"", b"not a pdf", plain_pdf()], ids=["empty", "text", "unsigned"])
async def test_validating_bad_files_is_an_answer_not_an_error(world, pdf):
    """Nothing signed can be found in them, and the sentence says so."""
    status, body, _ = await (await world()).post("/v1/validations", data=form_of(pdf))
    assert status == 200
    assert body["verdict"] != "valid"
    assert body["summary"]
    assert body["signatures"] == []


async def test_a_wrong_pin_may_be_corrected_under_the_same_key(world):
    """The PIN is no part of what the key stands for, so it is not stored in any form."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    asked = {"document_id": made["id"], "level": "B-B",
             "steps": [{"role": "person", "signer": LEADER}]}  # fmt: skip
    _, request, _ = await caller.post("/v1/signature-requests", asked)
    leader = await world(official=LEADER)
    path = f"/v1/signature-requests/{request['id']}/sign"
    status, body, _ = await leader.post(path, {"pin": 12345}, key="k")
    assert (status, body["errors"][0]["pointer"]) == (422, "/pin")
    assert "12345" not in json.dumps(body)
    status, body, _ = await leader.post(path, {"pin": "sai-roi"}, key="k")
    assert (status, body["code"], body["reason"]) == (422, "credential_refused", "wrong_pin")
    status, first, _ = await leader.post(path, {"pin": PASSWORD}, key="k")
    assert (status, first["status"]) == (200, "signed")
    status, second, headers = await leader.post(path, {"pin": "khac"}, key="k")
    assert (status, second, headers["Idempotent-Replayed"]) == (200, first, "true")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"level": "B-X"}, "/level"),
        ({"level": "B-T", "steps": [{"role": "person", "signer": LEADER},
                                    {"role": "agency", "signer": SEAL}]}, "/level"),
        ({"steps": []}, "/steps"),
        ({"steps": [{"role": "person", "signer": "Nguyễn Văn A"}]}, "/steps/0/signer"),
        ({"steps": [{"role": "person", "signer": LEADER, "placement": {"page": 1}}]},
         "/steps/0/placement"),
        ({"deadline": "2026-11-02T10:00:00"}, "/deadline"),
        ({"document_number": {"number": 5.5, "symbol": "QĐ", "date": "2026-11-02"}},
         "/document_number/number"),
        ({"surprise": 1}, "/surprise"),
    ],
)  # fmt: skip
async def test_wrong_requests_are_named_field_by_field(world, change, pointer):
    """Pointers lead to the field, sentences say what is wanted."""
    caller = await world()
    asked = {"document_id": "doc_x", "steps": [{"role": "person", "signer": LEADER}], **change}
    status, body, _ = await caller.post("/v1/signature-requests", asked)
    assert status == 422
    assert pointer in [e["pointer"] for e in body["errors"]]
