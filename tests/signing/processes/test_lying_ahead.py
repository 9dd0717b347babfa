"""Jobs that lie ready for a child at work: begun once or surely not, and nobody's till then."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import asynccontextmanager

import pytest

from signing.contract import DocumentRefused, SigningUnavailable
from tests.signing.processes.obeying import LONG, begun, make_crew, until_begun

AHEAD = 3


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def gate(tmp_path):
    """A job named "gate" is at work until this exists."""
    return tmp_path / "gate"


@asynccontextmanager
async def at_work(notes, count=1):
    """A crew whose children have all answered something: jobs may lie ready for them."""
    crew = make_crew(count, AHEAD)
    try:
        await asyncio.gather(*(crew.run(30, "wait", (str(notes), "x", 0.1)) for _ in range(count)))
        assert all(worker.spoke for worker in crew.workers)
        notes.write_text("")
        yield crew
    finally:
        await asyncio.wait_for(crew.close(), 60)
        assert crew.pids == ()


def ask(crew, notes, job, name, *more, limit_s=30.0):
    return asyncio.ensure_future(crew.run(limit_s, job, (str(notes), name, *more)))


def lying(crew):
    return [[job.arguments[1] for job in worker.ahead] for worker in crew.workers]


async def test_jobs_lie_ready_for_a_child_at_work_and_are_done_in_order(notes, gate):
    """As many as may; the rest waits in line."""
    async with at_work(notes) as crew:
        jobs = [ask(crew, notes, "gate", "first", str(gate))]
        jobs += [ask(crew, notes, "do", n) for n in range(6)]
        await until_begun(notes, "gate first")
        assert lying(crew) == [[0, 1, 2]]
        gate.touch()
        assert await asyncio.gather(*jobs) == ["first", *range(6)]
        assert begun(notes) == ["gate first", *(f"do {n}" for n in range(6))]


async def test_nothing_lies_ready_for_a_child_that_never_answered(notes, gate):
    """Whether it can work at all is not known yet."""
    crew = make_crew(1, AHEAD)
    jobs = [ask(crew, notes, "gate", "first", str(gate)), ask(crew, notes, "do", 1)]
    await until_begun(notes, "gate first")
    assert lying(crew) == [[]]
    gate.touch()
    assert await asyncio.gather(*jobs) == ["first", 1]
    await crew.close()


async def test_a_child_killed_at_work_costs_the_job_in_hand_alone(notes, gate):
    """What lay ready was surely not begun: its successor does it, before what waited in line."""
    async with at_work(notes) as crew:
        jobs = [ask(crew, notes, "gate", "first", str(gate))]
        jobs += [ask(crew, notes, "do", n) for n in range(5)]
        await until_begun(notes, "gate first")
        os.kill(crew.pids[0], signal.SIGKILL)
        lost, *done = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(lost, SigningUnavailable)
        assert lost.code == "signer_died"
        assert done == list(range(5))
        assert begun(notes) == ["gate first", *(f"do {n}" for n in range(5))]


async def test_a_child_lost_over_a_job_that_lay_ready_began_it(notes):
    """Answers that nobody had read yet count; the job it died over is not given again."""
    async with at_work(notes) as crew:
        (pid,) = crew.pids
        jobs = [ask(crew, notes, "do", 0), ask(crew, notes, "die", 1), ask(crew, notes, "do", 2)]
        await asyncio.sleep(0)
        assert lying(crew) == [[1, 2]]
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop must not hear of it
        done, lost, other = await asyncio.gather(*jobs, return_exceptions=True)
        assert (done, lost.code, other) == (0, "signer_died", 2)
        assert begun(notes) == ["do 0", "die 1", "do 2"]


async def test_a_job_that_moved_up_to_a_dead_child_is_given_to_another(notes):
    """Its turn had come, but the child never took it."""
    async with at_work(notes) as crew:
        jobs = [ask(crew, notes, "last words", "first"), ask(crew, notes, "do", 1)]
        assert await asyncio.gather(*jobs) == ["first", 1]
        assert begun(notes) == ["last words first", "do 1"]


async def test_a_child_that_takes_too_long_fails_for_its_own_job_only(notes, gate):
    """A limit does not run while a job lies ready, and no neighbour pays for it."""
    async with at_work(notes) as crew:
        late = ask(crew, notes, "gate", "late", str(gate), limit_s=0.5)
        others = [ask(crew, notes, "do", n) for n in range(2)]
        await until_begun(notes, "gate late")
        assert lying(crew) == [[0, 1]]
        found = await asyncio.gather(late, *others, return_exceptions=True)
        assert found[0].code == "signer_timeout"
        assert found[1:] == [0, 1]
        assert begun(notes) == ["gate late", "do 0", "do 1"]


async def test_the_limit_of_a_job_counts_from_its_turn(notes, gate):
    """It lay ready for longer than it may take."""
    async with at_work(notes) as crew:
        first = ask(crew, notes, "gate", "first", str(gate))
        patient = ask(crew, notes, "do", "patient", limit_s=10.0)
        await until_begun(notes, "gate first")
        (worker,) = crew.workers
        loop = asyncio.get_running_loop()
        assert lying(crew) == [["patient"]]
        assert worker._ends_at > loop.time() + 20  # the first one's
        gate.touch()
        await first
        assert worker._ends_at > loop.time() + 5  # not counted while it lay
        assert await patient == "patient"


async def test_nonsense_costs_the_job_it_answers(notes, gate):
    """What lay ready goes to a child that can be believed, unless the liar has taken it."""
    async with at_work(notes) as crew:
        jobs = [ask(crew, notes, "nonsense", 0), *(ask(crew, notes, "do", n) for n in (1, 2))]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert found[0].code == "signer_died"
        for number, answer in zip((1, 2), found[1:], strict=True):
            assert answer == number or answer.code == "signer_died"
        assert len(begun(notes)) == len(set(begun(notes)))


async def test_a_job_whose_caller_left_is_taken_out_and_the_next_laid_there(notes, gate):
    """It is not begun; the one in hand is finished."""
    async with at_work(notes) as crew:
        first = ask(crew, notes, "gate", "first", str(gate))
        jobs = [ask(crew, notes, "do", n) for n in range(5)]
        await until_begun(notes, "gate first")
        jobs[1].cancel()
        jobs[4].cancel()
        first.cancel()
        await asyncio.sleep(0)
        assert lying(crew) == [[0, 2, 3]]
        gate.touch()
        assert await asyncio.gather(jobs[0], jobs[2], jobs[3]) == [0, 2, 3]
        assert await ask(crew, notes, "do", "last") == "last"
        assert begun(notes) == ["gate first", "do 0", "do 2", "do 3", "do last"]


async def test_an_idle_child_fetches_what_lies_ready_at_a_slow_one(notes, gate):
    """Nobody waits behind a slow job while another child is free."""
    async with at_work(notes, 2) as crew:
        slow = ask(crew, notes, "gate", "slow", str(gate))
        other = ask(crew, notes, "wait", "other", 0.2)
        jobs = [ask(crew, notes, "do", n) for n in range(5)]
        await until_begun(notes, "gate slow")
        assert any(lying(crew))
        assert await asyncio.gather(*jobs) == list(range(5))
        assert not slow.done()
        gate.touch()
        assert await asyncio.gather(slow, other) == ["slow", "other"]


async def test_a_job_at_a_slow_child_is_not_passed_by_for_ever(notes, gate):
    """A batch that goes on and on at the other child does not starve it."""
    async with at_work(notes, 2) as crew:
        slow = ask(crew, notes, "gate", "slow", str(gate))
        batch = [ask(crew, notes, "do", n) for n in range(200)]
        await until_begun(notes, "gate slow")
        await asyncio.gather(*batch)
        assert not slow.done()
        order = [int(line.split()[1]) for line in begun(notes) if line != "gate slow"]
        assert sorted(order) == list(range(200))
        passed = [n - min(order[at:]) for at, n in enumerate(order)]
        assert max(passed) <= crew._most_passing + 2 * AHEAD
        gate.touch()
        await slow


async def test_long_and_short_jobs_keep_their_order(notes, gate):
    """What no tray takes waits in line, and nothing behind it overtakes it."""
    async with at_work(notes) as crew:
        first = ask(crew, notes, "gate", "first", str(gate))
        jobs = [ask(crew, notes, "do", n, b"x" * (LONG if n % 3 == 1 else 1)) for n in range(9)]
        await until_begun(notes, "gate first")
        assert lying(crew) == [[0]]
        gate.touch()
        assert await asyncio.gather(first, *jobs) == ["first", *range(9)]
        assert begun(notes)[1:] == [f"do {n}" for n in range(9)]


async def test_a_value_that_cannot_cross_is_told_to_its_caller_alone(notes, gate):
    """Also when its turn to lie ready comes."""
    async with at_work(notes) as crew:
        first = ask(crew, notes, "gate", "first", str(gate))
        wrong = ask(crew, notes, "do", lambda: 1)
        other = ask(crew, notes, "do", 2)
        await until_begun(notes, "gate first")
        assert lying(crew) == [[2]]
        gate.touch()
        found = await asyncio.gather(first, wrong, other, return_exceptions=True)
        assert found[::2] == ["first", 2]
        assert not isinstance(found[1], SigningUnavailable)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_each_job_is_begun_once_or_never(notes, seed):
    """Deaths, kills, refusals, callers that leave, a parent that hears late: one outcome each.

    What was begun is never begun again; what a child died over is lost; everything else that
    somebody waited for is answered.
    """
    chance = random.Random(seed)
    kinds = ["do"] * 12 + ["refuse", "wait", "die", "last words"]
    async with at_work(notes, 2) as crew:
        jobs = {}
        for number in range(60):
            job = chance.choice(kinds)
            big = b"x" * (LONG if chance.random() < 0.1 else 1)
            more = (0.01,) if job == "wait" else (big,)
            jobs[number] = (job, ask(crew, notes, job, number, *more))
            await disturb(chance, crew, jobs)
        found = await asyncio.gather(*(job for _, job in jobs.values()), return_exceptions=True)
    lines = begun(notes)
    assert len(lines) == len(set(lines))
    for (number, (job, _)), answer in zip(jobs.items(), found, strict=True):
        was_begun = f"{job} {number}" in lines
        if isinstance(answer, SigningUnavailable):
            assert answer.code == "signer_died"
        elif isinstance(answer, DocumentRefused):
            assert job == "refuse"
        elif not isinstance(answer, asyncio.CancelledError):
            assert answer == number
            assert was_begun
        if job == "die" and not isinstance(answer, asyncio.CancelledError):
            assert isinstance(answer, SigningUnavailable)


async def disturb(chance, crew, jobs):
    """Now and then kill a child, leave, hear nothing for a while, or let the loop turn."""
    what = chance.random()
    if what < 0.03 and crew.pids:
        os.kill(chance.choice(crew.pids), signal.SIGKILL)
    elif what < 0.1:
        chance.choice(list(jobs.values()))[1].cancel()
    elif what < 0.2:
        time.sleep(0.005)  # noqa: ASYNC251 - the parent is busy with something else
    elif what < 0.5:
        await asyncio.sleep(chance.random() * 0.01)
