"""Remote keys over the Cloud Signature Consortium's API, v1 and v2, and what goes wrong there."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.foundation.signing_problems import problem_of
from signing.contract import CredentialRefused, Level, Role, SigningUnavailable, SignOrder
from signing.devpki.csc_simulator import OTP, PIN
from signing.keys import source_for
from signing.processes.pool import SignerPool
from tests.signing import oracles

APIS = ("v1", "v2")
both = pytest.mark.parametrize("api", APIS)


def order(pdf, name="official-rsa", level=Level.B_B, **changes):
    return SignOrder(pdf, name, Role.INVISIBLE, level, **{"pin": PIN, **changes})


async def refused(make_service, pdf, key, **changes):
    service = make_service(keys=(key,))
    with pytest.raises((CredentialRefused, SigningUnavailable)) as caught:
        await service.sign(order(pdf, **changes))
    for secret in (PIN, OTP, "Nguyễn Văn Mẫu"):
        assert secret not in str(caught.value)
        assert secret not in caught.value.message_vi
    return caught.value


@pytest.mark.oracle
@both
@pytest.mark.parametrize("name", ["official-rsa", "official-ec"])
async def test_a_remote_key_signs_to_b_lta(
    make_service, server, remote, decision_pdf, tmp_path, api, name
):
    """One authorisation, one signHash, and programs that are not ours accept the file."""
    service = make_service(keys=(remote.key_config(name, api),))
    signed = await service.sign(order(decision_pdf, name, Level.B_LTA))
    assert (remote.calls.authorize, remote.calls.sign_hash) == (1, 1)
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    assert (signed.field_names[0], "Signature is Valid.") in oracles.pdfsig_verdicts(path)[0]
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)


@both
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("rejected", "rejected"),
        ("expired", "authorisation_expired"),
        ("quota", "quota_exceeded"),
        ("wrong_signature", "bad_signature"),
        ("strangers_chain", None),
    ],
)
async def test_scripted_refusals_are_told(make_service, remote, decision_pdf, api, fault, code):
    """Each has its own code; nothing is signed a second time."""
    setattr(remote.faults, fault, True)
    service_key = remote.key_config("official-rsa", api)
    if code is None:  # the intermediate is configured here: the chain is ours, not the service's
        assert await make_service(keys=(service_key,)).sign(order(decision_pdf))
        return
    told = await refused(make_service, decision_pdf, service_key)
    assert isinstance(told, CredentialRefused)
    assert told.code == code
    assert remote.calls.sign_hash <= 1


@both
async def test_the_services_own_chain_is_judged_by_our_roots(
    make_service, remote, decision_pdf, api
):
    """Issuers come from the service, trust does not."""
    key = remote.key_config("official-rsa", api)
    assert await make_service(keys=(key,), intermediates=()).sign(order(decision_pdf))
    service = make_service(keys=(key,), roots=())
    with pytest.raises(CredentialRefused) as caught:
        await service.sign(order(decision_pdf))
    assert caught.value.code == "untrusted_certificate"
    assert remote.calls.authorize == 1


@both
@pytest.mark.parametrize("fault", ["silent_after_signing", "broken_answer", "server_error"])
async def test_an_unknown_outcome_is_told_and_never_sent_again(
    make_service, remote, decision_pdf, api, fault
):
    """The service may have signed: one request left, no authority is tried after it."""
    setattr(remote.faults, fault, True)
    key = remote.key_config("official-rsa", api, timeout_s=1.0)
    told = await refused(make_service, decision_pdf, key, level=Level.B_T)
    assert isinstance(told, SigningUnavailable)
    assert told.code == "outcome_unknown"
    assert "Không có chữ ký nào" in told.message_vi
    assert remote.calls.sign_hash == 1
    problem = problem_of(told)
    assert problem.extra == {"reason": "outcome_unknown", "retryable": False}


async def test_a_time_stamp_that_fails_does_not_ask_the_person_again(
    make_service, server, remote, decision_pdf
):
    """The confirmation is used: another authority would need another signature."""
    key = remote.key_config("official-rsa", "v1")
    service = make_service(keys=(key,), timestamp_urls=(f"{server.base_url}/tsa",) * 2)
    await service.sign(order(decision_pdf, level=Level.B_T))  # the authority is known good
    server.faults.tsa_refuses = True
    with pytest.raises(SigningUnavailable):
        await service.sign(order(decision_pdf, level=Level.B_T))
    assert remote.calls.sign_hash == 2


@pytest.mark.long
@both
async def test_silence_before_the_signature_means_nothing_was_signed(
    make_service, remote, decision_pdf, api
):
    """No signHash was sent, so the outcome is known."""
    remote.faults.silent_before_signing = True
    key = remote.key_config("official-rsa", api, timeout_s=1.0)
    assert (await refused(make_service, decision_pdf, key)).code == "signing_service_silent"
    assert remote.calls.sign_hash == 0


@both
async def test_pin_and_one_time_code_are_checked(make_service, remote, decision_pdf, api):
    """Missing and wrong ones are refused; a code given alone is the one that is asked for."""
    key = remote.key_config("official-rsa", api)
    assert (await refused(make_service, decision_pdf, key, pin=None)).code == "pin_required"
    assert (await refused(make_service, decision_pdf, key, pin="1")).code == "wrong_pin"
    remote.asks_otp = True
    assert (await refused(make_service, decision_pdf, key)).code == "otp_required"
    assert (await refused(make_service, decision_pdf, key, otp="1")).code == "wrong_otp"
    assert await make_service(keys=(key,)).sign(order(decision_pdf, otp=OTP))
    remote.asks_pin = False
    remote.renew_code()
    assert await make_service(keys=(key,)).sign(order(decision_pdf, pin=OTP))
    remote.asks_pin = True
    remote.renew_code()
    held = dataclasses.replace(key, password=PIN)
    assert await make_service(keys=(held,)).sign(order(decision_pdf, pin=OTP))


async def test_one_code_gives_one_signature(remote):
    """A second signature within the act is refused before anything is sent."""
    remote.asks_otp = True
    key = await source_for(remote.key_config("official-ec", "v1")).open(PIN, OTP)
    assert await key.sign_raw(b"one")
    with pytest.raises(CredentialRefused) as caught:
        await key.sign_raw(b"two")
    assert caught.value.code == "one_time_code_used"
    assert remote.calls.authorize == 1
    await key.release()


@pytest.mark.parametrize("status", ["revoked", "expired", "suspended"])
async def test_a_certificate_the_service_calls_unusable_is_refused(remote, status):
    """Before any code is asked for."""
    remote.faults.cert_status = status
    with pytest.raises(CredentialRefused) as caught:
        await source_for(remote.key_config("official-rsa", "v2")).open(PIN)
    assert caught.value.code.startswith("certificate_")


async def test_the_services_account_and_address_are_told(remote, make_service, decision_pdf):
    """A wrong client secret, and nobody listening."""
    wrong = remote.key_config("official-rsa", "v1", client_secret="x")
    assert (await refused(make_service, decision_pdf, wrong)).code == "service_account"
    nobody = remote.key_config("official-rsa", "v1", url="http://127.0.0.1:9/csc/v1")
    told = await refused(make_service, decision_pdf, nobody)
    assert told.code == "signing_service_unreachable"


@pytest.mark.parametrize(
    "changes", [{"url": "http://example.vn/csc/v1"}, {"api": "v3"}, {"credential_id": ""}]
)
def test_a_pin_is_never_sent_in_the_clear(remote_config, changes):
    """Plain HTTP beyond this machine, an unknown version, no credential: refused at the start."""
    with pytest.raises(CredentialRefused) as caught:
        source_for(remote_config(**changes))
    assert caught.value.code == "key_misconfigured"


@pytest.mark.long
async def test_a_signer_process_tells_the_unknown_outcome(server, remote, decision_pdf):
    """Kind and code survive the way back from the process that holds the key."""
    remote.faults.silent_after_signing = True
    key = remote.key_config("official-ec", "v2", timeout_s=1.0)
    config = dataclasses.replace(server.signer_config(), keys=(key,))
    async with SignerPool(config) as pool:
        with pytest.raises(SigningUnavailable) as caught:
            await pool.sign(order(decision_pdf, "official-ec"))
        assert caught.value.code == "outcome_unknown"
        remote.faults.silent_after_signing = False
        assert (await pool.sign(order(decision_pdf, "official-ec"))).level is Level.B_B
    assert remote.calls.sign_hash == 2
