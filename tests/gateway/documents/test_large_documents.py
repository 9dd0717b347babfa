"""Large documents over HTTP with real signatures, every document being large: files all the way."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import aiohttp
import pytest

from gateway.preservation.kept import Proof
from gateway.preservation.stored_files import extend_stored
from signing.contract import Level, SigningUnavailable
from tests.gateway.documents.desk import CLERK, LEADER, SEAL, Desk
from tests.gateway.documents.test_documents_http import BAD_FILES, form, form_of, upload
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf

STEPS = [
    {"role": "person", "signer": LEADER, "title": "Chủ tịch",
     "placement": {"page": 1, "rect_mm": [120, 150, 50, 25]}},
    {"role": "agency", "signer": SEAL, "placement": {"page": 1, "rect_mm": [100, 150, 36, 36]}},
]  # fmt: skip


class FilesOnly:
    """The signing service, deaf to documents in memory."""

    def __init__(self, signatures):
        self._signatures = signatures

    def __getattr__(self, name):
        if name in ("inspect", "sign", "validate", "provability", "extend"):
            raise AssertionError(f"{name} was given a document in memory")
        return getattr(self._signatures, name)


@pytest.fixture
def desk(sqlite, clock, tmp_path, real_signatures):
    desk = Desk.make(sqlite, clock, tmp_path, FilesOnly(real_signatures))
    desk.files.large_from = 100
    return desk


@pytest.fixture
async def world(desk, sqlite, clock):
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield caller
    await server.close()


def left_over(tmp_path):
    return list(tmp_path.rglob("incoming/*"))


async def fetch(caller, path):
    headers = {"Authorization": f"Bearer {caller.secret}"}
    async with caller.session.get(caller.base + path, headers=headers) as response:
        return response, await response.read()


async def test_a_large_document_goes_all_the_way_as_a_file(world, desk, tmp_path):
    """Uploaded, signed by a person, checked, sealed, given out: never as bytes in memory."""
    caller, pdf = await world(), plain_pdf(2)
    made = await upload(caller, pdf)
    assert (made["sha256"], made["pages"]) == (hashlib.sha256(pdf).hexdigest(), 2)
    asked = {"document_id": made["id"], "level": "B-LTA", "steps": STEPS}
    _, request, _ = await caller.post("/v1/signature-requests", asked)
    for official in (LEADER, CLERK):
        signer = await world(official=official, scopes=("documents:sign",))
        status, body, _ = await signer.post(f"/v1/signature-requests/{request['id']}/sign", {})
        assert status == 200, body
    assert body["status"] == "signed"

    address = f"/v1/documents/{made['id']}"
    response, signed = await fetch(caller, f"{address}/content")
    assert signed.startswith(pdf)
    assert response.content_length == len(signed)
    assert response.headers["Content-Type"] == "application/pdf"
    _, shown, _ = await caller.get(address)
    assert (shown["sha256"], shown["size"]) == (hashlib.sha256(signed).hexdigest(), len(signed))
    assert shown["revision"] == 2
    assert (await fetch(caller, f"{address}/content?revision=original"))[1] == pdf
    _, verdict, _ = await caller.post("/v1/validations", data=form_of(signed))
    assert (verdict["verdict"], verdict["sha256"]) == ("valid", shown["sha256"])
    response, bundle = await fetch(caller, f"{address}/evidence")
    assert (response.status, bundle[:2]) == (200, b"PK")
    assert (await desk.audit()).first_break is None
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("code", [c for c in BAD_FILES if c != "file_empty"])
async def test_large_files_nobody_can_read_are_refused_and_not_kept(world, desk, tmp_path, code):
    """The same codes as for small ones."""
    desk.files.large_from = 5
    caller = await world()
    status, body, _ = await caller.post("/v1/documents", data=form(BAD_FILES[code]))
    assert (status, body["code"]) == (422, code)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "files" in path.parts] == []


async def test_the_same_large_upload_twice_is_one_document(world, tmp_path):
    """The fingerprint is of the file's bytes; nothing of the second one stays."""
    caller = await world()
    first = await upload(caller, plain_pdf(), key="k1")
    status, body, headers = await caller.post("/v1/documents", data=form(plain_pdf()), key="k1")
    assert (status, body["id"], headers["Idempotent-Replayed"]) == (201, first["id"], "true")
    status, body, _ = await caller.post("/v1/documents", data=form(plain_pdf(2)), key="k1")
    assert (status, body["code"]) == (422, "idempotency_key_reused")
    assert left_over(tmp_path) == []


