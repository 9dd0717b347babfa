"""Time-stamping authorities in trouble: breaker, attempts, slots, passwords, figures."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from datetime import timedelta

import pytest

from signing.clock import SystemClock
from signing.contract import (
    Level,
    Role,
    SigningUnavailable,
    SignOrder,
    TimestampAuthority,
)
from signing.evidence.breaker import FAILURES, LONGEST_REST, REST, Breaker
from signing.evidence.slots import NoSlot, slots_for
from signing.processes.pool import SignerPool
from signing.service import SigningService
from tests.signing.preservation.conftest import Moved


def order(pdf, level=Level.B_T, **more):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, level, **more)


def authority(server, **more):
    return TimestampAuthority(f"{server.base_url}/tsa", **{"timeout_s": 5.0} | more)


# ------------------------------------------------------------------ the breaker


def test_a_breaker_opens_probes_once_and_rests_longer_each_time():
    """Closed → open after three failures → one probe → closed, or a longer rest."""
    clock = Moved()
    breaker = Breaker(clock)
    assert [breaker.enter() and breaker.failed() for _ in range(FAILURES)] == [False, False, True]
    assert breaker.is_open
    assert not breaker.enter()
    clock.by += REST
    assert breaker.enter()  # the probe
    assert not breaker.enter()  # nobody else meanwhile
    assert breaker.failed()
    clock.by += REST
    assert breaker.is_open  # the rest has doubled
    clock.by += REST
    assert breaker.enter()
    breaker.leave()  # given up without a verdict: somebody else may probe
    assert breaker.enter()
    breaker.succeeded()
    assert breaker.enter()
    assert not breaker.is_troubled


def test_a_breaker_never_rests_longer_than_its_limit():
    clock = Moved()
    breaker = Breaker(clock)
    for _ in range(FAILURES + 20):
        clock.by += LONGEST_REST
        assert breaker.enter()
        breaker.failed()
    clock.by += LONGEST_REST
    assert not breaker.is_open


async def test_a_dead_authority_is_left_alone_and_comes_back(server, decision_pdf):
    """After three failures nobody asks it; after the rest one probe closes the breaker."""
    clock = Moved()
    server.pki.clock = clock
    service = SigningService(server.signer_config(), clock)
    server.faults.tsa_down = True
    for _ in range(FAILURES + 3):
        with pytest.raises(SigningUnavailable) as failed:
            await service.sign(order(decision_pdf))
        assert failed.value.code == "timestamp_unavailable"
    assert server.calls.tsa == FAILURES
    server.faults.tsa_down = False
    clock.by = REST + timedelta(seconds=1)
    assert (await service.sign(order(decision_pdf))).level is Level.B_T
    await service.close()


async def test_a_liar_stays_a_liar_while_it_rests(make_service, server, decision_pdf):
    """The reason told is the one that opened the breaker."""
    service = make_service()
    server.faults.tsa_time_offset = timedelta(hours=1)
    for _ in range(FAILURES + 2):
        with pytest.raises(SigningUnavailable) as failed:
            await service.sign(order(decision_pdf))
        assert failed.value.code == "timestamp_untrusted"
    assert server.calls.tsa == FAILURES


# ------------------------------------------------------------------ options of one authority


async def test_attempts_are_made_before_the_next_authority(make_service, server, decision_pdf):
    """Two 503 answers, then a time-stamp: three attempts on one authority."""
    one = authority(server, attempts=3, backoff_s=0.01)
    service = make_service(timestamp_urls=(), timestamp_authorities=(one,))
    server.faults.tsa_failures = 2
    await service.sign(order(decision_pdf))
    assert server.calls.tsa == 3 + 1  # the look at the authority, then the signature's own


async def test_a_lie_is_not_asked_for_again(make_service, server, decision_pdf):
    """Attempts are for silence; what lies once is left for the next authority."""
    one = authority(server, attempts=3, backoff_s=0.01)
    service = make_service(timestamp_urls=(), timestamp_authorities=(one,))
    server.faults.tsa_wrong_nonce = True
    with pytest.raises(SigningUnavailable):
        await service.sign(order(decision_pdf))
    assert server.calls.tsa == 1


async def test_an_authority_may_want_a_password(make_service, server, decision_pdf):
    """HTTP basic authentication; without it the authority refuses."""
    server.faults.tsa_password = "tinh-mau:mat-khau"
    with pytest.raises(SigningUnavailable):
        await make_service().sign(order(decision_pdf))
    known = authority(server, user="tinh-mau", password="mat-khau")
    assert "mat-khau" not in repr(known)
    signed = await make_service(timestamp_authorities=(known,)).sign(order(decision_pdf))
    assert signed.level is Level.B_T


def test_an_authoritys_options_win_at_its_place_in_the_list(server):
    """``urls`` give the order, the table the options; every address once."""
    config = server.signer_config()
    known = TimestampAuthority(config.timestamp_urls[0], timeout_s=180.0)
    other = TimestampAuthority("http://tsa.example.vn/")
    config = dataclasses.replace(config, timestamp_authorities=(other, known))
    assert config.authorities == (known, other)


# ------------------------------------------------------------------ slots


@pytest.mark.parametrize("shared", [False, True])
async def test_an_authority_never_gets_more_requests_at_once_than_agreed(
    make_service, server, decision_pdf, tmp_path, shared
):
    """Six signatures at once, two slots: counted at the authority, none is refused."""
    one = authority(server, concurrent=2)
    folder = str(tmp_path) if shared else ""
    service = make_service(timestamp_authorities=(one,), timestamp_slots=folder)
    await service.sign(order(decision_pdf))
    server.faults.tsa_delay_s = 0.05
    server.calls.tsa_at_once = 0
    await asyncio.gather(*(service.sign(order(decision_pdf)) for _ in range(6)))
    assert server.calls.tsa_at_once == 2


@pytest.mark.long
async def test_signer_processes_share_the_slots(server, decision_pdf):
    """Three processes, one slot: the authority sees one request at a time."""
    config = dataclasses.replace(
        server.signer_config(), timestamp_authorities=(authority(server, concurrent=1),)
    )
    server.faults.tsa_delay_s = 0.1
    async with SignerPool(config, 3) as pool:
        signed = await asyncio.gather(*(pool.sign(order(decision_pdf)) for _ in range(3)))
    assert [s.level for s in signed] == [Level.B_T] * 3
    assert server.calls.tsa_at_once == 1


async def test_a_killed_holder_frees_its_slot(tmp_path):
    """The kernel lets go of a dead process's lock file."""
    hold = (
        "import asyncio, sys\n"
        "from signing.evidence.slots import slots_for\n"
        "async def run():\n"
        "    async with slots_for('tsa', 1, sys.argv[1]).taken(5):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hold, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert await holder.stdout.readline() == b"held\n"
    slots = slots_for("tsa", 1, str(tmp_path))
    with pytest.raises(NoSlot):
        async with slots.taken(0.05):
            pass
    holder.kill()
    await holder.wait()
    async with slots.taken(5):
        pass


async def test_a_full_authority_is_busy_not_broken(make_service, server, decision_pdf):
    """Waiting in vain for a slot says nothing against the authority."""
    one = authority(server, concurrent=1)
    service = make_service(timestamp_authorities=(one,))
    (client,) = service._authorities.in_order()
    await client.ready()  # with as much patience as it takes
    client._authority = dataclasses.replace(one, timeout_s=0.2)
    async with client._slots.taken(1):
        with pytest.raises(SigningUnavailable) as failed:
            await service.sign(order(decision_pdf))
    assert failed.value.code == "timestamp_unavailable"
    assert not client.breaker.is_troubled
    assert [t.outcome for t in service.drain_trips()] == ["granted", "busy"]


# ------------------------------------------------------------------ figures


async def test_every_asking_is_noted_once(make_service, server, decision_pdf):
    """Host, outcome, seconds; collecting empties the list."""
    urls = ("http://127.0.0.1:1/tsa", f"{server.base_url}/tsa")
    service = make_service(timestamp_urls=urls)
    await service.sign(order(decision_pdf))
    trips = service.drain_trips()
    assert [(t.authority, t.outcome) for t in trips] == [
        ("127.0.0.1", "failed"),
        ("127.0.0.1", "granted"),
        ("127.0.0.1", "granted"),
    ]
    assert all(t.seconds >= 0 for t in trips)
    assert service.drain_trips() == ()


@pytest.mark.long
async def test_figures_come_out_of_the_signer_process(server, decision_pdf):
    """The pool hands them to whoever keeps metrics, also when the signing failed."""
    told = []
    async with SignerPool(
        server.signer_config(), clock=SystemClock(), on_trips=told.extend
    ) as pool:
        await pool.sign(order(decision_pdf))
        server.faults.tsa_down = True
        with pytest.raises(SigningUnavailable):
            await pool.sign(order(decision_pdf))
    assert [t.outcome for t in told] == ["granted", "granted", "failed"]
