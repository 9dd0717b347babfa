"""Large documents signed by keys confirmed elsewhere: every document being large, files only."""

from __future__ import annotations

import dataclasses
import hashlib

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.documents.confirmations.act_store import Stage
from signing.clock import SystemClock
from signing.contract import KeyConfig, Level
from signing.devpki.smartca_simulator import SmartCaSimulator
from signing.devpki.vgca_desktop import VgcaDesktop
from signing.service import SigningService
from tests.gateway.documents.desk import LEADER, TENANT
from tests.gateway.documents.elsewhere import ALL_HANDED, REMOTE, RemoteDesk
from tests.gateway.documents.test_large_documents import left_over
from tests.support.edge import make_edge, portal, serve
from tests.support.files_only import FilesOnly
from tests.support.paper import plain_pdf

LARGE_FROM = 100


@pytest.fixture
async def make_desk(sqlite, clock, tmp_path, running_pki):
    """Desks over the signing service with one key."""
    services = []

    def make(key, uses):
        config = dataclasses.replace(
            running_pki.signer_config(), keys=(key,), state_secrets=(b"s" * 32,)
        )
        services.append(SigningService(config, SystemClock()))
        signatures = FilesOnly(services[-1])
        return RemoteDesk.make(sqlite, clock, tmp_path, signatures, uses, large_from=LARGE_FROM)

    yield make
    for service in services:
        await service.close()


async def read(desk, sha256):
    async with desk.files.local(sha256) as path:
        return path.read_bytes()


@pytest.mark.long
@pytest.mark.parametrize("level", ["B-B", "B-LTA"])
async def test_a_large_document_is_confirmed_on_a_phone(make_desk, running_pki, tmp_path, level):
    """The prepared file and the result lie in the store; nobody held either of them."""
    pdf = plain_pdf()
    async with SmartCaSimulator(running_pki.pki) as smartca:
        key = dataclasses.replace(smartca.key_config(), name="official-rsa")
        desk = make_desk(key, {"official-rsa": REMOTE})
        request = await desk.open(pdf=pdf, level=level)
        assert (await desk.sign(request)).status == "signing"
        (act,) = await desk.acts()
        prepared = await read(desk, act.prepared_sha256)
        assert prepared.startswith(pdf)
        assert len(prepared) > len(pdf)
        smartca.confirm("official-rsa")
        await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signed"
    (_, signed) = await desk.revisions(request)
    whole = await read(desk, signed.sha256)
    assert whole.startswith(pdf)
    assert (signed.level, signed.size) == (level, len(whole))
    assert signed.sha256 == hashlib.sha256(whole).hexdigest()
    assert left_over(tmp_path) == []


@pytest.fixture
async def desktop_world(make_desk, sqlite, clock, running_pki, tmp_path):
    path = tmp_path / "lanh-dao.pem"
    path.write_bytes(running_pki.pki.certificate("official-rsa").public_bytes(Encoding.PEM))
    key = KeyConfig("official-rsa", "vgca", str(path), allow_pkcs1v15=True)
    desk = make_desk(key, ALL_HANDED)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:
        yield desk, await portal(edge, server, session, official=LEADER)
    await server.close()


async def asked(desk, official):
    request = await desk.open(level="B-B")
    _, body, _ = await official.post(f"/v1/signature-requests/{request.id}/sign", {})
    given = body["confirmation"]["hand_off"]
    argument = given["argument"].replace("https://cong.example", official.base)
    return request, given["function"], argument


async def test_a_large_document_goes_to_the_desktop_and_back_as_a_stream(
    desktop_world, running_pki, tmp_path
):
    """Fetched with its length, brought back twice as tools do: one revision, nothing left over."""
    desk, official = desktop_world
    desktop = VgcaDesktop(running_pki.pki, "official-rsa")
    desktop.faults.sends_twice = True
    request, function, argument = await asked(desk, official)
    said = await desktop.call(function, argument)
    assert said["Status"] == 0, said
    assert (await desk.get(request)).status == "signed"
    (before, signed) = await desk.revisions(request)
    whole = await read(desk, signed.sha256)
    assert whole.startswith(await read(desk, before.sha256))
    assert (signed.level, signed.size) == ("B-B", len(whole))
    (act,) = await desk.acts()
    assert (act.stage, act.upload_sha256) == (Stage.PUBLISHED, signed.sha256)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("fault", ["unsigned", "another_document", "text_changed"])
async def test_a_large_file_that_is_not_believed_is_kept_and_told(
    desktop_world, running_pki, tmp_path, fault
):
    """As small ones: the refused file is evidence, the right one is still taken."""
    desk, official = desktop_world
    desktop = VgcaDesktop(running_pki.pki, "official-rsa")
    setattr(desktop.faults, fault, True)
    request, function, argument = await asked(desk, official)
    said = await desktop.call(function, argument)
    assert (said["Status"], bool(said["Message"])) == (1, True)
    assert len(await desk.revisions(request)) == 1
    (event,) = [e for e in await desk.events() if e[0] == "document.hand_off_refused"]
    assert event[1] == request.document_id
    setattr(desktop.faults, fault, False)
    assert (await desktop.call(function, argument))["Status"] == 0
    assert (await desk.get(request)).status == "signed"
    document = await desk.desk.documents.get(TENANT, request.document_id)
    assert document.level == Level.B_B.value
    assert left_over(tmp_path) == []
