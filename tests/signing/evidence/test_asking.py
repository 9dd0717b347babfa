"""Asking about revocation: once for everybody, under another name, in either form."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from signing.clock import SystemClock
from signing.contract import CredentialRefused, Level, Role, SignerConfig, SignOrder
from signing.evidence import revocation
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.evidence.single_flight import SingleFlight
from signing.service import SigningService


def order(pdf, level=Level.B_B):
    return SignOrder(pdf, "official-ec", Role.INVISIBLE, level)


@pytest.mark.parametrize("ocsp_down", [False, True])
async def test_concurrent_checks_of_one_certificate_ask_once(
    service, server, decision_pdf, ocsp_down
):
    """Five documents at once: one OCSP question and one CRL for the issuer, counted there."""
    server.faults.ocsp_delay_s, server.faults.ocsp_down = 0.05, ocsp_down
    await asyncio.gather(*(service.sign(order(decision_pdf)) for _ in range(5)))
    assert server.calls.ocsp == 1
    assert server.calls.crl == (2 if ocsp_down else 1)  # the issuer's own, from the root


async def test_who_gives_up_waiting_stops_nobody_else():
    """One asker is cancelled; the other gets the one answer; an error is everybody's."""
    flight, asked, go = SingleFlight(), [], asyncio.Event()

    async def ask():
        asked.append(1)
        await go.wait()
        return "good"

    first, second = (asyncio.ensure_future(flight.do("q", ask)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "good"
    assert first.cancelled() or first.cancelling()
    assert len(asked) == 1

    async def fail():
        await asyncio.sleep(0)
        raise FetchFailed("away")

    failed = await asyncio.gather(*(flight.do("q", fail) for _ in range(2)), return_exceptions=True)
    assert [type(error) for error in failed] == [FetchFailed] * 2
    assert await flight.do("q", ask) == "good"


async def test_hosts_of_the_private_network_are_asked_under_another_name(server, decision_pdf):
    """Certificates say ocsp.ca.ptc; the operator says where that is from here."""
    base = server.base_url
    try:
        config = server.pki.signer_config(f"http://ocsp.ca.ptc:{server.port}")
        config = dataclasses.replace(
            config,
            timestamp_urls=(f"{base}/tsa",),
            rewrite_hosts=(("ocsp.CA.ptc", "127.0.0.1"),),
            allow_loopback=False,
        )
        service = SigningService(config, SystemClock())
        assert (await service.sign(order(decision_pdf, Level.B_LT))).level is Level.B_LT
        await service.close()
        assert server.calls.ocsp == 2
    finally:
        server.pki.issue_for(base)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://ocsp.ca.ptc/x?y=1", "http://ocsp.ca.gov.vn/x?y=1"),
        ("http://OCSP.ca.ptc:8080/x", "http://ocsp.ca.gov.vn:8080/x"),
        ("http://crl.ca.ptc/a.crl", "http://proxy.example.vn:3128/a.crl"),
        ("http://ocsp.vnpt-ca.vn/", "http://ocsp.vnpt-ca.vn/"),
    ],
)
def test_only_the_host_is_rewritten(url, asked):
    rewrites = (("ocsp.ca.ptc", "ocsp.ca.gov.vn"), ("crl.ca.ptc", "proxy.example.vn:3128"))
    fetcher = Fetcher(SignerConfig(rewrite_hosts=rewrites, fetch_hosts=("ocsp.vnpt-ca.vn",)))
    assert fetcher.rewritten(url) == asked
    assert fetcher.permits(asked)
    assert not fetcher.permits("http://ocsp.ca.ptc/x")


async def test_a_crl_in_pem_is_read(service, server, decision_pdf):
    """As rootca.gov.vn serves it; and it is believed: a revocation in it counts."""
    server.faults.ocsp_down = server.faults.crl_pem = True
    assert (await service.sign(order(decision_pdf, Level.B_LT))).level is Level.B_LT
    service._revocation._answers.clear()
    service._revocation.kept._here.clear()
    server.revoke(server.pki.certificate("official-ec").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == "certificate_revoked"


async def test_a_responder_that_hangs_is_given_up_for_the_crl(
    service, server, decision_pdf, monkeypatch
):
    """Silence is no answer: the issuer's CRL decides, and a revocation in it counts."""
    monkeypatch.setattr(revocation, "FETCH_TIMEOUT_S", 0.3)
    server.faults.ocsp_delay_s = 5.0
    server.revoke(server.pki.certificate("official-ec").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == "certificate_revoked"
    assert server.calls.ocsp == 1
