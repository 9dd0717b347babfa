"""Our CSC v1 client against a server that is not ours: certomancer's, where it is installed."""

from __future__ import annotations

import warnings

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.contract import KeyConfig, Level, Role, SignOrder
from signing.key_config import RemoteConfig
from tests.signing import oracles

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dummy = pytest.importorskip(
        "csc_dummy.csc_dummy_server", reason="certomancer-csc-dummy is not installed"
    )
    registry = pytest.importorskip("certomancer.registry")

VALID = {"valid-from": "2020-01-01T00:00:00+0000", "valid-to": "2050-01-01T00:00:00+0000"}


def usage(*bits):
    value = {"schema": "key-usage", "params": list(bits)}
    return {"id": "key_usage", "critical": True, "smart-value": value}


@pytest.fixture
async def foreign(running_pki):
    """The dummy over loopback, with the development keys under a root of its own."""
    keys = {name: {"path": f"{name}.key.pem"} for name in ("root", "official-rsa", "official-ec")}
    certs = {
        "root": {
            "subject": "root", "subject-key": "root", "issuer": "root", "authority-key": "root",
            "validity": VALID,
            "extensions": [
                usage("key_cert_sign", "crl_sign"),
                {"id": "basic_constraints", "critical": True, "value": {"ca": True}},
            ],
        }
    }  # fmt: skip
    for name in ("official-rsa", "official-ec"):
        certs[name] = {
            "subject": name, "subject-key": name, "issuer": "root", "authority-key": "root",
            "validity": VALID, "extensions": [usage("digital_signature", "non_repudiation")],
        }  # fmt: skip
    entities = {name: {"common-name": f"Mẫu {name}"} for name in certs}
    config = registry.CertomancerConfig(
        {
            "keysets": {"keys": {"keys": keys}},
            "pki-architectures": {"pki": {"keyset": "keys", "entities": entities, "certs": certs}},
        },
        key_search_dir=str(running_pki.pki.directory),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names its settings by strings
        server = dummy.CSCWithCertomancer(config)
    server.register_routes()
    runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = config.get_pki_arch("pki").get_cert("root").dump()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/csc/v1", root
    await runner.cleanup()


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "pkcs1"), [("official-rsa", False), ("official-rsa", True), ("official-ec", False)]
)
async def test_a_foreign_server_signs(make_service, foreign, decision_pdf, tmp_path, name, pkcs1):
    """Hash pinning (SCAL 2), both paddings, both algorithms; openssl accepts the result."""
    url, root = foreign
    remote = RemoteConfig(url=url, api="v1", credential_id=f"pki/{name}")
    key = KeyConfig(name, "csc", remote=remote, allow_pkcs1v15=pkcs1)
    service = make_service(keys=(key,), roots=(root,))
    signed = await service.sign(SignOrder(decision_pdf, name, Role.INVISIBLE, Level.B_B))
    pem = x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM)
    assert oracles.openssl_accepts(signed.pdf, pem, tmp_path)
