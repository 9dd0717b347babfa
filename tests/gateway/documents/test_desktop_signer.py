"""A hand-off with the product's own signing service and a desktop signer as officials have it."""

from __future__ import annotations

import dataclasses

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.clock import SystemClock
from signing.contract import KeyConfig
from signing.devpki.vgca_desktop import VgcaDesktop
from signing.service import SigningService
from tests.gateway.documents.desk import LEADER
from tests.gateway.documents.elsewhere import ALL_HANDED, RemoteDesk
from tests.support.edge import make_edge, portal, serve


@pytest.fixture
async def service(running_pki, tmp_path):
    """One desk key: all that is configured of it is the certificate."""
    path = tmp_path / "lanh-dao.pem"
    path.write_bytes(running_pki.pki.certificate("official-rsa").public_bytes(Encoding.PEM))
    key = KeyConfig("official-rsa", "vgca", str(path), allow_pkcs1v15=True)
    config = dataclasses.replace(running_pki.signer_config(), keys=(key,))
    service = SigningService(config, SystemClock())
    yield service
    await service.close()


@pytest.fixture
async def world(sqlite, clock, tmp_path, service):
    desk = RemoteDesk.make(sqlite, clock, tmp_path, service, ALL_HANDED)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:
        yield desk, await portal(edge, server, session, official=LEADER)
    await server.close()


async def _asked(desk, official):
    """A request whose official was given the desktop signer's argument."""
    request = await desk.open(level="B-B")
    status, body, _ = await official.post(f"/v1/signature-requests/{request.id}/sign", {})
    assert status == 202, body
    given = body["confirmation"]["hand_off"]
    return (
        request,
        given["function"],
        given["argument"].replace("https://cong.example", official.base),
    )


async def test_the_desktop_signers_file_is_proven_and_published(world, running_pki):
    """Fetched, signed with the official's key, sent twice as tools do: one revision."""
    desk, official = world
    desktop = VgcaDesktop(running_pki.pki, "official-rsa")
    desktop.faults.sends_twice = True
    request, function, argument = await _asked(desk, official)
    said = await desktop.call(function, argument)
    assert said["Status"] == 0, said
    assert said["FileServer"].endswith(f"/v1/documents/{request.document_id}/content")
    assert (await desk.get(request)).status == "signed"
    (_, signed) = await desk.revisions(request)
    assert signed.level == "B-B"
    assert len(signed.field_names) == 1
    _, document, _ = await official.get(f"/v1/documents/{request.document_id}")
    assert len(document["signatures"]) == 1


@pytest.mark.parametrize("fault", ["unsigned", "another_document", "resaved", "text_changed"])
async def test_what_the_signing_service_does_not_believe_changes_nothing(world, running_pki, fault):
    """The official reads a Vietnamese reason in the program; the right file is still taken."""
    desk, official = world
    desktop = VgcaDesktop(running_pki.pki, "official-rsa")
    setattr(desktop.faults, fault, True)
    request, function, argument = await _asked(desk, official)
    said = await desktop.call(function, argument)
    assert said["Status"] == 1
    assert said["Message"]
    assert (await desk.get(request)).status == "signing"
    assert len(await desk.revisions(request)) == 1
    setattr(desktop.faults, fault, False)
    assert (await desktop.call(function, argument))["Status"] == 0
    assert (await desk.get(request)).status == "signed"


async def test_somebody_elses_token_is_refused(world, running_pki):
    """The file is right, the signer is not."""
    desk, official = world
    request, function, argument = await _asked(desk, official)
    said = await VgcaDesktop(running_pki.pki, "official-ec").call(function, argument)
    assert (said["Status"], bool(said["Message"])) == (1, True)
    assert len(await desk.revisions(request)) == 1


async def test_an_address_that_is_used_up_is_said_in_the_program(world, running_pki):
    """The file was fetched as often as allowed: nothing is signed, nothing comes back."""
    desk, official = world
    request, function, argument = await _asked(desk, official)
    desktop = VgcaDesktop(running_pki.pki, "official-rsa")
    desktop.faults.script("unsigned", 3)
    for _ in range(3):
        assert (await desktop.call(function, argument))["Status"] == 1
    refused = len(await desk.events())
    said = await desktop.call(function, argument)
    assert (said["Status"], said["Message"]) == (1, "Không tải được văn bản")
    assert (len(await desk.events()), (await desk.get(request)).status) == (refused, "signing")
