"""The signer pool: keys in the child, limits, deaths, and answers that cannot hurt the parent."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import zlib

import pytest
from pyhanko.pdf_utils import generic

from signing.contract import (
    CredentialRefused,
    DocumentRefused,
    HandOffs,
    KeyTrying,
    Level,
    Preserving,
    RemoteItem,
    RemoteSignatures,
    RemoteState,
    Role,
    Severity,
    Signatures,
    SigningError,
    SigningUnavailable,
    SignOrder,
    Verdict,
)
from signing.devpki.smartca_simulator import SmartCaSimulator
from signing.processes.limits import Limits
from signing.processes.pool import SignerPool
from tests.signing.validation.signing_kit import make_pdf, update

BROKEN = make_pdf().replace(b"/Count 1", b"/Count 7")


def memory_bomb():
    """A page that inflates to more than a small reader may hold, within the ratio limits."""
    noise = os.urandom(1024) * 300 * 1024
    flat = zlib.compress(noise, 1)

    def plant(writer):
        stream = generic.StreamObject(
            dict_data={generic.pdf_name("/Filter"): generic.pdf_name("/FlateDecode")},
            encoded_data=flat,
        )
        page = writer.root["/Pages"]["/Kids"][0]
        page[generic.pdf_name("/Contents")] = writer.add_object(stream)
        writer.update_container(page)

    return update(make_pdf(), plant)


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
        assert isinstance(pool, KeyTrying)
        await pool.try_key(order(b""))
        with pytest.raises(CredentialRefused, match="wrong_pin"):
            await pool.try_key(dataclasses.replace(order(b""), pin="0"))
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


@pytest.mark.long
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


async def test_a_dangerous_file_never_meets_a_process_with_keys(server, decision_pdf):
    """Readers have no keys; a signer is only started for what a reader found clean."""
    script = make_pdf(catalog="/OpenAction << /S /JavaScript /JS (x) >>")
    async with SignerPool(server.signer_config()) as pool:
        assert (await pool.inspect(script)).blocked
        assert (await pool.validate(script)).verdict is Verdict.INDETERMINATE
        for pdf, code in (
            (script, "javascript"),
            (b"MZ", "not_a_pdf"),
            (BROKEN, "broken_page_tree"),
        ):
            with pytest.raises(DocumentRefused) as refused:
                await pool.sign(order(pdf))
            assert refused.value.code == code
        assert pool.pids == ()
        assert len(pool.reader_pids) == 1
        assert await pool._read("credentials") == ()
        repaired = (await pool.inspect(BROKEN)).repaired
        assert (await pool.sign(order(repaired.pdf))).pdf.startswith(repaired.pdf)
        assert len(pool.pids) == 1


@pytest.mark.long
async def test_a_file_is_read_once_however_often_it_is_signed(server, decision_pdf):
    """What a reader found clean is remembered by its hash."""
    async with SignerPool(server.signer_config()) as pool:
        await pool.inspect(decision_pdf)
        os.kill(pool.reader_pids[0], signal.SIGSTOP)  # a reader that answers nothing any more
        try:
            for _ in range(2):
                assert (await pool.sign(order(decision_pdf))).pdf.startswith(decision_pdf)
        finally:
            os.kill(pool.reader_pids[0], signal.SIGCONT)


@pytest.mark.long
async def test_a_reader_that_gives_up_is_a_finding_and_is_replaced(server, decision_pdf):
    """Time, memory and death: the file is named, the next one is served."""
    limits = Limits(seconds=30.0, memory_bytes=400 * 1024**2)
    async with SignerPool(server.signer_config(), reading=limits) as pool:
        bomb = await pool.inspect(memory_bomb())
        assert [f.code for f in bomb.findings if f.severity is Severity.BLOCK] == [
            "inspection_memory"
        ]
        assert not (await pool.inspect(decision_pdf)).blocked
        (pid,) = pool.reader_pids
        os.kill(pid, signal.SIGSTOP)
        pool._reading = Limits(seconds=0.1)
        (found,) = (await pool.inspect(decision_pdf)).findings
        assert found.code == "inspection_timeout"
        pool._reading = limits
        assert not (await pool.inspect(decision_pdf)).blocked
        (other,) = pool.reader_pids
        assert other != pid
        os.kill(other, signal.SIGSTOP)  # so that it has the job and cannot finish it
        job = asyncio.ensure_future(pool.validate(memory_bomb()))
        await asyncio.sleep(0.3)
        os.kill(other, signal.SIGKILL)
        verdict = await job
        assert verdict.verdict is Verdict.INDETERMINATE
        assert "dừng đột ngột" in verdict.summary


@pytest.mark.long
async def test_an_order_of_wrong_types_costs_no_child(server, decision_pdf):
    """The caller is told; the child stays for the next order."""
    async with SignerPool(server.signer_config()) as pool:
        await pool.sign(order(decision_pdf))
        before = pool.pids
        with pytest.raises(SigningError) as refused:
            await pool.sign(dataclasses.replace(order(decision_pdf), capacity=5))
        assert refused.value.code == "internal_error"
        assert (await pool.sign(order(decision_pdf))).pdf.startswith(decision_pdf)
        assert pool.pids == before


async def test_a_closed_pool_says_so(server, decision_pdf):
    """No job is taken after close."""
    pool = SignerPool(server.signer_config())
    await pool.close()
    with pytest.raises(SigningUnavailable) as closed:
        await pool.sign(order(decision_pdf))
    assert closed.value.code == "signer_closed"


@pytest.mark.long
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


@pytest.mark.long
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
