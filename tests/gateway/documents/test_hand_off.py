"""Hand-offs: what the desktop signer fetches, what it brings back, what is refused."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.documents.authority.rules import Mandate
from gateway.documents.authority.service import AuthorityRegister
from gateway.documents.confirmations import ticket_store
from gateway.documents.evidence import store as evidence_store
from gateway.documents.request_store import signature_requests
from signing.contract import Level
from tests.gateway.documents.desk import CLERK, DEPUTY, LEADER, TENANT
from tests.gateway.documents.elsewhere import ALL_HANDED, ONE_STEP, TWO_STEPS, RemoteDesk
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf
from tests.support.remote_paper import RemotePaper, desktop_signed

DAY = date(2026, 1, 1)


@pytest.fixture
async def world(sqlite, clock, tmp_path):
    desk = RemoteDesk.make(sqlite, clock, tmp_path, RemotePaper(), ALL_HANDED)
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.desk.routes())
    async with aiohttp.ClientSession() as session:
        yield World(desk, edge, server, session)
    await server.close()


class World:
    """The desk behind a real server, an official's token, and the program at their desk."""

    def __init__(self, desk, edge, server, session):
        self.desk, self.edge, self.server, self.session = desk, edge, server, session

    async def official(self, name=LEADER):
        return await portal(self.edge, self.server, self.session, official=name)

    async def sign(self, request, official, **more):
        return await official.post(f"/v1/signature-requests/{request.id}/sign", {}, **more)

    def _at(self, address):
        return str(self.server.make_url(urlsplit(address).path))

    async def fetch(self, address):
        async with self.session.get(self._at(address)) as response:
            return response.status, await response.read()

    async def bring(self, address, pdf, field="uploadfile"):
        form = aiohttp.FormData()
        form.add_field(field, io.BytesIO(pdf), filename="van-ban.signed.pdf")
        form.add_field("note", "x")
        async with self.session.post(self._at(address), data=form) as response:
            return response.status, json.loads(await response.read())

    async def begun(self, steps=ONE_STEP, **more):
        request = await self.desk.open(steps, **more)
        official = await self.official()
        status, body, _ = await self.sign(request, official)
        assert (status, body["status"]) == (202, "signing")
        return request, official, body["confirmation"]["hand_off"]


async def test_a_file_goes_out_is_signed_at_the_desk_and_comes_back(world):
    """The argument names both addresses; the result is published like any signed step."""
    pdf = plain_pdf(2)
    request, official, given = await world.begun(pdf=pdf)
    argument = json.loads(given["argument"])
    assert given["function"] == "vgca_sign_approved"
    assert argument["FileName"] == given["download_url"]
    assert argument["FileUploadHandler"] == given["upload_url"]
    assert given["download_url"].startswith("https://cong.example/hand-offs/")
    status, fetched = await world.fetch(given["download_url"])
    assert (status, fetched) == (200, pdf)
    signed = desktop_signed(fetched, "official-rsa")
    status, said = await world.bring(given["upload_url"], signed)
    assert (status, said["Status"]) == (200, True)
    assert set(said) == {"Status", "Message", "FileName", "FileServer"}
    assert said["FileServer"].endswith(f"/v1/documents/{request.document_id}/content")
    _, seen, _ = await official.get(f"/v1/signature-requests/{request.id}")
    assert (seen["status"], seen["confirmation"]) == ("signed", None)
    assert (await world.desk.revisions(request))[-1].field_names == ["desk1"]
    assert await world.desk.events() == [("document.signed", request.document_id)]


async def test_the_clerk_is_told_number_and_date(world):
    """The desktop program stamps them; the function is the clerk's."""
    request, _, given = await world.begun(TWO_STEPS)
    _, pdf = await world.fetch(given["download_url"])
    signed = desktop_signed(pdf, "official-rsa", level=Level.B_LTA)
    await world.bring(given["upload_url"], signed)
    _, body, _ = await world.sign(request, await world.official(CLERK))
    clerks = body["confirmation"]["hand_off"]
    argument = json.loads(clerks["argument"])
    assert clerks["function"] == "vgca_sign_issued"
    assert argument["DocNumber"] == "5/QĐ-UBND"
    assert argument["IssuedDate"].startswith("2026-11-02")
    _, current = await world.fetch(clerks["download_url"])
    assert current == signed


WRONG = {
    "another document": lambda pdf: desktop_signed(plain_pdf(3), "official-rsa"),
    "somebody else's key": lambda pdf: desktop_signed(pdf, "official-ec"),
    "not signed": lambda pdf: pdf,
    "signed over a change": lambda pdf: desktop_signed(pdf[:-1] + b"x", "official-rsa"),
}


async def told_of_refusal(world, request, reason, brought):
    """On the request's page, in the portal's events, among what was heard; the file is kept."""
    desk = world.desk
    shown = (await desk.get(request)).confirmation
    assert shown.state == "waiting_user"
    assert "không được nhận" in shown.detail
    assert reason in shown.detail
    assert await desk.events() == [("document.hand_off_refused", request.document_id)]
    (act,) = await desk.acts()
    (report,) = await desk.database.read(lambda c: ticket_store.reports_of(c, act.id))
    assert (report.channel, report.detail) == ("upload", reason)
    assert report.signatures == {"file": hashlib.sha256(brought).hexdigest()}
    files = desk.desk.confirmations._hand_off._office.files
    assert await files.get(report.signatures["file"]) == brought


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_file_is_refused_and_changes_nothing(world, wrong):
    """The official reads why, in the program's own window; the right file is still taken."""
    request, _, given = await world.begun()
    _, pdf = await world.fetch(given["download_url"])
    brought = WRONG[wrong](pdf)
    status, said = await world.bring(given["upload_url"], brought)
    assert (status, said["Status"]) == (200, False)
    assert said["Message"]
    assert len(await world.desk.revisions(request)) == 1
    await told_of_refusal(world, request, said["Message"], brought)
    _, said = await world.bring(given["upload_url"], desktop_signed(pdf, "official-rsa"))
    assert said["Status"] is True


