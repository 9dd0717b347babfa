"""What is void to a portal travels with every question about its files, on every path."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.preservation.doubts import Doubts, Known
from signing.clock import SystemClock
from signing.contract import ExistingSignature, VoidStamps
from signing.service import SigningService
from tests.gateway.documents.desk import LEADER, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import ALL_HANDED, ALL_REMOTE, RemoteDesk
from tests.support.files_only import FilesOnly
from tests.support.paper import plain_pdf
from tests.support.remote_paper import RemotePaper, desktop_signed

OURS, THEIRS = VoidStamps("a" * 64, None), VoidStamps("b" * 64, None)
EVERYWHERE = VoidStamps("c" * 64, None)
KNOWN = Known(
    {EVERYWHERE.certificate_sha256: EVERYWHERE},
    {
        TENANT: {OURS.certificate_sha256: OURS},
        "khac/test": {THEIRS.certificate_sha256: THEIRS, EVERYWHERE.certificate_sha256: None},
    },
)
HELD = (EVERYWHERE, OURS)


class Asked(RemotePaper):
    """Remembers what it was told to leave out."""

    def __init__(self):
        super().__init__()
        self.void = []
        self.found = ()  # signatures of files that are taken in

    async def inspect(self, pdf):
        return dataclasses.replace(await super().inspect(pdf), signatures=self.found)

    async def provability(self, pdf, void=()):
        self.void.append(void)
        return await super().provability(pdf, void)

    async def extend(self, pdf, level, void=()):
        self.void.append(void)
        return await super().extend(pdf, level, void)


@pytest.fixture
def asking(database, clock, tmp_path):
    """A desk by how its keys are used; it knows what is void, and to whom."""

    def make(uses):
        desk = RemoteDesk.make(database, clock, tmp_path, Asked(), uses)
        desk.kept.doubts.learnt(KNOWN)
        return desk

    return make


def test_a_portals_own_word_replaces_what_holds_everywhere():
    """Stricter, milder, or none; nobody else's."""
    doubts = Doubts()
    assert doubts.of(TENANT) == ()
    doubts.learnt(KNOWN)
    assert doubts.of(TENANT) == HELD
    assert doubts.of("khac/test") == (THEIRS,)
    assert doubts.of("mot-cua/test") == (EVERYWHERE,)


@on_sqlite
async def test_a_signed_file_that_is_taken_in(asking):
    """Reckoned at once."""
    desk = asking({})
    desk.paper.found = (ExistingSignature("desk1", "Nguyễn Văn Mẫu", covers_whole_file=True),)
    await desk.open(pdf=desktop_signed(plain_pdf(), "official-rsa"))
    assert desk.paper.void == [HELD]


@on_sqlite
async def test_a_document_that_is_signed_here_and_extended(asking):
    """By its official, then by whoever asks."""
    desk = asking({})
    request = await desk.open()
    await desk.sign(request)
    await desk.desk._keeping.prepare(TENANT, request.document_id, "B-LTA")
    assert set(desk.paper.void) <= {HELD, ()}  # paper asks itself while it extends
    assert desk.paper.void[:2] == [HELD, HELD]


@on_sqlite
async def test_a_document_that_is_confirmed_elsewhere(asking):
    """When the signature is embedded."""
    desk = asking(ALL_REMOTE)
    await desk.sign(await desk.open())
    desk.provider.confirm()
    await desk.later(minutes=1)
    assert desk.paper.void == [HELD]


@on_sqlite
async def test_a_document_that_comes_back_from_a_desk(asking):
    """When the file is taken."""
    desk = asking(ALL_HANDED)
    waiting = await desk.sign(await desk.open(), LEADER)
    upload = waiting.confirmation.hand_off.upload_url.split("/")[-2]
    brought = desktop_signed(plain_pdf(), "official-rsa")
    await desk.desk.confirmations._hand_off.upload(upload, brought)
    assert desk.paper.void == [HELD]


async def test_a_large_document_that_is_signed_here(sqlite, clock, tmp_path, running_pki):
    """Reckoned where it lies: by the authority's certificate, nothing but the signer is left."""
    config = running_pki.signer_config()
    service = SigningService(config, SystemClock())
    desk = RemoteDesk.make(sqlite, clock, tmp_path, FilesOnly(service), {}, large_from=100)
    asked = []
    reckon = service.provability_file

    async def look(path, void=()):
        asked.append(void)
        return await reckon(path, void)

    service.provability_file = look
    desk.kept.doubts.learnt(KNOWN)
    await desk.sign(await desk.open(level="B-B"))
    await service.close()
    assert asked == [HELD]
