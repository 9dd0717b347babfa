"""A child for tests of crews: it does what a job's name says and notes what it began."""

from __future__ import annotations

import asyncio
import os
import pickle
import time
from pathlib import Path

from signing.clock import SystemClock
from signing.contract import DocumentRefused, SignerConfig
from signing.processes.answers import AnswerForms, write_answer
from signing.processes.crews import Crew
from signing.processes.trays import Inbox
from signing.processes.workers import Worker

ANSWERS = AnswerForms(dict.fromkeys(("do", "wait", "nonsense", "last words", "gate"), (int, str)))
LONG = 300_000  # bytes: no tray takes that


def obey(ends, config, clock):
    """The child's main; jobs are (folder of notes, what to answer, more)."""
    asyncio.run(_obey(ends))


async def _obey(ends):
    inbox = Inbox(ends)
    while (given := await inbox.next()) is not None:
        number, message = given
        job, arguments = pickle.loads(message)
        _note(arguments[0], f"{job} {arguments[1]}\n")
        inbox.answer(number, write_answer(_done(job, arguments)))
        if job == "last words":
            os._exit(1)


def _note(path, line):
    with Path(path).open("a", encoding="utf-8") as notes:
        notes.write(line)


def _done(job, arguments):
    if job == "die":
        os._exit(1)
    if job == "refuse":
        return DocumentRefused("no", "không", "no")
    if job == "nonsense":
        return 1.5  # a job gives its own types only
    if job == "wait":
        time.sleep(arguments[2])
    if job == "gate":
        while not Path(arguments[2]).exists():
            time.sleep(0.005)
    return arguments[1]


def make_crew(count=1, ahead=0):
    """Children that obey."""
    workers = [Worker("test", SignerConfig(), SystemClock(), obey) for _ in range(count)]
    return Crew(workers, answers=ANSWERS, ahead=ahead)


def begun(notes):
    """What children began, in order."""
    return notes.read_text().splitlines()


async def until_begun(notes, line):
    """Wait until a child has begun that."""
    while line not in begun(notes):  # noqa: ASYNC110 - the child is another process
        await asyncio.sleep(0.01)
