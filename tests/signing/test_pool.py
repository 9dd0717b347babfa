"""The signer pool: keys in the child, limits, deaths, and answers that cannot hurt the parent."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal

import pytest

from signing.contract import (
    CredentialRefused,
    DocumentRefused,
    Level,
    Role,
    Signatures,
    SigningUnavailable,
    SignOrder,
)
from signing.pool import SignerPool
from signing.signer_process import AnswerUnreadable, read_answer, write_answer


def order(pdf, level=Level.B_B, key="official-ec"):
    return SignOrder(pdf, key, Role.PERSON, level)


async def test_a_pool_signs_and_a_killed_child_is_replaced(server, decision_pdf):
    """Start lazily; refusals come back whole; a death in mid-job is told and the next job works."""
    async with SignerPool(server.signer_config()) as pool:
        assert isinstance(pool, Signatures)
        assert pool.pids == ()
        signed = await pool.sign(order(decision_pdf, Level.B_LTA))
        assert signed.pdf.startswith(decision_pdf)
        assert signed.level is Level.B_LTA
        assert {c.name for c in await pool.credentials()} == {
            "official-rsa",
            "official-ec",
            "agency",
        }
        with pytest.raises(DocumentRefused) as refused:
            await pool.sign(order(b"not a pdf"))
        assert refused.value.code == "not_a_pdf"
        with pytest.raises(CredentialRefused):
            await pool.sign(order(decision_pdf, key="nobody"))

        (pid,) = pool.pids
        server.faults.tsa_delay_s = 3.0
        job = asyncio.ensure_future(pool.sign(order(decision_pdf, Level.B_T)))
        while server.calls.tsa < 4:  # noqa: ASYNC110 - the server is in another thread; the child is waiting for the time-stamp now
            await asyncio.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(SigningUnavailable) as lost:
            await job
        assert lost.value.code == "signer_died"
        assert "chưa được ký" in lost.value.message_vi
        server.faults.tsa_delay_s = 0.0
        assert (await pool.sign(order(decision_pdf))).pdf.startswith(decision_pdf)
        assert pool.pids != (pid,)
    assert pool.pids == ()


async def test_a_job_that_takes_too_long_is_ended(server, decision_pdf):
    """The limit kills the child; nothing stays behind."""
    async with SignerPool(server.signer_config(), job_limit_s=30.0) as pool:
        await pool.credentials()
        (pid,) = pool.pids
        pool._limit_s = 0.5
        server.faults.tsa_delay_s = 4.0
        with pytest.raises(SigningUnavailable) as late:
            await pool.sign(order(decision_pdf, Level.B_T))
        assert late.value.code == "signer_timeout"
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_closed_pool_says_so(server, decision_pdf):
    """No job is taken after close."""
    pool = SignerPool(server.signer_config())
    await pool.close()
    with pytest.raises(SigningUnavailable) as closed:
        await pool.sign(order(decision_pdf))
    assert closed.value.code == "signer_closed"


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


@pytest.mark.parametrize("data", [pickle.dumps(("done", Evil())), b"", b"\x80\x04junk"])
def test_the_parent_reads_nothing_but_our_own_values(data):
    """A child taken over by a hostile PDF cannot make the parent run code."""
    with pytest.raises(AnswerUnreadable):
        read_answer(data)


def test_refusals_keep_their_kind_and_words():
    """What the child raised is what the caller sees."""
    for kind in (DocumentRefused, CredentialRefused, SigningUnavailable):
        with pytest.raises(kind) as seen:
            read_answer(write_answer(kind("code", "lý do", "reason")))
        assert (seen.value.code, seen.value.message_vi) == ("code", "lý do")
