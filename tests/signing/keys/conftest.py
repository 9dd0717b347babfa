"""A SoftHSM2 token folder of our own, and a remote signing service on loopback."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signing.contract import KeyConfig
from signing.devpki.csc_simulator import CscSimulator
from signing.key_config import RemoteConfig, TokenConfig

LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PIN, SO_PIN = "482913", "99887766"
TOKENS = {"Chu tich": ("official-rsa", "official-ec"), "Con dau": ("agency",), "Rong": ()}


def library():
    found = [path for path in LIBRARIES if Path(path).exists()]
    if not found or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM2 is not on this machine")
    return found[0]


@pytest.fixture(scope="session")
def tokens(running_pki, tmp_path_factory):
    """Three tokens: two keys of officials, the agency's, and an empty one.

    Made before the library is loaded; the variable stays set, as the library reads it just once.
    """
    path = library()
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    for label in TOKENS:
        util("--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN)
    for label, names in TOKENS.items():
        for number, name in enumerate(names, 1):
            import_key(running_pki.pki, folder, label, name, number)
    for label, names in TOKENS.items():
        store_certificates(pkcs11, path, running_pki.pki, label, names)
    return path


def util(*arguments):
    subprocess.run(
        ["softhsm2-util", *arguments], check=True, capture_output=True, env=dict(os.environ)
    )


def import_key(pki, folder, label, name, number):
    key = load_pem_private_key((pki.directory / f"{name}.key.pem").read_bytes(), None)
    pem = folder / f"{name}.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    util("--import", str(pem), "--token", label, "--label", name,
         "--id", f"{number:02x}", "--pin", PIN)  # fmt: skip


def store_certificates(pkcs11, path, pki, label, names):
    """Write each key's certificate beside it; the issuer's and a stranger's besides."""
    held = {name: (bytes([number]), pki.certificate(name)) for number, name in enumerate(names, 1)}
    if held:
        held["issuer"] = (b"\x77", pki.issuing.certificate)
        held["stranger"] = (b"\x78", pki.certificate("tsa"))
    with pkcs11.lib(path).get_token(token_label=label).open(rw=True, user_pin=PIN) as session:
        for name, (identifier, certificate) in held.items():
            session.create_object(certificate_object(pkcs11, certificate, identifier, name))


def certificate_object(pkcs11, certificate: x509.Certificate, identifier, label):
    attribute = pkcs11.Attribute
    return {
        attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
        attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
        attribute.TOKEN: True,
        attribute.LABEL: label,
        attribute.ID: identifier,
        attribute.SUBJECT: certificate.subject.public_bytes(),
        attribute.VALUE: certificate.public_bytes(Encoding.DER),
    }


@pytest.fixture
def token_key(tokens):
    """Configured keys on the tokens; the test may change anything."""

    def make(name="official-rsa", label="Chu tich", key_id="01", password=None, **changes):
        token = TokenConfig(label=label, key_id=key_id)
        names = {one.name for one in dataclasses.fields(TokenConfig)}
        token = dataclasses.replace(token, **{k: v for k, v in changes.items() if k in names})
        rest = {k: v for k, v in changes.items() if k not in names}
        return KeyConfig(name, "pkcs11", path=tokens, password=password, token=token, **rest)

    return make


@pytest.fixture
async def remote(server):
    """A remote signing service that asks for a PIN."""
    async with CscSimulator(server.pki) as simulator:
        yield simulator


@pytest.fixture
def remote_config():
    """A remote key that could be asked, before the test spoils it."""

    def make(**changes):
        whole = {"url": "https://example.vn/csc/v1", "credential_id": "x", **changes}
        return KeyConfig("x", "csc", remote=RemoteConfig(**whole))

    return make
