"""The archive time-stamp's question goes wrong after the signature's went well."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from signing.contract import Level, Role, SigningUnavailable, SignOrder
from signing.evidence.eligibility import ChainBuilder, load_certificates
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.timestamps import TimestampAuthorities
from signing.evidence.unchecked import TokenRefused
from tests.signing.preservation.conftest import Moved


def order(pdf, **more):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, Level.B_LTA, **more)


def others():
    return asyncio.all_tasks() - {asyncio.current_task()}


async def lose_second(service, pdf, answer):
    """A service that knows its authority, whose second question from now on ends otherwise."""
    await service.sign(order(pdf))
    post, asked = service._fetcher.post, []

    async def second(url, body, headers, timeout_s):
        asked.append(body)
        raw = await post(url, body, headers, timeout_s)
        return raw if len(asked) % 2 else answer(raw)

    service._fetcher.post = second
    return asked


def lost(raw):
    raise FetchFailed("ServerDisconnectedError")


FAULTS = {
    "garbage": (lambda raw: b"garbage", "timestamp_untrusted"),
    "nothing": (lambda raw: b"", "timestamp_untrusted"),
    "half an answer": (lambda raw: raw[:-200], "timestamp_untrusted"),
    "a changed signature": (lambda raw: raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:],
                            "timestamp_untrusted"),
    "no answer": (lost, "timestamp_unavailable"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_signed_and_nothing_is_left_running(service, decision_pdf, fault):
    answer, code = FAULTS[fault]
    asked = await lose_second(service, decision_pdf, answer)
    before = others()
    with pytest.raises(SigningUnavailable) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == code
    assert len(asked) == 2
    assert others() <= before


@pytest.mark.parametrize("fault", FAULTS)
async def test_who_accepts_less_gets_less_with_the_reason(service, decision_pdf, fault):
    answer, code = FAULTS[fault]
    await lose_second(service, decision_pdf, answer)
    before = others()
    signed = await service.sign(order(decision_pdf, accept_lower=True))
    assert (signed.level, signed.shortfall) == (Level.B_B, code)
    assert (await service.validate(signed.pdf)).signatures[0].integrity
    assert others() <= before


async def test_the_same_token_again_is_refused(service, decision_pdf):
    """A token that was verified for one question is no answer to another."""
    kept = []

    def replay(raw):
        return kept[0]

    await lose_second(service, decision_pdf, replay)
    post = service._fetcher.post

    async def remember(*question):
        raw = await post(*question)
        kept.append(raw)
        return raw

    service._fetcher.post = remember
    with pytest.raises(SigningUnavailable) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == "timestamp_untrusted"


@pytest.mark.parametrize("late", [1, 2])
async def test_an_act_given_up_while_it_waits_leaves_no_question(service, decision_pdf, late):
    """The first and the second question; the connection's slot is free again."""
    await service.sign(order(decision_pdf))
    post, asked, hanging = service._fetcher.post, [], asyncio.Event()

    async def slow(*question):
        asked.append(question)
        if len(asked) == late:
            hanging.set()
            await asyncio.sleep(30)
        return await post(*question)

    service._fetcher.post = slow
    before = others()
    act = asyncio.ensure_future(service.sign(order(decision_pdf)))
    await hanging.wait()
    await asyncio.sleep(0.01)
    act.cancel()
    with pytest.raises(asyncio.CancelledError):
        await act
    assert others() <= before
    for _ in range(8):  # more than there are slots
        await service.sign(order(decision_pdf))


async def test_a_kept_certificate_is_refused_once_it_has_expired(server):
    """What is remembered about an authority says nothing about its dates."""
    clock, config = Moved(), server.signer_config()
    server.pki.clock = clock
    chains = ChainBuilder(load_certificates(config.roots), load_certificates(config.intermediates))
    async with Fetcher(config) as fetcher:
        (client,) = TimestampAuthorities(config, fetcher, chains, clock).in_order()
        await client.token(bytes(32))
        await client.token(bytes(32))
        expires = client.chain.certificates[0].not_valid_after_utc
        clock.by = expires - clock.now() - timedelta(seconds=30)
        await client.token(bytes(32))
        clock.by += timedelta(seconds=31)
        with pytest.raises(TokenRefused) as refused:
            await client.token(bytes(32))
    assert "not valid now" in str(refused.value)
