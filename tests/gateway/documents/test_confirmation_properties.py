"""Properties: reports, crashes and restarts in any order give one sending and one result."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents.confirmations.hearing import Report
from gateway.documents.confirmations.rules import (
    Covered,
    ask_again_s,
    chunked,
    fold,
    gives_up_at,
    root_hash,
)
from gateway.foundation.clock import FakeClock
from gateway.foundation.database import Database
from signing.contract import RemoteState, SigningUnavailable
from tests.gateway.documents.elsewhere import RemoteDesk
from tests.support.remote_paper import RemotePaper

OPEN = [state for state in RemoteState if not state.is_final]
FINAL = [state for state in RemoteState if state.is_final]
ids = st.text("abcdef0123456789", min_size=1, max_size=8)
documents = st.builds(Covered, ids, ids)


class Crash(BaseException):
    """The process is gone: no handler of ours runs on it."""


@given(st.lists(st.sampled_from(OPEN)), st.sampled_from(FINAL), st.data())
def test_an_honest_providers_reports_fold_to_one_state_in_any_order(openings, end, data):
    """Open states and one end, doubled and shuffled: the end; without it, the most advanced."""
    reports = data.draw(st.permutations([*openings, end, end]))
    state = RemoteState.UNKNOWN
    for report in reports:
        state = fold(state, report)
    assert state is end
    orders = data.draw(st.permutations(openings)), openings
    found = set()
    for order in orders:
        state = RemoteState.UNKNOWN
        for report in order:
            state = fold(state, report)
        found.add(state)
    assert len(found) == 1


@given(st.lists(documents, max_size=6), st.lists(documents, max_size=6))
def test_two_lists_have_two_hashes(one, other):
    """A confirmation stands for its list: order, number and content."""
    assert (root_hash(one) == root_hash(other)) == (one == other)


@given(st.lists(st.integers(), max_size=200), st.integers(1, 60))
def test_chunks_are_the_list_in_order(items, most):
    """Nothing is lost, doubled or larger than the provider takes."""
    parts = chunked(items, most)
    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= most for part in parts)


@given(st.floats(0, 1000), st.timedeltas(timedelta(0), timedelta(days=20)))
def test_questions_keep_their_distance(ask_after_s, age):
    """Never sooner than the provider wants; never rarer than five minutes unless it wants so."""
    wait_s = ask_again_s(ask_after_s, age)
    assert wait_s >= max(ask_after_s, 1.0)
    assert wait_s <= max(ask_after_s, 300.0)


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=30)))
def test_patience_never_outlasts_the_deadline(wait):
    """The request's deadline is everybody's."""
    now = FakeClock().now()
    deadline = now + timedelta(days=3)
    assert gives_up_at(now, wait, None) == now + wait
    assert gives_up_at(now, wait, deadline) == min(now + wait, deadline)


STEPS = ("work", "restart", "push", "push_open", "confirm", "tsa_down", "crash", "minute", "hour")


STORIES = max(10, settings().max_examples // 3)  # each is a desk of its own


@settings(
    max_examples=STORIES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.sampled_from([None, "time_out", "died", "away"]),
    st.lists(st.sampled_from(STEPS), max_size=9),
)
def test_whatever_happens_between_the_halves_there_is_one_result(prepared_sqlite, start, story):
    """Sent once, published once, whoever tells, asks, crashes and restarts in between."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(prepared_sqlite, Path(folder) / "motcua.db")
        asyncio.run(_live(Path(folder), start, story))


async def _live(folder, start, story):
    database = Database(f"sqlite:///{folder}/motcua.db")
    try:
        await _story(RemoteDesk.make(database, FakeClock(), folder, RemotePaper()), start, story)
    finally:
        await database.close()


async def _story(desk, start, story):
    desk.provider.on_start = start
    request = await desk.open()
    await desk.sign(request)
    desk.provider.on_start = None
    for step in story:
        desk = await _happens(desk, step)
    desk.provider.confirm() if desk.provider.references else None
    for _ in range(6 + len(story)):  # each failure of the story costs a round
        with contextlib.suppress(Crash):
            await desk.later(minutes=10)
        if desk.provider.references:
            desk.provider.confirm()
    assert (await desk.get(request)).status == "signed"
    assert len(await desk.revisions(request)) == 2
    assert len(desk.provider.sendings) == 1
    assert len(await desk.events()) == 1


async def _happens(desk, step):
    provider = desk.provider
    reference = provider.references[-1] if provider.references else None
    if step == "restart":
        return desk.restarted()
    if step == "confirm" and reference:
        provider.confirm()
    elif step == "push" and reference and provider.states[reference] is RemoteState.DONE:
        await _push(desk, reference, RemoteState.DONE, provider.signatures(reference))
    elif step == "push_open" and reference:
        await _push(desk, reference, RemoteState.WAITING_USER, {})
    elif step == "tsa_down":
        desk.paper.finish_fails.append(SigningUnavailable("tsa_down", "Chưa có.", "none"))
    elif step == "crash":
        desk.paper.finish_fails.append(Crash())
    else:
        span = {"minute": {"minutes": 1}, "hour": {"hours": 1}}.get(step, {"seconds": 0})
        with contextlib.suppress(Crash):
            await desk.later(**span)
    return desk


async def _push(desk, reference, state, signatures):
    report = Report("callback", state, f"P-{reference}", signatures=signatures)
    await desk.desk.confirmations.tickets.told("official-rsa", reference, report)
