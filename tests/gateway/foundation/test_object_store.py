"""Documents in a store that speaks S3: in parts, in stretches, and what its faults are called."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os

import aiohttp
import pytest

from gateway.foundation import system
from gateway.foundation.files import (
    FileDamaged,
    FileMissing,
    FilesAddressWrong,
    FileStore,
    FilesUnavailable,
)
from gateway.foundation.metrics import Metrics
from gateway.foundation.web import Page, Reply
from tests.support.edge import make_edge, serve
from tests.support.object_store import BUCKET, ENVIRONMENT, ObjectStore

CONTENT = os.urandom(11 * 2**20 + 17)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


@pytest.fixture
async def elsewhere(tmp_path, monkeypatch):
    """A served store; the environment leads to it, temporary files stay in the test's folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    async with ObjectStore(tmp_path / "objects") as served:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": served.url}.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def store(elsewhere):
    return FileStore(f"s3://{BUCKET}/phuong-mau", 1024)


async def keep(store, content=CONTENT, digest=DIGEST):
    async with store.spool() as spool:
        path = await spool.new()
        path.write_bytes(content)
        await store.keep(path, digest)


async def test_a_large_file_goes_there_in_parts_and_comes_back_in_stretches(
    store, elsewhere, tmp_path
):
    """Nobody waits for one long answer, no temporary file and no unfinished upload stays."""
    await keep(store)
    assert elsewhere.objects() == {DIGEST: len(CONTENT)}
    assert elsewhere.parts == {}
    file = await store.stream(DIGEST)
    assert file.size == len(CONTENT)
    assert b"".join([piece async for piece in file.chunks]) == CONTENT
    assert elsewhere.answers == [8 * 2**20, 3 * 2**20 + 17]
    async with store.local(DIGEST) as path:
        assert path.read_bytes() == CONTENT
        assert list((tmp_path / "tmp").iterdir())
    assert list((tmp_path / "tmp").iterdir()) == []
    await store.check(DIGEST)


async def test_small_files_are_held(store):
    digest = await store.put(b"small")
    assert await store.put_once(b"small") == digest
    assert await store.get(digest) == b"small"
    assert await store.get_small(digest) == b"small"
    with pytest.raises(FileMissing):
        await store.get(OTHER)
    with pytest.raises(FileMissing):
        await store.stream(OTHER)


async def test_what_breaks_off_or_is_something_else_leaves_nothing(store, elsewhere, tmp_path):
    """Parts are withdrawn; what is not what its hash says is removed."""
    elsewhere.breaks_after = 1
    with pytest.raises(FilesUnavailable):
        await keep(store)
    for _ in range(100):  # the withdrawal is sent behind the refusal
        if not elsewhere.parts:
            break
        await asyncio.sleep(0.01)
    elsewhere.breaks_after = 0
    with pytest.raises(FileDamaged):
        await keep(store, b"something else")
    assert (elsewhere.parts, elsewhere.objects()) == ({}, {})
    assert list((tmp_path / "tmp").iterdir()) == []


async def test_damage_is_seen_before_the_last_piece(store, elsewhere):
    await keep(store)
    with next(elsewhere.folder.glob(f"*{DIGEST}")).open("r+b") as file:
        file.write(b"x")
    pieces = (await store.stream(DIGEST)).chunks
    got = len(await anext(pieces))
    with pytest.raises(FileDamaged):
        got += len(b"".join([piece async for piece in pieces]))
    assert 0 < got < len(CONTENT)


@pytest.mark.parametrize("refusal", ["AccessDenied", "NoSuchBucket"])
async def test_a_store_that_refuses_us_is_away_and_no_file_is_lost(store, elsewhere, refusal):
    """Nothing is known of a file: it is neither missing nor damaged."""
    await keep(store)
    elsewhere.refuses = refusal
    for ask in (store.get, store.get_small, store.stream, store.check):
        with pytest.raises(FilesUnavailable):
            await ask(DIGEST)
    for send in (store.put, store.put_once):
        with pytest.raises(FilesUnavailable):
            await send(b"more")
    with pytest.raises(FilesUnavailable):
        await keep(store)


async def test_a_portal_is_told_to_come_back_while_the_store_is_away(
    store, elsewhere, sqlite, clock
):
    """503 with Retry-After, as for a database that is away."""
    await keep(store)

    async def give(_request):
        return Reply(raw=await store.get(DIGEST)).response()

    elsewhere.refuses = "AccessDenied"
    server = await serve(make_edge(sqlite, clock), [Page("GET", "/v1/file", give)])
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/v1/file")) as answer,
    ):
        body = await answer.json(content_type=None)
    await server.close()
    assert (answer.status, body["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert elsewhere.url not in str(body)


async def test_readiness_shows_the_store_and_does_not_depend_on_it(store, elsewhere, clock):
    """Payments go on without documents; a folder of this machine is not asked."""
    pages = system.routes(clock, Metrics(), store.checks(), dict)
    (ready,) = [page.handler for page in pages if page.path == "/readyz"]
    for refusal, ok in (("", True), ("AccessDenied", False), ("NoSuchBucket", False)):
        elsewhere.refuses = refusal
        answer = await ready(None)
        assert answer.status == 200
        assert json.loads(answer.body)["checks"]["files"]["ok"] is ok
    assert FileStore(str(elsewhere.folder)).checks() == {}


@pytest.mark.parametrize("url", ["s4://somewhere/x", "s3://", "s3://not a name"])
def test_an_address_that_is_none_is_told(url):
    with pytest.raises(FilesAddressWrong):
        FileStore(url)
