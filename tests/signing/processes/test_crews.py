"""Queueing for children: one job at a time, never twice, whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal

import pytest

from signing.contract import DocumentRefused, SigningUnavailable
from tests.signing.processes.obeying import begun, make_crew, until_begun


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture(params=[0, 3], ids=["none ahead", "three ahead"])
async def crew(request):
    made = make_crew(ahead=request.param)
    yield made
    await made.close()
    assert made.pids == ()


async def test_jobs_wait_in_line_and_each_is_done_once(crew, notes):
    """One child, many jobs: in order, refusals between them."""
    jobs = [crew.run(30, "refuse" if n % 3 == 2 else "do", (str(notes), n)) for n in range(9)]
    found = await asyncio.gather(*jobs, return_exceptions=True)
    assert [n for n in found if not isinstance(n, Exception)] == [0, 1, 3, 4, 6, 7]
    assert {n.code for n in found if isinstance(n, DocumentRefused)} == {"no"}
    assert [int(line.split()[1]) for line in begun(notes)] == list(range(9))


async def test_a_lost_child_costs_the_job_it_had_and_no_other(crew, notes):
    """The jobs behind it go to its successor; none is done twice."""
    jobs = [crew.run(30, name, (str(notes), n)) for n, name in enumerate(["do", "die", "do"])]
    first, lost, last = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, last) == (0, 2)
    assert isinstance(lost, SigningUnavailable)
    assert lost.code == "signer_died"
    assert begun(notes) == ["do 0", "die 1", "do 2"]


async def test_a_child_that_died_at_rest_is_given_no_job(crew, notes):
    """Nobody was told of its death yet: the kernel is asked before a job is sent."""
    assert await crew.run(30, "do", (str(notes), 1)) == 1
    (pid,) = crew.pids
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop must not hear of it
    assert await crew.run(30, "do", (str(notes), 2)) == 2
    assert crew.pids != (pid,)
    assert begun(notes) == ["do 1", "do 2"]


async def test_a_child_that_dies_after_its_answer_costs_one_job_at_most(crew, notes):
    """What was sent to it is not sent again; what waits behind is."""
    jobs = [
        crew.run(30, name, (str(notes), n)) for n, name in enumerate(["last words", "do", "do"])
    ]
    first, second, third = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, third) == (0, 2)
    assert second == 1 or second.code == "signer_died"
    assert len(begun(notes)) == len(set(begun(notes)))


async def test_a_job_nobody_waits_for_any_more_is_not_begun(crew, notes):
    """Withdrawn from the line; a job that was begun is finished before the next one."""
    working = asyncio.ensure_future(crew.run(30, "wait", (str(notes), "a", 0.3)))
    waiting = asyncio.ensure_future(crew.run(30, "do", (str(notes), "b")))
    await until_begun(notes, "wait a")
    working.cancel()
    waiting.cancel()
    assert await crew.run(30, "do", (str(notes), "c")) == "c"
    assert begun(notes) == ["wait a", "do c"]
    assert len(crew.pids) == 1


async def test_a_child_that_talks_nonsense_is_replaced(crew, notes):
    """What is not one of our values is not read; the next job has another child."""
    with pytest.raises(SigningUnavailable) as lost:
        await crew.run(30, "nonsense", (str(notes), 1))
    assert lost.value.code == "signer_died"
    assert await crew.run(30, "do", (str(notes), 2)) == 2


@pytest.mark.long
async def test_a_limit_counts_for_its_own_job(crew, notes):
    """One that takes too long is ended; an earlier job's limit ends nobody."""
    assert await crew.run(0.5 + 30, "do", (str(notes), 0)) == 0
    assert await crew.run(0.5, "do", (str(notes), 1)) == 1
    assert await crew.run(30, "wait", (str(notes), 2, 0.8)) == 2
    with pytest.raises(SigningUnavailable) as late:
        await crew.run(0.2, "wait", (str(notes), 3, 60))
    assert late.value.code == "signer_timeout"
    assert crew.pids == ()


async def test_what_cannot_cross_is_the_callers_mistake(crew, notes):
    """The child stays free for the next job."""
    with pytest.raises((pickle.PicklingError, AttributeError)):
        await crew.run(30, "do", (str(notes), lambda: 1))
    assert await crew.run(30, "do", (str(notes), 1)) == 1


async def test_closing_waits_for_the_line(notes):
    """Jobs that were taken are done before the children end."""
    crew = make_crew(2, ahead=2)
    jobs = [asyncio.ensure_future(crew.run(30, "wait", (str(notes), n, 0.05))) for n in range(6)]
    await asyncio.sleep(0)
    await crew.close()
    assert sorted(job.result() for job in jobs) == list(range(6))
