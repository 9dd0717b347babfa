"""Revoked certificates, responders that are down, stale or strangers; the cache; the allow-list."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import (
    CredentialRefused,
    Level,
    Role,
    SignerConfig,
    SigningUnavailable,
    SignOrder,
)
from signing.evidence.fetching import Fetcher, FetchFailed
from signing.service import SigningService


def order(pdf, level=Level.B_LTA, key="official-ec"):
    return SignOrder(pdf, key, Role.INVISIBLE, level)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
@pytest.mark.parametrize("ocsp_down", [False, True])
async def test_a_revoked_certificate_is_refused(service, server, decision_pdf, level, ocsp_down):
    """By OCSP, and by CRL when OCSP is down; at every level."""
    server.revoke(server.pki.certificate("official-ec").serial_number)
    server.faults.ocsp_down = ocsp_down
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order(decision_pdf, level))
    assert refused.value.code == "certificate_revoked"
    assert "thu hồi" in refused.value.message_vi


async def test_a_revoked_issuer_is_refused(service, server, decision_pdf):
    """The whole chain counts."""
    server.revoke(server.pki.issuing.certificate.serial_number)
    with pytest.raises(CredentialRefused):
        await service.sign(order(decision_pdf))


async def test_a_revoked_timestamp_certificate_stops_the_level(service, server, decision_pdf):
    """A time-stamp of a revoked authority would not be proof."""
    server.revoke(server.pki.tsa.certificate.serial_number)
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order(decision_pdf))
    assert failed.value.code == "timestamp_authority_status"


async def test_nobody_to_ask_refuses_only_levels_that_need_proof(service, server, decision_pdf):
    """B-LT and B-LTA need the answer; B-B and B-T are signed with a warning."""
    server.faults.ocsp_down = server.faults.crl_down = True
    for level in (Level.B_LT, Level.B_LTA):
        with pytest.raises(SigningUnavailable) as failed:
            await service.sign(order(decision_pdf, level))
        assert failed.value.code == "revocation_unavailable"
    for level in (Level.B_B, Level.B_T):
        assert (await service.sign(order(decision_pdf, level))).level is level


@pytest.mark.parametrize("fault", ["ocsp_stranger", "ocsp_stale"])
async def test_an_answer_that_proves_nothing_is_no_answer(service, server, decision_pdf, fault):
    """A stranger's or a stale “good” does not hide a revocation that the CRL knows."""
    setattr(server.faults, fault, True)
    server.faults.ocsp_always_good = True
    server.revoke(server.pki.certificate("official-ec").serial_number)
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(order(decision_pdf))
    assert refused.value.code == "certificate_revoked"


async def test_a_strangers_answer_alone_is_refused(service, server, decision_pdf):
    """Without a CRL there is nothing left to believe."""
    server.faults.ocsp_stranger = server.faults.crl_down = True
    with pytest.raises(SigningUnavailable) as failed:
        await service.sign(order(decision_pdf))
    assert failed.value.code == "revocation_unavailable"


async def test_answers_are_kept_until_they_are_old(server, decision_pdf):
    """Ten documents, one question a certificate; asked again after an hour."""
    clock = Shifted()
    server.pki.clock = clock
    service = SigningService(server.signer_config(), clock)
    for _ in range(4):
        await service.sign(order(decision_pdf))
    assert (server.calls.ocsp, server.calls.crl) == (2, 1)
    clock.shift += timedelta(minutes=61)
    await service.sign(order(decision_pdf))
    assert server.calls.ocsp == 4
    await service.close()


@dataclasses.dataclass
class Shifted:
    """The system's time moved by some amount."""

    shift: timedelta = timedelta()

    def now(self):
        return datetime.now(UTC) + self.shift


async def test_a_host_outside_the_allow_list_is_never_asked(make_service, server, decision_pdf):
    """The certificate names our responder, but the operator did not list it."""
    service = make_service(fetch_hosts=("ocsp.example.vn",), timestamp_urls=())
    with pytest.raises(SigningUnavailable):
        await service.sign(order(decision_pdf, Level.B_LT))
    assert server.calls.ocsp == server.calls.crl == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://10.0.0.8/x",
        "http://169.254.169.254/latest",
        "http://[::1]/x",
        "http://localhost/x",
        "file:///etc/passwd",
        "ftp://198.51.100.1/x",
    ],
)
async def test_private_addresses_are_not_fetched(url):
    """Without a list, only public addresses; a name that resolves to loopback is none."""
    async with Fetcher(SignerConfig()) as fetcher:
        with pytest.raises(FetchFailed):
            await fetcher.get(url, 1.0)
