"""Sign now, raise later: the level that can be reached, and why not more."""

from __future__ import annotations

import pytest

from signing.contract import Level, Role, SigningUnavailable, SignOrder, Verdict


def down(server, *names):
    for name in names:
        setattr(server.faults, name, True)


@pytest.mark.parametrize(
    ("faults", "level", "reached", "why"),
    [
        (("tsa_down",), "B-LTA", "B-B", "timestamp_unavailable"),
        (("tsa_down",), "B-T", "B-B", "timestamp_unavailable"),
        (("tsa_wrong_nonce",), "B-LTA", "B-B", "timestamp_untrusted"),
        (("ocsp_down", "crl_down"), "B-LTA", "B-T", "revocation_unavailable"),
        (("ocsp_down", "crl_down"), "B-LT", "B-T", "revocation_unavailable"),
        (("ocsp_down", "crl_down", "tsa_down"), "B-LTA", "B-B", "revocation_unavailable"),
        ((), "B-LTA", "B-LTA", ""),
    ],
)
async def test_the_reachable_level_is_signed_and_raised_later(
    signed, keeper, own_pki, faults, level, reached, why
):
    """The reason is the first failure; once services are back one extension reaches the order."""
    down(own_pki, *faults)
    done = await signed(level, accept_lower=True)
    assert (done.level, done.shortfall) == (Level(reached), why)
    assert (await keeper.provability(done.pdf)).level is Level(reached)
    own_pki.faults = type(own_pki.faults)()
    raised = await keeper.extend(done.pdf, Level(level))
    assert raised.level is Level(level)
    if level == "B-LTA":
        assert (await keeper.validate(raised.pdf)).verdict is Verdict.VALID


async def test_an_order_that_does_not_accept_less_is_refused(signed, own_pki):
    """The default."""
    down(own_pki, "tsa_down")
    with pytest.raises(SigningUnavailable):
        await signed("B-LTA")


async def test_a_mistake_in_the_configuration_is_not_an_outage(make_service, decision_pdf):
    """No authority configured: nothing will come back, so nothing is signed lower."""
    service = make_service(timestamp_urls=())
    order = SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T, accept_lower=True)
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order)
    assert failed.value.code == "timestamp_not_configured"