async def test_a_large_file_beyond_the_limit_is_refused_while_it_arrives(
    desk, sqlite, clock, tmp_path
):
    """Nothing of it stays on the disk."""
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes(upload_limit=1000))
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)

        async def stream():
            head = 'Content-Disposition: form-data; name="file"; filename="a.pdf"'
            yield f"--x\r\n{head}\r\n\r\n".encode()
            for _ in range(40):
                yield bytes(100)

        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        status, body, _ = await caller.post("/v1/documents", data=stream(), headers=kind)
    await server.close()
    assert (status, body["code"]) == (413, "body_too_large")
    assert left_over(tmp_path) == []


async def test_a_refused_large_signing_leaves_the_step_to_be_signed_again(
    world, desk, tmp_path, monkeypatch
):
    """The reason reaches the caller; neither a revision nor a temporary file is left."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    asked = {"document_id": made["id"], "level": "B-B", "steps": STEPS[:1]}
    _, request, _ = await caller.post("/v1/signature-requests", asked)
    leader = await world(official=LEADER, scopes=("documents:sign",))

    async def lost(order, source, target):
        target.write_bytes(b"half")
        raise SigningUnavailable("signer_died", "Tiến trình ký số dừng đột ngột.", "lost")

    path = f"/v1/signature-requests/{request['id']}/sign"
    with monkeypatch.context() as patched:
        patched.setattr(desk.acts._large._signatures, "sign_file", lost, raising=False)
        status, body, _ = await leader.post(path, {})
    assert (status, body["reason"]) == (503, "signer_died")
    assert left_over(tmp_path) == []
    status, body, _ = await leader.post(path, {})
    assert (status, body["status"]) == (200, "signed")


# ------------------------------------------------------------------ kept provable


async def signed_at(world, level):
    """A document with one signature at a level, and its caller."""
    caller = await world()
    made = await upload(caller, plain_pdf())
    asked = {"document_id": made["id"], "level": level, "steps": STEPS[:1]}
    _, request, _ = await caller.post("/v1/signature-requests", asked)
    leader = await world(official=LEADER, scopes=("documents:sign",))
    status, body, _ = await leader.post(f"/v1/signature-requests/{request['id']}/sign", {})
    assert (status, body["status"]) == (200, "signed")
    return caller, made["id"]


async def test_a_large_document_is_raised_and_renewed_as_a_file(world, desk, tmp_path):
    """Asked for over HTTP: two more revisions, each valid, nothing but files on the way."""
    caller, document_id = await signed_at(world, "B-B")
    address = f"/v1/documents/{document_id}"
    _, before = await fetch(caller, f"{address}/content")
    for revision in (2, 3):
        status, shown, _ = await caller.post(f"{address}/extend", {"level": "B-LTA"})
        assert (status, shown["level"], shown["revision"]) == (200, "B-LTA", revision), shown
        _, after = await fetch(caller, f"{address}/content")
        assert after.startswith(before)
        assert len(after) > len(before)
        assert (shown["sha256"], shown["size"]) == (hashlib.sha256(after).hexdigest(), len(after))
        before = after
    assert (await desk.audit()).first_break is None
    assert left_over(tmp_path) == []


async def test_a_large_extension_that_fails_leaves_the_document_as_it_was(
    world, desk, tmp_path, monkeypatch
):
    """No revision, no file beside the store; the next try works."""
    caller, document_id = await signed_at(world, "B-T")
    address = f"/v1/documents/{document_id}"

    async def lost(source, target, level, void=()):
        target.write_bytes(b"half")
        raise SigningUnavailable("signer_died", "Tiến trình ký số dừng đột ngột.", "lost")

    with monkeypatch.context() as patched:
        patched.setattr(desk.signatures, "extend_file", lost, raising=False)
        status, body, _ = await caller.post(f"{address}/extend", {"level": "B-LTA"})
    assert (status, body["reason"]) == (503, "signer_died")
    assert left_over(tmp_path) == []
    status, shown, _ = await caller.post(f"{address}/extend", {"level": "B-LTA"})
    assert (status, shown["level"], shown["revision"]) == (200, "B-LTA", 2)


async def test_a_renewal_that_gains_nothing_is_not_stored(world, desk, tmp_path):
    """The queue's kind of extension, refused once the longer file is known: it is thrown away."""
    caller, document_id = await signed_at(world, "B-LTA")
    _, shown, _ = await caller.get(f"/v1/documents/{document_id}")
    stored = {path for path in (tmp_path / "files").rglob("*") if path.is_file()}
    end = Proof(datetime(2100, 1, 1, tzinfo=UTC), "timestamp_certificate")
    with pytest.raises(SigningUnavailable) as refused:
        await extend_stored(
            desk.files, desk.signatures, shown["sha256"], Level.B_LTA, void=(), beyond=end
        )
    assert refused.value.code == "renewal_no_gain"
    assert {path for path in (tmp_path / "files").rglob("*") if path.is_file()} == stored