async def test_the_same_file_twice_is_one_result(world):
    """An answer that was lost is asked for again; another file after that is too late."""
    request, _, given = await world.begun()
    _, pdf = await world.fetch(given["download_url"])
    signed = desktop_signed(pdf, "official-rsa")
    first = await world.bring(given["upload_url"], signed)
    assert await world.bring(given["upload_url"], signed) == first
    _, said = await world.bring(given["upload_url"], desktop_signed(pdf, "official-rsa", "desk2"))
    assert said["Status"] is False
    assert len(await world.desk.revisions(request)) == 2


async def test_the_file_is_given_out_three_times_and_for_an_hour(world, clock):
    """A broken transfer may be repeated twice; then, and after its time, the address is gone."""
    request, official, given = await world.begun()
    answers = [(await world.fetch(given["download_url"]))[0] for _ in range(4)]
    assert answers == [200, 200, 200, 410]
    clock.advance(3600)
    _, said = await world.bring(given["upload_url"], desktop_signed(plain_pdf(), "official-rsa"))
    assert said["Status"] is False
    await world.desk.work()
    _, seen, _ = await official.get(f"/v1/signature-requests/{request.id}")
    assert (seen["status"], seen["confirmation"]["state"]) == ("waiting", "expired")
    assert seen["confirmation"]["detail"]
    _, again, _ = await world.sign(request, official)
    assert again["confirmation"]["hand_off"]["download_url"] != given["download_url"]


async def test_addresses_nobody_gave_out_are_unknown(world):
    """Guessing, and using one address for the other's purpose, finds nothing."""
    _, _, given = await world.begun()
    guess = given["download_url"].replace("hand-offs/", "hand-offs/0")
    assert (await world.fetch(guess))[0] == 404
    swapped = given["upload_url"].replace("/upload", "/van-ban.pdf")
    assert (await world.fetch(swapped))[0] == 404
    crossed = given["download_url"].replace("/van-ban.pdf", "/upload")
    status, said = await world.bring(crossed, plain_pdf())
    assert (status, said["code"]) == (404, "not_found")


async def test_the_addresses_are_stored_nowhere(world, tmp_path):
    """Neither the tables nor the stored answers hold them; the same key gives the same ones."""
    request = await world.desk.open()
    official = await world.official()
    _, first, _ = await world.sign(request, official, key="once")
    _, again, _ = await world.sign(request, official, key="once")
    assert again["confirmation"]["hand_off"] == first["confirmation"]["hand_off"]
    status, other, _ = await world.sign(request, official, key="other")
    assert (status, other["code"]) == (409, "signing_in_progress")
    given = first["confirmation"]["hand_off"]
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for address in (given["download_url"], given["upload_url"]):
        assert urlsplit(address).path.split("/")[2].encode() not in kept
    _, seen, _ = await official.get(f"/v1/signature-requests/{request.id}")
    assert seen["confirmation"]["hand_off"] is None


async def test_a_withdrawn_hand_off_takes_nothing_back(world):
    """The official changed their mind; the file may be signed, but not published."""
    request, official, given = await world.begun()
    path = f"/v1/signature-requests/{request.id}/cancel-signing"
    status, body, _ = await (await world.official(DEPUTY)).post(path, None)
    assert (status, body["code"]) == (403, "not_your_step")
    status, body, _ = await official.post(path, None)
    assert (status, body["confirmation"]["state"]) == (200, "cancelled")
    _, said = await world.bring(given["upload_url"], desktop_signed(plain_pdf(), "official-rsa"))
    assert said["Status"] is False
    assert (await world.fetch(given["download_url"]))[0] == 410
    assert len(await world.desk.revisions(request)) == 1


async def test_what_is_not_a_form_with_one_file_is_refused_in_words(world):
    """A program that sends nothing, or something else, hears so."""
    _, _, given = await world.begun()
    address = str(world.server.make_url(urlsplit(given["upload_url"]).path))
    async with world.session.post(address, data=b"%PDF-1.7") as response:
        assert (await response.json())["Status"] is False
    form = aiohttp.FormData()
    form.add_field("note", "không có tệp", content_type="text/plain")
    async with world.session.post(address, data=form) as response:
        assert (await response.json())["Status"] is False


async def test_what_is_refused_on_its_way_back_is_one_record(world):
    """A stranger's signature, twice; then the register's no: both with the official's name."""
    request, _, given = await world.begun()
    _, pdf = await world.fetch(given["download_url"])
    for _ in range(2):
        await world.bring(given["upload_url"], desktop_signed(pdf, "official-ec"))
    row = Mandate("", "H55.12", DEPUTY, "person", "12/QĐ-UBND", DAY, DAY)
    register = AuthorityRegister(world.desk.database, world.desk.clock)
    await world.desk.database.write(lambda c: register.enter(c, TENANT, row, "key_x"))
    moved = signature_requests.update().values(agency_code="H55.12")
    await world.desk.database.write(lambda c: c.execute(moved) and None)
    _, said = await world.bring(given["upload_url"], desktop_signed(pdf, "official-rsa"))
    assert said["Status"] is False
    rows = await world.desk.database.read(
        lambda c: evidence_store.records_of(c, TENANT, request.document_id)
    )
    told = [json.loads(row.content) for row in rows]
    assert [t["attempt"]["official"] for t in told] == [LEADER, LEADER]
    assert {t["attempt"]["channel"] for t in told} == {"hand_off"}
    assert told[1]["refused"]["code"].startswith("authority")
