"""SHA-256, SHA-384 and SHA-512 with every kind of key that may choose, judged by others too."""

from __future__ import annotations

import dataclasses

import pytest

from signing.contract import KeyConfig, Level, Role, SignOrder, Verdict
from tests.signing import oracles

DIGESTS = {"sha256": 32, "sha384": 48, "sha512": 64}


@pytest.mark.oracle
@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("key", ["official-rsa", "official-ec"])
async def test_the_configured_digest_is_used_and_accepted(
    make_service, server, decision_pdf, tmp_path, digest, key
):
    """PSS salt as long as the digest; our proof, our validator, pdfsig and openssl agree."""
    keys = tuple(dataclasses.replace(k, digest=digest) for k in server.signer_config().keys)
    service = make_service(keys=keys)
    signed = await service.sign(SignOrder(decision_pdf, key, Role.INVISIBLE, Level.B_LTA))
    info = signer_info(signed.pdf)
    assert info["digest_algorithm"]["algorithm"].native == digest
    if key == "official-rsa":
        stated = info["signature_algorithm"]["parameters"]
        assert stated["salt_length"].native == DIGESTS[digest]
        assert stated["hash_algorithm"]["algorithm"].native == digest
    assert (await service.validate(signed.pdf)).verdict is Verdict.VALID
    path = tmp_path / "x.pdf"
    path.write_bytes(signed.pdf)
    verdicts, _ = oracles.pdfsig_verdicts(path)
    assert ("Invisible1", "Signature is Valid.") in verdicts
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
async def test_the_audited_exception_keeps_its_digest(make_service, server, decision_pdf, digest):
    """PKCS#1 v1.5 only where it is allowed by name."""
    keys = tuple(
        dataclasses.replace(k, digest=digest, allow_pkcs1v15=True)
        for k in server.signer_config().keys
    )
    signed = await make_service(keys=keys).sign(
        SignOrder(decision_pdf, "official-rsa", Role.INVISIBLE, Level.B_B)
    )
    algorithm = signer_info(signed.pdf)["signature_algorithm"]
    assert algorithm.signature_algo == "rsassa_pkcs1v15"
    assert algorithm.hash_algo == digest


def signer_info(pdf):
    (info,) = oracles.cms.ContentInfo.load(oracles.messages(pdf)[0][0])["content"]["signer_infos"]
    return info


@pytest.mark.parametrize("digest", ["sha1", "md5", ""])
def test_other_digests_are_a_fault_of_the_configuration(digest):
    (fault,) = [f for f in KeyConfig("x", "pkcs12", digest=digest).faults() if "phải là" in f]
    assert fault.startswith("digest: ")


@pytest.mark.parametrize("kind", ["smartca", "mysign", "hook", "vgca"])
def test_services_whose_protocol_names_one_digest_sign_sha256_only(kind):
    """A configured SHA-384 there could only be ignored: refused with the reason at the start."""
    (fault,) = [f for f in KeyConfig("x", kind, digest="sha384").faults() if "sha256" in f]
    assert fault == "digest: khóa này chỉ ký với sha256"
