"""Keys confirmed elsewhere while time-stamps are away: published lower, raised by one rule."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from gateway.documents.preservation.rules import REFUSE, SIGN_AND_RAISE
from gateway.foundation.problems import Problem
from gateway.preservation import store as preservation_store
from gateway.preservation.policy import DEFAULT_POLICY
from signing.contract import Level
from tests.gateway.documents.desk import CLERK, TENANT, on_sqlite
from tests.gateway.documents.elsewhere import ALL_HANDED, TWO_STEPS, RemoteDesk
from tests.support.remote_paper import RemotePaper, desktop_signed

pytestmark = pytest.mark.long_on_postgresql

SOON = dataclasses.replace(DEFAULT_POLICY, alarm_after=timedelta(hours=3))


@pytest.fixture
def desk(database, clock, tmp_path) -> RemoteDesk:
    return RemoteDesk.make(database, clock, tmp_path, RemotePaper(), policy=SOON)


async def task(desk, request):
    return await desk.database.read(lambda c: preservation_store.find(c, request.document_id))


async def document(desk, request):
    return await desk.desk.documents.get(TENANT, request.document_id)


async def raised(desk):
    """The next try of the queue, with every service back."""
    desk.paper.reachable = Level.B_LTA
    desk.clock.advance(DEFAULT_POLICY.retry_s[-1])
    await desk.kept.queue.once()


async def signed_below(desk, level=Level.B_B, **more):
    request = await desk.open(**more)
    await desk.sign(request)
    desk.paper.reachable = level
    desk.provider.confirm()
    await desk.later(minutes=1)
    return request


async def test_a_confirmation_is_published_at_the_level_reached_and_queued(desk):
    """One transaction: the revision, and the row with the operator's alarm."""
    request = await signed_below(desk, when_unavailable=SIGN_AND_RAISE)
    assert (await desk.get(request)).status == "signed"
    assert len(desk.provider.sendings) == 1
    seen, row = await document(desk, request), await task(desk, request)
    assert seen.level == "B-B"
    assert (row.wanted, row.reached, row.reason) == ("B-LTA", "B-B", "timestamp_unavailable")
    assert row.alarm_at == row.created_at + timedelta(hours=3)
    await raised(desk)
    assert (await document(desk, request)).level == "B-LTA"
    assert await task(desk, request) is None


@on_sqlite
@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
async def test_until_when_it_is_provable_is_known_at_once(desk, level):
    """Not only from the calendar's next look ahead."""
    request = await signed_below(desk, level, when_unavailable=SIGN_AND_RAISE)
    assert (await document(desk, request)).provable_until == "2031-11-02T07:00:00+07:00"


@on_sqlite
async def test_whoever_refuses_a_lower_level_waits_with_the_confirmation_kept(desk):
    """The raw signature stays; when the authority is back it is embedded at the level asked."""
    request = await signed_below(desk, when_unavailable=REFUSE)
    assert (await desk.get(request)).status == "signing"
    desk.paper.reachable = Level.B_LTA
    await desk.later(minutes=5)
    assert (await desk.get(request)).status == "signed"
    assert (await document(desk, request)).level == "B-LTA"
    assert len(desk.provider.sendings) == 1


@on_sqlite
async def test_a_confirmation_nobody_could_use_says_so(desk):
    """After two weeks the step is free again; what is said is not that nobody confirmed."""
    request = await signed_below(desk, when_unavailable=REFUSE)
    await desk.later(days=15)
    seen = await desk.get(request)
    assert (seen.status, seen.confirmation.state) == ("waiting", "expired")
    assert "Người ký đã xác nhận" in seen.confirmation.detail


async def test_the_seal_elsewhere_waits_for_the_persons_level(desk):
    """As for keys here: a reason meanwhile, then the clerk's act over the raised revision."""
    request = await signed_below(desk, steps=TWO_STEPS, when_unavailable=SIGN_AND_RAISE)
    with pytest.raises(Problem) as refused:
        await desk.sign(request, CLERK)
    assert refused.value.code == "level_pending"
    await raised(desk)
    current = (await document(desk, request)).sha256
    assert (await desk.sign(request, CLERK)).current_sha256 == current
    for _ in range(4):
        desk.provider.confirm()
        await desk.later(minutes=1)
    assert (await desk.get(request)).status == "signed"


@on_sqlite
async def test_a_batch_elsewhere_loses_no_confirmation_either(desk):
    """Every document of it is published lower and queued."""
    requests = await desk.open_many(3, when_unavailable=SIGN_AND_RAISE)
    batch = await desk.batch(requests)
    await desk.work()
    desk.paper.reachable = Level.B_T
    for reference in desk.provider.references:
        desk.provider.confirm(reference)
    await desk.later(minutes=1)
    assert (await desk.get_batch(batch)).status == "done"
    assert [(await task(desk, request)).reached for request in requests] == ["B-T"] * 3


@on_sqlite
async def test_a_hand_off_that_comes_back_low_is_raised(database, clock, tmp_path):
    """Desktop programs make B-B or B-T; what was asked for is made of it here."""
    desk = RemoteDesk.make(database, clock, tmp_path, RemotePaper(), ALL_HANDED, SOON)
    request = await desk.open()
    given = (await desk.sign(request)).confirmation.hand_off
    token = given.upload_url.split("/")[-2]
    pdf = await desk.desk.documents.contents.open(TENANT, request.document_id, "latest")
    await desk.desk.confirmations._hand_off.upload(token, desktop_signed(pdf, "official-rsa"))
    row = await task(desk, request)
    assert (row.wanted, row.reached, row.reason) == ("B-LTA", "B-B", "hand_off_level")
    assert row.alarm_at == row.created_at + timedelta(hours=3)
    assert (await document(desk, request)).provable_until == "2031-11-02T07:00:00+07:00"
    await raised(desk)
    assert (await document(desk, request)).level == "B-LTA"
