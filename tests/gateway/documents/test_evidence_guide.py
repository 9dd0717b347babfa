"""The guide in the evidence ZIP: every command it tells works, and tells what was changed."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import zipfile

import pytest

from gateway.documents.evidence import bundle as evidence_bundle
from gateway.documents.evidence.guide import NAME
from gateway.documents.evidence.pieces import sound
from signing.contract import SignaturePiece, SignedPieces
from tests.gateway.documents.desk import CLERK, LEADER, TENANT, Desk
from tests.signing import oracles
from tests.support.guide import commands_of

PIN = "phat-trien"
# where a name begins → which byte is changed: one that a signature or hash covers
TAMPERED = {
    "document/revision-02.pdf": 500,
    "signatures/01.p7s": 200,
    "signatures/01.value": 20,
    "timestamps/": -9,
    "ocsp/": 120,
    "crl/": 60,
    "certificates/": 400,
    "chain/roots.pem": 400,
}


@pytest.fixture
async def desk(sqlite, clock, tmp_path, real_signatures):
    return Desk.make(sqlite, clock, tmp_path, real_signatures)


async def issued(desk):
    """A document with a leader's signature and a clerk's act, at B-LTA."""
    document = await desk.document()
    request = await desk.open(document)
    await desk.sign(request, LEADER, PIN)
    await desk.sign(request, CLERK)
    return document


async def exported(desk, document):
    return await desk.documents.evidence(TENANT, document.id)


def unpacked(raw, folder):
    bundle = zipfile.ZipFile(io.BytesIO(raw))
    bundle.extractall(folder)
    return bundle.namelist(), (folder / NAME).read_text("utf-8")


def run(command, folder):
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, timeout=60, check=False
    )


def failing(folder, commands):
    return [command for command in commands if run(command, folder).returncode]


@pytest.mark.oracle
async def test_every_command_of_the_guide_holds_and_a_changed_file_fails_it(desk, tmp_path):
    """The whole ZIP of a B-LTA document with a clerk's act, by openssl alone."""
    oracles.need("openssl")
    folder = tmp_path / "zip"
    names, text = unpacked(await exported(desk, await issued(desk)), folder)
    commands = commands_of(text)
    words = ("cms -verify", "ts -verify", "openssl ocsp", "openssl crl", "openssl x509")
    for what in words:
        assert any(what in command for command in commands), what
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    kinds = [one["kind"] for one in manifest["signatures"]]
    assert kinds.count("signature") == 5  # the leader's, then number, day, month and seal
    assert "archive_timestamp" in kinds
    assert len([c for c in commands if "cms -verify" in c]) == 5
    assert all(one["timestamps"] for one in manifest["signatures"] if one["kind"] == "signature")
    told = [(c, run(c, folder)) for c in commands]
    assert [(c, done.stderr) for c, done in told if done.returncode] == []
    assert any(b": good" in done.stderr for _, done in told)
    for start, at in TAMPERED.items():
        path = folder / next(n for n in names if n.startswith(start) and not n.endswith(".cer"))
        kept = path.read_bytes()
        changed = bytearray(kept)
        changed[at] ^= 1
        path.write_bytes(changed)
        about = [c for c in commands if path.relative_to(folder).as_posix() in c]
        assert failing(folder, about), start
        path.write_bytes(kept)


@pytest.mark.long
async def test_the_same_state_is_the_same_bytes(desk, clock):
    """Asked for twice on one day, whatever the hour; what happens in between is seen."""
    document = await issued(desk)
    first = await exported(desk, document)
    clock.advance(3_600)
    assert await exported(desk, document) == first
    clock.advance(86_400)
    assert await exported(desk, document) != first  # the verdict is another day's


@pytest.mark.long
async def test_a_large_document_is_told_by_its_hash(desk, tmp_path, monkeypatch):
    """The commands are the same; the guide says where the file has to be put."""
    oracles.need("openssl")
    monkeypatch.setattr(evidence_bundle, "MOST_PDF", 100)
    document = await issued(desk)
    folder = tmp_path / "zip"
    names, text = unpacked(await exported(desk, document), folder)
    file = json.loads((folder / "manifest.json").read_text("utf-8"))["file"]
    assert file["included"] is False
    assert file["name"] not in names
    assert file["reason"]
    assert f"đặt vào {file['name']}" in text
    commands = commands_of(text)
    assert failing(folder, commands[:1])
    path = folder / file["name"]
    path.parent.mkdir()
    path.write_bytes(await desk.documents.contents.open(TENANT, document.id, "latest"))
    assert failing(folder, commands) == []


async def test_a_document_nobody_signed_has_a_guide_too(desk, tmp_path):
    """Only its hash can be compared."""
    oracles.need("openssl")
    document = await desk.document()
    _, text = unpacked(await exported(desk, document), tmp_path / "zip")
    assert "không có chữ ký số" in text
    commands = commands_of(text)
    assert len(commands) == 1
    assert failing(tmp_path / "zip", commands) == []


def test_nothing_a_reader_says_becomes_a_command():
    """A reader that a hostile file took over can name no hash, no place and no name of a shell."""

    def piece(**changes):
        plain = SignaturePiece("Chữ ký", False, ((0, 1),), "sha256", "ab" * 32, b"", b"")
        return dataclasses.replace(plain, **changes)

    wrong = (
        piece(digest="$(id)"), piece(digest_algorithm="sha256; id"), piece(spans=(("0; id", 1),)),
        piece(spans=()), piece(spans=((-1, 2),)),
    )  # fmt: skip
    kept = sound(SignedPieces((piece(), *wrong)))
    assert kept.signatures == (piece(),)
    assert len(kept.unreadable) == len(wrong)
