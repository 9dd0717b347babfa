"""A remote key whose certificate must not sign: refused before anything leaves the house."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.contract import CertificateBinding, CredentialRefused, Level
from signing.devpki.authority import PASSWORD
from signing.devpki.csc_simulator import PIN, CscSimulator
from tests.signing.remote.conftest import order
from tests.signing.remote.providers import PROVIDERS

YEAR = timedelta(days=365)


def leaf(pki, **changes):
    """One more certificate of the development authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    path = pki.issue_leaf("unfit", key=key, common_name="Mẫu", **changes).path
    data = Path(path).read_bytes()
    return pkcs12.load_pkcs12(data, PASSWORD.encode()).cert.certificate


def expired(server, _):
    now = datetime.now(UTC)
    return leaf(server.pki, not_before=now - 2 * YEAR, not_after=now - YEAR)


def not_yet_valid(server, _):
    now = datetime.now(UTC)
    return leaf(server.pki, not_before=now + YEAR, not_after=now + 2 * YEAR)


def wrong_usage(server, _):
    return leaf(server.pki, usage=frozenset({"key_encipherment"}))


def revoked(server, _):
    found = leaf(server.pki)
    server.revoke(found.serial_number)
    return found


def signed_with_sha1(_, folder):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    pem = folder / "sha1.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-sha1", "-nodes", "-subj", "/CN=Mau", "-keyout", folder / "sha1.key", "-out", pem,
         "-days", "30", "-addext", "keyUsage=digitalSignature"],
        check=True, capture_output=True,
    )  # fmt: skip
    return x509.load_pem_x509_certificate(pem.read_bytes())


UNFIT = {
    "certificate_expired": expired,
    "certificate_not_yet_valid": not_yet_valid,
    "wrong_key_usage": wrong_usage,
    "certificate_revoked": revoked,
    "weak_certificate_hash": signed_with_sha1,
}


class Presenting:
    """The development PKI as a provider sees it whose every identity has this certificate."""

    def __init__(self, pki, certificate):
        self._pki, self._certificate = pki, certificate

    def __getattr__(self, name) -> Any:
        return getattr(self._pki, name)

    def certificate(self, _):
        return self._certificate


@pytest.fixture(params=PROVIDERS, ids=str)
async def provider(request, server):
    async with request.param.simulator(server.pki) as simulator:
        yield request.param, simulator


async def refused(awaitable):
    with pytest.raises(CredentialRefused) as caught:
        await awaitable
    assert caught.value.message_vi
    return caught.value.code


@pytest.mark.parametrize("code", UNFIT)
async def test_nothing_is_sent_for_an_unfit_certificate(
    provider, fresh_service, server, decision_pdf, tmp_path, code
):
    """Where the owner confirms elsewhere: no request reaches them."""
    kind, simulator = provider
    simulator.pki = Presenting(server.pki, UNFIT[code](server, tmp_path))
    key = simulator.key_config(**kind.options)
    service = fresh_service(key)
    asked = order(decision_pdf, key.name, Level.B_LT)
    assert await refused(service.prepare(asked)) == code
    assert simulator.calls.certificate >= 1
    assert simulator.calls.start == 0


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize("code", UNFIT)
async def test_no_pin_is_sent_for_an_unfit_certificate(
    fresh_service, server, decision_pdf, tmp_path, api, code
):
    """At a CSC service: nothing is authorised."""
    unfit = Presenting(server.pki, UNFIT[code](server, tmp_path))
    async with CscSimulator(unfit) as simulator:
        key = simulator.key_config("official-ec", api)
        asked = order(decision_pdf, key.name, Level.B_LT, pin=PIN)
        assert await refused(fresh_service(key).sign(asked)) == code
        assert (simulator.calls.info, simulator.calls.authorize) == (1, 0)


async def test_a_certificate_the_register_does_not_name_is_refused(
    provider, fresh_service, decision_pdf
):
    """The mandate names another certificate: nobody is asked to confirm."""
    kind, simulator = provider
    key = simulator.key_config(**kind.options)
    binding = CertificateBinding(sha256="0" * 64)
    asked = order(decision_pdf, key.name, bindings=(binding,))
    assert await refused(fresh_service(key).prepare(asked)) == "certificate_not_authorised"
    assert simulator.calls.start == 0


async def test_the_register_binds_a_csc_key_too(fresh_service, server, decision_pdf):
    """Before the PIN is sent."""
    async with CscSimulator(server.pki) as simulator:
        key = simulator.key_config("official-ec", "v1")
        binding = CertificateBinding(sha256="0" * 64)
        asked = order(decision_pdf, key.name, pin=PIN, bindings=(binding,))
        assert await refused(fresh_service(key).sign(asked)) == "certificate_not_authorised"
        assert simulator.calls.authorize == 0
