"""Time-stamping authorities that fail, lie or answer late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signing.clock import SystemClock
from signing.contract import Level, Role, SigningUnavailable, SignOrder
from signing.devpki import DevPki, DevPkiServer


def order(pdf, level=Level.B_T):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, level)


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
async def test_no_authority_no_signature(service, server, decision_pdf, level):
    """The level needs a time-stamp; without one nothing is signed."""
    server.faults.tsa_down = True
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order(decision_pdf, level))
    assert failed.value.code == "timestamp_unavailable"
    assert "chưa được ký" in failed.value.message_vi


async def test_b_b_needs_no_authority(service, server, decision_pdf):
    """The lowest level asks nobody for the time."""
    server.faults.tsa_down = True
    await service.sign(order(decision_pdf, Level.B_B))
    assert server.calls.tsa == 0


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LTA])
async def test_the_next_authority_is_tried(make_service, server, decision_pdf, level):
    """An address that refuses the connection is followed by one that answers, then rests."""
    urls = ("http://127.0.0.1:1/tsa", f"{server.base_url}/tsa")
    service = make_service(timestamp_urls=urls)
    for _ in range(2):
        signed = await service.sign(order(decision_pdf, level))
        assert signed.level is level
    first = next(iter(service._authorities.in_order()))
    assert first.url == urls[1]


@pytest.mark.parametrize(
    "fault",
    [
        {"tsa_wrong_nonce": True},
        {"tsa_wrong_imprint": True},
        {"tsa_time_offset": timedelta(hours=1)},
        {"tsa_time_offset": timedelta(days=-2)},
    ],
)
async def test_a_lying_authority_is_refused(service, server, decision_pdf, fault):
    """Nonce, imprint and time must be true."""
    for name, value in fault.items():
        setattr(server.faults, name, value)
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order(decision_pdf))
    assert failed.value.code == "timestamp_untrusted"


async def test_an_authority_that_starts_lying_midway_is_refused(service, server, decision_pdf):
    """A token is checked every time, not only the first."""
    await service.sign(order(decision_pdf, Level.B_LTA))
    server.faults.tsa_wrong_imprint = True
    with pytest.raises(SigningUnavailable):
        await service.sign(order(decision_pdf, Level.B_LTA))


async def test_an_authority_that_refuses_is_unavailable(service, server, decision_pdf):
    """PKIStatus rejection."""
    server.faults.tsa_refuses = True
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order(decision_pdf))
    assert failed.value.code == "timestamp_unavailable"


async def test_a_late_authority_is_given_up(make_service, server, decision_pdf):
    """The time limit is the configured one."""
    server.faults.tsa_delay_s = 5
    service = make_service(timestamp_timeout_s=0.3)
    with pytest.raises(SigningUnavailable):
        await service.sign(order(decision_pdf))


async def test_a_foreign_authority_is_refused(make_service, decision_pdf, tmp_path):
    """An authority that does not chain to a configured root proves nothing."""
    other = DevPki.create(tmp_path / "other", SystemClock())
    async with DevPkiServer(other) as stranger:
        service = make_service(timestamp_urls=(f"{stranger.base_url}/tsa",))
        with pytest.raises(SigningUnavailable) as failed:
            await service.sign(order(decision_pdf))
    assert failed.value.code == "timestamp_untrusted"


async def test_no_configured_authority_says_so(make_service, decision_pdf):
    """A clear code for the operator."""
    with pytest.raises(SigningUnavailable) as failed:
        await make_service(timestamp_urls=()).sign(order(decision_pdf))
    assert failed.value.code == "timestamp_not_configured"


async def test_one_dummy_request_a_process(service, server, decision_pdf):
    """The client is kept: one look at the authority, then one request a time-stamp."""
    for _ in range(3):
        await service.sign(order(decision_pdf))
    assert server.calls.tsa == 1 + 3
