"""Files that are not held in memory: in, out and to a local path, on disk and elsewhere."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import aiohttp
import aiohttp.web
import pytest

from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from gateway.foundation.spools import Spool, Spooled
from gateway.foundation.uploads import read_upload
from gateway.foundation.web import Page, Reply
from tests.support.edge import make_edge, serve

CONTENT = os.urandom(3 * 2**20 + 17)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["disk", "elsewhere"])
def store(request, tmp_path, monkeypatch):
    """One store on the disk, one that has no folder; both with a threshold of 1 KiB."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return FileStore(str(tmp_path / "files") if request.param == "disk" else "memory:///", 1024)


async def kept(store, content=CONTENT):
    digest = hashlib.sha256(content).hexdigest()
    async with store.spool() as spool:
        path = await spool.new()
        path.write_bytes(content)
        await store.keep(path, digest)
        assert not path.exists()
    return digest


async def whole(file):
    return b"".join([piece async for piece in file.chunks])


async def test_a_finished_file_is_taken_over_and_given_out_in_pieces(store, tmp_path):
    """Found under its hash like any other; no temporary file stays."""
    assert await kept(store) == DIGEST
    file = await store.stream(DIGEST)
    assert file.size == len(CONTENT)
    assert await whole(file) == CONTENT
    assert await store.get(DIGEST) == CONTENT
    assert await store.get_small(DIGEST) is None
    small = await kept(store, b"small")
    assert await store.get_small(small) == b"small"
    async with store.local(DIGEST) as path:
        assert path.read_bytes() == CONTENT
    assert not list(tmp_path.rglob("work-*"))
    for ask in (store.stream, store.check, store.get_small):
        with pytest.raises(FileMissing):
            await ask("0" * 64)


async def test_damage_is_seen_before_the_last_piece(tmp_path):
    """A receiver never has the whole of a file that is not the right one."""
    store = FileStore(str(tmp_path), 1024)
    await kept(store)
    changed = bytearray(CONTENT)
    changed[5] ^= 1
    next(tmp_path.rglob(DIGEST)).write_bytes(changed)
    pieces = (await store.stream(DIGEST)).chunks
    got = len(await anext(pieces))
    with pytest.raises(FileDamaged):
        got += len(b"".join([piece async for piece in pieces]))
    assert 0 < got < len(CONTENT)
    with pytest.raises(FileDamaged):
        await store.check(DIGEST)
    with pytest.raises(FileDamaged):
        async with store.local(DIGEST):
            raise AssertionError("it was given out")


async def test_what_is_sent_elsewhere_must_be_what_the_hash_says():
    """A changed temporary file is not stored under a name it does not deserve."""
    store = FileStore("memory:///", 1024)
    async with store.spool() as spool:
        path = await spool.new()
        path.write_bytes(b"other")
        with pytest.raises(FileDamaged):
            await store.keep(path, DIGEST)
    with pytest.raises(FileMissing):
        await store.stream(DIGEST)


@pytest.mark.parametrize("size", [0, 1024, 1025, 3 * 2**20])
async def test_content_goes_to_a_file_only_when_it_is_large(tmp_path, size):
    """Hash and size are the same either way; the folder is gone afterwards."""
    content = CONTENT[:size]
    async with Spool(tmp_path, 1024) as spool:
        arriving = Spooled(spool)
        for start in range(0, size, 1000):
            await arriving.add(content[start : start + 1000])
        held = await arriving.finish()
        assert arriving.size == size
        assert arriving.sha256 == hashlib.sha256(content).digest()
        assert (held if arriving.file is None else arriving.file.read_bytes()) == content
        assert (arriving.file is None) == (size <= 1024)
    assert list(tmp_path.iterdir()) == []


def anonymous_mb():
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


async def test_an_upload_and_a_download_do_not_grow_with_the_file(sqlite, clock, tmp_path):
    """60 MB in and out of a page, sent and received in pieces by the same process."""
    store, before, seen = FileStore(str(tmp_path), 2**20), anonymous_mb(), []

    async def take(request):
        async with store.spool() as spool:
            upload = await read_upload(request, 64 * 2**20, spool=spool)
            seen.append(anonymous_mb())
            await store.keep(upload.file.path, upload.file.sha256)
        return aiohttp.web.json_response({"sha256": upload.sha256.hex()})

    async def give(request):
        file = await store.stream(request.query["sha256"])
        headers = {"Content-Type": "application/pdf", "Content-Length": str(file.size)}
        return Reply(pieces=file.chunks, headers=headers).response()

    async def content():
        head = 'Content-Disposition: form-data; name="file"; filename="a.pdf"'
        yield f"--x\r\n{head}\r\n\r\n".encode()
        for number in range(60):
            yield bytes([number]) * 2**20
        yield b"\r\n--x--\r\n"

    pages = [Page("POST", "/in", take, 2**27), Page("GET", "/out", give)]
    server = await serve(make_edge(sqlite, clock), pages)
    async with aiohttp.ClientSession() as session:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        async with session.post(server.make_url("/in"), data=content(), headers=kind) as response:
            digest = (await response.json())["sha256"]
        received = hashlib.sha256()
        async with session.get(server.make_url(f"/out?sha256={digest}")) as response:
            assert response.content_length == 60 * 2**20
            async for piece in response.content.iter_chunked(2**16):
                received.update(piece)
                seen.append(anonymous_mb())
        async with session.head(server.make_url(f"/out?sha256={digest}")) as response:
            assert response.content_length == 60 * 2**20
    await server.close()
    assert received.hexdigest() == digest
    assert max(seen) - before < 25, max(seen) - before


async def test_what_killed_processes_left_is_swept_after_a_day(tmp_path, clock):
    """Old folders of spools go; what is being written, files and other names stay."""
    store = FileStore(str(tmp_path), 1024)
    assert await store.sweep(clock.now()) == 0  # nothing was ever large
    now = clock.now().timestamp()
    left = {"work-old": 2 * 86400, "work-young": 3600, "work-busy": 2 * 86400, "other": 2 * 86400}
    for name, age in left.items():
        folder = tmp_path / "incoming" / name
        folder.mkdir(parents=True)
        (folder / "1").write_bytes(b"%PDF")
        os.utime(folder / "1", (now, now - (60 if name == "work-busy" else age)))
        os.utime(folder, (now, now - age))
    (tmp_path / "incoming" / "work-link").symlink_to(tmp_path / "incoming" / "other")
    assert await store.sweep(clock.now() - timedelta(days=1)) == 1
    there = sorted(one.name for one in (tmp_path / "incoming").iterdir())
    assert there == ["other", "work-busy", "work-link", "work-young"]
