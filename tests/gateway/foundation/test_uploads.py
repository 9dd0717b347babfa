"""Reading uploads: what comes through, and every envelope that is refused."""

from __future__ import annotations

import aiohttp
import aiohttp.web
import pytest

from gateway.foundation.uploads import read_upload
from gateway.foundation.web import Page
from tests.support.edge import make_edge, serve

BOUNDARY = "grenze"


@pytest.fixture
async def post(sqlite, clock):
    """Send a raw multipart body to a page that takes a file up to 1 KiB and two texts."""

    async def handle(request):
        upload = await read_upload(request, 1024, required=("reference",), optional=("note",))
        facts = {"size": len(upload.content), "name": upload.name, **upload.fields}
        return aiohttp.web.json_response({**facts, "digest": upload.digest.hex()})

    server = await serve(make_edge(sqlite, clock), [Page("POST", "/up", handle, max_body=2**20)])
    async with aiohttp.ClientSession() as session:

        async def send(*parts, end=f"--{BOUNDARY}--\r\n", kind="multipart/form-data"):
            body = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts) + end
            headers = {"Content-Type": f"{kind}; boundary={BOUNDARY}"}
            url = server.make_url("/up")
            async with session.post(url, data=body.encode(), headers=headers) as response:
                return response.status, await response.json(content_type=None)

        yield send
    await server.close()


def part(name, value, more=""):
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}'


FILE = part("file", "%PDF-", '; filename="a.pdf"')
REFERENCE = part("reference", "Ho\u0301a")


async def test_file_and_texts_come_through_in_nfc(post):
    """Vietnamese typed on some phones is decomposed; it is stored composed."""
    status, body = await post(FILE, REFERENCE)
    assert (status, body["size"], body["name"], body["reference"]) == (200, 5, "a.pdf", "Hóa")


async def test_the_digest_covers_file_and_texts_in_any_order(post):
    """Two requests are the same when what they say is the same."""
    note, other = part("note", "x"), part("note", "y")
    digests = [
        (await post(*parts))[1]["digest"]
        for parts in ([FILE, REFERENCE, note], [note, REFERENCE, FILE], [FILE, REFERENCE, other])
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([REFERENCE], 422, "validation_failed"),
        ([FILE], 422, "validation_failed"),
        ([FILE, FILE, REFERENCE], 422, "validation_failed"),
        ([FILE, REFERENCE, REFERENCE], 422, "validation_failed"),
        ([FILE, part("reference", " ")], 422, "validation_failed"),
        ([FILE, REFERENCE, part("surprise", "1")], 422, "validation_failed"),
        ([FILE, part("reference", "x" * 5000)], 413, "body_too_large"),
        ([part("file", "x" * 1025), REFERENCE], 413, "body_too_large"),
        (["Content-Type: text/plain\r\n\r\nnameless"], 400, "invalid_request"),
        (
            [part("file", "JVBERi0=", "\r\nContent-Transfer-Encoding: base64"), REFERENCE],
            415,
            "unsupported_media_type",
        ),
    ],
)
async def test_other_envelopes_are_refused(post, parts, status, code):
    """Missing, repeated, unknown, oversized, nameless and encoded parts."""
    answer, body = await post(*parts)
    assert (answer, body["code"]) == (status, code)


async def test_a_body_that_is_no_multipart_is_refused(post):
    """A wrong media type, and text that only claims to be multipart."""
    status, body = await post(FILE, kind="application/json")
    assert (status, body["code"]) == (415, "unsupported_media_type")
    status, body = await post(end="nothing of the kind")
    assert status in (400, 422)
    assert body["code"] in ("invalid_request", "validation_failed")


async def test_many_parts_are_no_way_around_the_limit(sqlite, clock):
    """A body without an announced length: its parts count together."""

    async def handle(request):
        await read_upload(request, 100 * 1024)
        return aiohttp.web.Response()

    file = part("file", "x" * 60_000, '; filename="a.pdf"')
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(1_000):
            body = f"--{BOUNDARY}\r\n{file}\r\n".encode()
            sent += len(body)
            yield body
        yield f"--{BOUNDARY}--\r\n".encode()

    server = await serve(make_edge(sqlite, clock), [Page("POST", "/up", handle, max_body=2**30)])
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.make_url("/up"), data=endless(), headers=headers) as response,
    ):
        assert response.status == 413
    await server.close()
    assert sent < 30_000_000


async def test_a_text_with_nul_is_refused_and_a_name_loses_it(post):
    assert (await post(FILE, part("reference", "a\x00b")))[0] == 400
    named = part("file", "%PDF-", "; filename*=utf-8''a%00b.pdf")
    status, body = await post(named, REFERENCE)
    assert (status, body["name"]) == (200, "ab.pdf")
