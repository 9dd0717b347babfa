"""Work that shares the wait for an answer: nothing is left running, whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from signing.contract import Level, SigningUnavailable
from signing.lane import LaneAuthority, LanePart, ProofData, sign_in_lane
from signing.lane.beside import beside
from tests.signing.lane import documents as doc

TWO = (LanePart("One", None), LanePart("Two", None))


class Broken(Exception):
    pass


def others():
    return asyncio.all_tasks() - {asyncio.current_task()}


class Desk:
    """Answers when it is told to; writes down in which order things happen."""

    def __init__(self):
        self.story = []
        self.open = asyncio.Event()

    async def answer(self):
        self.story.append("asked")
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # closing its connection takes a moment
            self.story.append("withdrawn")
            raise
        self.story.append("answered")
        return 7

    def work(self):
        self.story.append("worked")
        self.open.set()

    def fail(self):
        self.story.append("worked")
        raise Broken


async def test_work_is_done_between_question_and_answer():
    desk = Desk()
    assert await beside(desk.answer(), desk.work) == 7
    assert desk.story == ["asked", "worked", "answered"]
    assert not others()


async def test_failing_work_withdraws_the_question_and_waits_for_its_end():
    desk = Desk()
    with pytest.raises(Broken):
        await beside(desk.answer(), desk.fail)
    assert desk.story == ["asked", "worked", "withdrawn"]
    assert not others()


async def test_what_the_works_failure_came_from_is_not_lost():
    desk, reason = Desk(), KeyError("why")

    def fail():
        raise Broken from reason

    with pytest.raises(Broken) as failed:
        await beside(desk.answer(), fail)
    assert failed.value.__cause__ is reason


async def test_the_answers_failure_comes_after_the_work():
    desk = Desk()

    async def lost():
        await desk.answer()
        raise Broken

    with pytest.raises(Broken):
        await beside(lost(), desk.work)
    assert not others()


async def test_nothing_is_worked_for_a_question_that_is_refused_at_once():
    desk = Desk()

    async def refused():
        raise Broken

    with pytest.raises(Broken):
        await beside(refused(), desk.work)
    assert desk.story == []
    assert not others()


@pytest.mark.parametrize("turns", range(1, 6))
async def test_who_gives_up_takes_the_question_along(turns):
    """Before it was asked, before the work, and while waiting."""
    desk = Desk()
    waiting = asyncio.ensure_future(beside(desk.answer(), lambda: None))
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert "answered" not in desk.story
    assert not others()


async def test_a_question_that_will_not_be_withdrawn_does_not_hide_the_failure():
    """It goes on to its answer; the work has failed all the same, and nobody is cancelled."""
    desk = Desk()

    async def stubborn():
        try:
            await desk.answer()
        except asyncio.CancelledError:
            return 7

    with pytest.raises(Broken):
        await beside(stubborn(), desk.fail)
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)  # raises if a cancellation was left behind


async def test_a_failure_beside_another_one_of_the_question_is_the_works():
    desk = Desk()

    async def breaks_too():
        try:
            await desk.answer()
        finally:
            raise LookupError

    with pytest.raises(Broken):
        await beside(breaks_too(), desk.fail)
    assert asyncio.current_task().cancelling() == 0


async def test_who_gives_up_while_the_work_fails_has_given_up():
    desk = Desk()

    def give_up_and_fail():
        waiting.cancel()
        desk.fail()

    waiting = asyncio.ensure_future(beside(desk.answer(), give_up_and_fail))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()
    assert desk.story == ["asked", "worked", "withdrawn"]


async def test_a_question_that_takes_too_long_ends_within_its_own_time_limit():
    """Limits of time cancel the asking task, and take that back."""
    desk = Desk()

    async def limited():
        async with asyncio.timeout(0.01):
            return await desk.answer()

    with pytest.raises(TimeoutError):
        await beside(limited(), lambda: None)
    assert desk.story == ["asked", "withdrawn"]
    assert asyncio.current_task().cancelling() == 0


# ------------------------------------------------------------------ acts


class Answered:
    """A token that takes note of what becomes of it."""

    def __init__(self, token):
        self.token, self.fate = token, []

    def check(self):
        self.fate.append("checked")

    def drop(self):
        self.fate.append("dropped")


def stamped(lane, token, level=Level.B_LTA, **more):
    async def answer(digest):
        answered = await token(digest)
        return answered if isinstance(answered, Answered) else Answered(answered)

    authority = LaneAuthority(answer, 100)
    return replace(lane.act, parts=TWO, level=level, authority=authority, **more)


async def test_finished_revisions_are_shown_while_the_next_token_is_due(lane):
    """What is shown is what is delivered; the last one is shown to nobody before its token."""
    pdf, shown, asked = doc.classic(), [], []

    async def token(digest):
        asked.append(len(shown))
        await asyncio.sleep(0.01)
        return b"\x30\x03\x02\x01" + bytes([len(asked)])

    ahead = []

    def show(finished, known):
        shown.append(finished)
        ahead.append(finished + known)

    written, names = await sign_in_lane(pdf, stamped(lane, token, prove_early=show))
    assert names == ("One1", "Two1")
    assert asked == [0, 0, 1]  # nothing is finished while the first token is under way
    ends = [0, *map(len, shown)]
    assert ends == sorted(set(ends))
    assert len(written.appended) > ends[-1]
    for one in shown:
        assert written.appended.startswith(one)
        assert one.endswith(b"%%EOF\n")
    for one in ahead:  # up to the message that is under way
        assert written.appended.startswith(one + b"<")
        assert one.endswith(b"/Contents ")


async def test_laying_ahead_writes_the_same_file_as_laying_in_turn(lane):
    """Whether the answer leaves time for work or not."""
    files = []
    for delay in (None, 0.01):

        async def token(digest, delay=delay):
            if delay is not None:
                await asyncio.sleep(delay)
            return b"\x30\x00"

        written, _ = await sign_in_lane(
            doc.classic(), stamped(lane, token, proof=ProofData((b"\x30\x01a",)))
        )
        files.append(written.appended)
    assert len(files[0]) == len(files[1])
    for made in files:
        assert made.count(b"/ETSI.CAdES.detached") == 2
        assert made.count(b"/ETSI.RFC3161") == 1
        assert made.count(b"%%EOF") == 3


async def test_a_failed_early_proof_stops_the_act_and_its_question(lane):
    asked, withdrawn, failed = [], [], []

    async def token(digest):
        asked.append(digest)
        try:
            await asyncio.sleep(0.01 if len(asked) == 1 else 30)
        except asyncio.CancelledError:
            withdrawn.append(digest)
            raise
        return b"\x30\x00"

    def prove(appended, known):
        failed.append(appended)
        raise Broken

    with pytest.raises(Broken):
        await sign_in_lane(doc.classic(), stamped(lane, token, Level.B_T, prove_early=prove))
    assert len(failed) == 1
    assert withdrawn == asked[1:]
    assert not others()


async def test_a_token_without_room_leaves_nothing_running(lane):
    async def token(digest):
        await asyncio.sleep(0)
        return bytes(5000)

    with pytest.raises(SigningUnavailable) as refused:
        await sign_in_lane(doc.classic(), stamped(lane, token))
    assert refused.value.code == "timestamp_too_long"
    assert not others()


async def test_every_token_is_checked_before_the_document_leaves(lane):
    """The first one beside the second wait, the last one at the end."""
    answered = []

    async def token(digest):
        await asyncio.sleep(0.01)
        answered.append(Answered(b"\x30\x00"))
        return answered[-1]

    await sign_in_lane(doc.classic(), stamped(lane, token))
    assert [one.fate for one in answered] == [["checked"]] * 3


@pytest.mark.parametrize("wrong", [1, 2, 3])
async def test_a_token_that_proves_nothing_stops_the_act(lane, wrong):
    answered = []

    class Lie(Answered):
        def check(self):
            super().check()
            raise Broken

    async def token(digest):
        await asyncio.sleep(0.01)
        kind = Lie if len(answered) + 1 == wrong else Answered
        answered.append(kind(b"\x30\x00"))
        return answered[-1]

    with pytest.raises(Broken):
        await sign_in_lane(doc.classic(), stamped(lane, token))
    assert len(answered) == wrong  # nothing is asked after it but what was under way
    assert all("checked" in one.fate for one in answered)
    assert not others()


async def test_tokens_of_an_act_that_is_given_up_are_dropped(lane):
    answered = []

    async def token(digest):
        if answered:
            await asyncio.sleep(30)
        answered.append(Answered(b"\x30\x00"))
        return answered[-1]

    asking = asyncio.ensure_future(sign_in_lane(doc.classic(), stamped(lane, token)))
    await asyncio.sleep(0)
    for _ in range(10):  # until the first token is there
        await asyncio.sleep(0)
    assert len(answered) == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert answered[0].fate in (["checked"], ["dropped"])
    assert not others()


@pytest.mark.parametrize("delay", [None, 0.01])
async def test_a_signature_is_checked_before_it_is_embedded(lane, delay):
    """Beside the wait for its time-stamp, or after an answer that left no time for it."""
    checked, asked = [], []

    def verify(raw, data):
        checked.append((raw, data))
        raise Broken

    async def token(digest):
        asked.append(digest)
        if delay is not None:
            await asyncio.sleep(delay)
        return b"\x30\x00"

    def show(*seen):
        shown.append(seen)

    signer = replace(lane.act.signer, verify=verify)
    shown = []
    for level in (Level.B_B, Level.B_T):
        act = stamped(
            lane, token, level, signer=signer, prove_early=lambda *seen: shown.append(seen)
        )
        act = replace(act, authority=None) if level is Level.B_B else act
        with pytest.raises(Broken):
            await sign_in_lane(doc.classic(), act)
    assert len(checked) == 2
    assert len(asked) == 1
    assert shown == []
    assert not others()
