"""Asking OCSP and CRL services, when the operator allows it: fresh answers, never a guess."""

from __future__ import annotations

import asyncio

import pytest

from signing.contract import Level, Role, SignOrder, Verdict
from signing.evidence.revocation import RevocationChecker


@pytest.fixture
async def stamped(service, decision_pdf):
    """B-T: a proven time and nothing about revocation in the file."""
    return (await service.sign(SignOrder(decision_pdf, "official-ec", Role.PERSON, Level.B_T))).pdf


async def test_offline_is_the_rule_and_nobody_is_asked(make_service, stamped, server):
    service = make_service()
    before = (server.calls.ocsp, server.calls.crl)
    validation = await service.validate(stamped)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures[0].reason == "revocation_unknown"
    assert not validation.online
    assert (server.calls.ocsp, server.calls.crl) == before


async def test_a_fresh_answer_makes_the_signature_valid_and_raises_no_level(make_service, stamped):
    validation = await make_service(online_revocation=True).validate(stamped)
    (signature,) = validation.signatures
    assert validation.verdict is Verdict.VALID, signature.messages
    assert validation.online
    assert signature.certificate_status == "good"
    assert signature.level == "B-T"


@pytest.mark.parametrize("fault", ["ocsp_stranger", "ocsp_down"])
async def test_what_nobody_can_be_believed_about_stays_unknown(
    make_service, stamped, server, fault
):
    setattr(server.faults, fault, True)
    server.faults.crl_down = True
    validation = await make_service(online_revocation=True).validate(stamped)
    (signature,) = validation.signatures
    assert validation.verdict is Verdict.INDETERMINATE
    assert signature.certificate_status == "unknown"
    assert any("không trả lời" in message for message in signature.messages)
    assert signature.integrity


async def test_a_certificate_revoked_before_signing_is_found(make_service, server, decision_pdf):
    """Signed while the services were silent about it: only asking tells."""
    server.faults.ocsp_down = server.faults.crl_down = True
    signed = await make_service().sign(
        SignOrder(decision_pdf, "official-ec", Role.PERSON, Level.B_B)
    )
    server.faults.ocsp_down = server.faults.crl_down = False
    server.revoke(server.pki.certificate("official-ec").serial_number)
    validation = await make_service(online_revocation=True).validate(signed.pdf)
    (signature,) = validation.signatures
    assert validation.verdict is not Verdict.VALID
    assert signature.certificate_status == "revoked"
    assert signature.integrity


async def test_hosts_that_are_not_listed_are_not_asked(make_service, stamped, server):
    before = (server.calls.ocsp, server.calls.crl)
    service = make_service(online_revocation=True, fetch_hosts=("ocsp.example",), timestamp_urls=())
    validation = await service.validate(stamped)
    assert validation.verdict is Verdict.INDETERMINATE
    assert (server.calls.ocsp, server.calls.crl) == before


async def test_addresses_in_a_strangers_certificate_are_not_asked(make_service, stamped, server):
    before = (server.calls.ocsp, server.calls.crl)
    service = make_service(online_revocation=True, roots=(), intermediates=())
    validation = await service.validate(stamped)
    assert validation.signatures[0].trust == "untrusted"
    assert (server.calls.ocsp, server.calls.crl) == before


async def test_a_slow_service_does_not_hold_a_validation(make_service, stamped, monkeypatch):
    """The limit is the file's: what is not answered by then is unknown."""

    async def never(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(RevocationChecker, "check", never)
    service = make_service(online_revocation=True, validation_limit_s=0.4)
    validation = await service.validate(stamped)
    assert validation.verdict is Verdict.INDETERMINATE


async def test_a_surprise_while_asking_leaves_it_unknown(make_service, stamped, monkeypatch):
    """Whatever an odd certificate or answer does to a library, the file has its verdict."""

    async def explode(*_):
        raise KeyError("internals")

    monkeypatch.setattr(RevocationChecker, "check", explode)
    validation = await make_service(online_revocation=True).validate(stamped)
    assert (validation.verdict, validation.online) == (Verdict.INDETERMINATE, True)
    assert validation.signatures[0].certificate_status == "unknown"


@pytest.mark.parametrize("pdf", [b"", b"junk", b"%PDF-1.7\n%%EOF"])
async def test_bad_files_are_answered_online_too(make_service, pdf):
    validation = await make_service(online_revocation=True).validate(pdf)
    assert validation.verdict is Verdict.INDETERMINATE
