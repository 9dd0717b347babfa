"""The clerk's four signatures under one authorisation (SCAL 1), and digests beyond SHA-256."""

from __future__ import annotations

import dataclasses

import pytest

from signing.contract import (
    CredentialRefused,
    DocumentNumber,
    Level,
    Role,
    SigningUnavailable,
    SignOrder,
)
from signing.devpki.authority import SEAL_MM
from signing.devpki.csc_simulator import OTP, PIN
from signing.keys import source_for
from tests.signing import oracles
from tests.signing.test_digests import DIGESTS, signer_info

both = pytest.mark.parametrize("api", ["v1", "v2"])
NUMBER = DocumentNumber(12, "QĐ-UBND", "2026-11-25")


@pytest.fixture
def clerk(server, remote):
    """The agency's key at a service that binds authorisations to no digest."""
    remote.scal, remote.multisign = "1", 4

    def make(api="v1", **changes):
        return dataclasses.replace(
            remote.key_config("agency", api),
            image_path=str(server.pki.directory / "agency.png"),
            image_width_mm=SEAL_MM,
            image_height_mm=SEAL_MM,
            **changes,
        )

    return make


def act(pdf, level=Level.B_B, **changes):
    given = {"pin": PIN, "document_number": NUMBER, **changes}
    return SignOrder(pdf, "agency", Role.AGENCY, level, **given)


@pytest.mark.oracle
@both
@pytest.mark.parametrize("extended", [False, True])
async def test_one_authorisation_gives_the_clerks_four(
    make_service, remote, clerk, decision_pdf, tmp_path, api, extended
):
    """Each digest is computed after the signature before it; a code serves all of them."""
    remote.wants_extension = extended
    remote.asks_otp = True
    signed = await make_service(keys=(clerk(api),)).sign(act(decision_pdf, Level.B_LTA, otp=OTP))
    calls = remote.calls
    assert (calls.authorize, calls.sign_hash, calls.extend) == (1, 4, 3 if extended else 0)
    assert len(set(calls.signed)) == 4
    assert [name.rstrip("1") for name in signed.field_names] == ["Number", "Day", "Month", "Seal"]
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    verdicts = [text for name, text in oracles.pdfsig_verdicts(path)[0] if "Archive" not in name]
    assert verdicts == ["Signature is Valid."] * 4


