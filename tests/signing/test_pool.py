"""The signer pool: keys in the child, limits, deaths, and answers that cannot hurt the parent."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pickle
import signal

import pytest

from signing.contract import (
    CredentialRefused,
    DocumentRefused,
    HandOffs,
    Level,
    Preserving,
    RemoteItem,
    RemoteSignatures,
    RemoteState,
    Role,
    Signatures,
    SigningUnavailable,
    SignOrder,
)
from signing.devpki.smartca_simulator import SmartCaSimulator
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
        assert isinstance(pool, Preserving)
        extended = await pool.extend(signed.pdf, Level.B_LTA)
        assert await pool.provability(extended.pdf) == extended.provability
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
        while server.calls.tsa < 5:  # noqa: ASYNC110 - the server is in another thread; the child is waiting for the time-stamp now
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


async def test_two_halves_through_a_pool(server, decision_pdf):
    """Values cross both ways; a child lost over a sending leaves the outcome unknown."""
    async with SmartCaSimulator(server.pki) as simulator:
        keys = (simulator.key_config(),)
        config = dataclasses.replace(server.signer_config(), keys=keys)
        async with SignerPool(config) as pool:
            assert isinstance(pool, RemoteSignatures)
            assert isinstance(pool, HandOffs)
            asked = order(decision_pdf, Level.B_T, "smartca")
            asked = dataclasses.replace(asked, role=Role.INVISIBLE)
            prepared = await pool.prepare(asked)
            items = (RemoteItem("doc-1", prepared.to_be_signed, "Quyết định"),)
            ticket = await pool.start("smartca", "ref-1", items)
            simulator.confirm("official-rsa")
            told = await pool.read_callback("smartca", {}, simulator.webhook("ref-1"))
            assert told.reference == "ref-1"
            ticket = await pool.ask(ticket)
            assert (await pool.cancel(ticket)).state is RemoteState.DONE
            signed = await pool.finish(prepared, ticket.signatures["doc-1"])
            assert signed.level is Level.B_T
            with pytest.raises(CredentialRefused) as refused:
                await pool.accept_hand_off(asked, decision_pdf)
            assert refused.value.code == "not_handed_off"
            pool._limit_s = 0.5
            simulator.faults.silent_after_work = True
            lost = await pool.start("smartca", "ref-2", items)
            assert (lost.state, lost.reference) == (RemoteState.UNKNOWN, "ref-2")
            simulator.faults.silent_after_work = False
            pool._limit_s = 30.0
            assert (await pool.ask(lost)).state is RemoteState.WAITING_USER
        assert simulator.calls.start == 2


async def test_a_slow_provider_keeps_nobody_from_signing(server, decision_pdf):
    """Conversations have children of their own."""
    async with SmartCaSimulator(server.pki) as simulator:
        keys = (simulator.key_config(), *server.signer_config().keys)
        config = dataclasses.replace(server.signer_config(), keys=keys)
        async with SignerPool(config) as pool:
            await pool.sign(order(decision_pdf))
            simulator.faults.silent_before_work = True
            item = RemoteItem("doc-1", b"x", "Quyết định")
            waits = [
                asyncio.ensure_future(pool.start("smartca", f"ref-{n}", (item,))) for n in range(2)
            ]
            while simulator.calls.start < 2:  # noqa: ASYNC110 - the simulator runs in this loop
                await asyncio.sleep(0.02)
            assert (await pool.sign(order(decision_pdf))).pdf.startswith(decision_pdf)
            assert not any(one.done() for one in waits)
            simulator._stopping.set()
            assert {(await one).state for one in waits} == {RemoteState.WAITING_USER}


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