async def test_a_file_signed_in_place_is_authorised_once_too(
    make_service, remote, clerk, decision_pdf, tmp_path
):
    """A large file is mapped, not read: the same one authorisation."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    signed = await make_service(keys=(clerk(),)).sign_file(act(b""), source, target)
    assert (remote.calls.authorize, remote.calls.sign_hash) == (1, 4)
    assert len(signed.field_names) == 4
    assert target.read_bytes().startswith(decision_pdf)


@both
@pytest.mark.parametrize(("scal", "multisign"), [("2", 4), ("1", 3)])
async def test_a_service_that_wants_each_digest_is_asked_for_each(
    make_service, remote, clerk, decision_pdf, api, scal, multisign
):
    """A PIN authorises four times; a one-time code cannot, so nothing is begun."""
    service, (remote.scal, remote.multisign) = make_service(keys=(clerk(api),)), (scal, multisign)
    await service.sign(act(decision_pdf))
    assert (remote.calls.authorize, remote.calls.sign_hash) == (4, 4)
    remote.asks_otp = True
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(act(decision_pdf, otp=OTP))
    assert refused.value.code == "one_time_code_used"
    assert (remote.calls.authorize, remote.calls.sign_hash) == (4, 4)


async def test_an_authorisation_that_runs_out_in_the_middle_gives_no_file(
    make_service, remote, clerk, decision_pdf
):
    """What was signed by then is published nowhere, and the act can be begun anew."""
    service = make_service(keys=(clerk(),))
    remote.faults.expires_after = 2
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(act(decision_pdf))
    assert refused.value.code == "authorisation_expired"
    assert len(remote.calls.signed) == 2
    remote.faults.expires_after = None
    signed = await service.sign(act(decision_pdf))
    assert (remote.calls.authorize, len(signed.field_names)) == (2, 4)
    verdict = await service.validate(signed.pdf)
    assert [one.integrity for one in verdict.signatures] == [True] * 4


async def test_a_lost_answer_in_the_middle_is_told_and_sends_nothing_more(
    make_service, remote, clerk, decision_pdf
):
    """Whether the third was signed nobody knows: it is not asked for again, nor the fourth."""
    key = clerk()
    key = dataclasses.replace(key, remote=dataclasses.replace(key.remote, timeout_s=1.0))
    remote.faults.loses_answer_of = 3
    with pytest.raises(SigningUnavailable) as lost:
        await make_service(keys=(key,)).sign(act(decision_pdf))
    assert lost.value.code == "outcome_unknown"
    assert remote.calls.sign_hash == 3


async def test_a_confirmation_serves_every_authority_and_level(
    make_service, server, remote, clerk, decision_pdf
):
    """The owner confirmed once: time-stamps that fail cost the level, not the signatures."""
    server.faults.tsa_down = True
    service = make_service(keys=(clerk(),))
    signed = await service.sign(act(decision_pdf, Level.B_LTA, accept_lower=True))
    assert (signed.level, signed.shortfall) == (Level.B_B, "timestamp_unavailable")
    assert (remote.calls.authorize, remote.calls.sign_hash) == (1, 4)
    server.faults.tsa_down = False
    raised = await make_service().extend(signed.pdf, Level.B_LTA)  # its authorities rest no more
    assert (raised.level, raised.shortfall) == (Level.B_LTA, "")


async def test_another_authority_takes_the_same_signature(
    make_service, server, remote, decision_pdf
):
    """The first authority is away: the second stamps what was signed, once."""
    nobody = "http://127.0.0.1:9/tsa"
    key = remote.key_config("official-rsa", "v2")
    service = make_service(keys=(key,), timestamp_urls=(nobody, f"{server.base_url}/tsa"))
    order = SignOrder(decision_pdf, "official-rsa", Role.INVISIBLE, Level.B_T, pin=PIN)
    assert (await service.sign(order)).level is Level.B_T
    assert remote.calls.sign_hash == 1


@pytest.mark.oracle
@both
@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("name", ["official-rsa", "official-ec"])
async def test_the_configured_digest_is_asked_for_and_accepted(
    make_service, server, remote, decision_pdf, tmp_path, api, digest, name
):
    """hashAlgo, signAlgo and its parameters agree; programs that are not ours accept the file."""
    key = dataclasses.replace(remote.key_config(name, api), digest=digest)
    service = make_service(keys=(key,))
    order = SignOrder(decision_pdf, name, Role.INVISIBLE, Level.B_B, pin=PIN)
    signed = await service.sign(order)
    assert signer_info(signed.pdf)["digest_algorithm"]["algorithm"].native == digest
    assert len(remote.calls.signed[0]) == DIGESTS[digest]
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("official-ec", ["1.2.840.10045.4.3.2"]),  # with SHA-256 only
        ("official-rsa", ["1.2.840.113549.1.1.11"]),
    ],
)
async def test_a_credential_that_does_not_offer_it_is_refused_when_opened(remote, name, offered):
    """Before any PIN or code is sent."""
    remote.algorithms = offered
    key = dataclasses.replace(remote.key_config(name, "v1"), digest="sha384")
    with pytest.raises(CredentialRefused) as refused:
        await source_for(key).open(PIN)
    assert refused.value.code == "mechanism_missing"
    assert remote.calls.authorize == 0


async def test_a_general_algorithm_covers_every_digest(remote):
    """``rsaEncryption`` and ``id-ecPublicKey`` name no digest."""
    for name, general in (("official-rsa", "1.2.840.113549.1.1.1"),
                          ("official-ec", "1.2.840.10045.2.1")):  # fmt: skip
        remote.algorithms = [general]
        key = dataclasses.replace(remote.key_config(name, "v2"), digest="sha512")
        await (await source_for(key).open(PIN)).release()
