"""Keys in PEM files: open ones and encrypted ones, and files that hold something else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signing.contract import CredentialRefused, KeyConfig, Level, Role, SignOrder
from signing.keys import source_for

PASSWORD = "mat-khau-pem"


@pytest.fixture
def pem_key(running_pki, tmp_path):
    """A configured key; the test says what is in its file."""

    def make(*, password=None, configured=None, names=("official-ec",), key=None, issuer=True):
        pki = running_pki.pki
        private = key or load_pem_private_key(
            (pki.directory / "official-ec.key.pem").read_bytes(), None
        )
        hidden = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        parts = [private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)]
        parts += [pki.certificate(name).public_bytes(Encoding.PEM) for name in names]
        if issuer:
            parts.append(pki.issuing.certificate.public_bytes(Encoding.PEM))
        path = tmp_path / "key.pem"
        path.write_bytes(b"".join(parts))
        return KeyConfig("pem", "pem", str(path), configured)

    return make


async def code_of(config, pin=None):
    with pytest.raises(CredentialRefused) as refused:
        await source_for(config).open(pin)
    assert PASSWORD not in str(refused.value)
    return refused.value.code


async def test_a_pem_key_signs(make_service, pem_key, decision_pdf):
    """The issuer beside it completes the chain."""
    service = make_service(keys=(pem_key(),), intermediates=())
    signed = await service.sign(SignOrder(decision_pdf, "pem", Role.INVISIBLE, Level.B_T))
    assert signed.level is Level.B_T


async def test_an_encrypted_key_opens_by_its_password(pem_key):
    """Configured, or given with the act; a wrong one is refused also once it is open."""
    assert await source_for(pem_key(password=PASSWORD, configured=PASSWORD)).open()
    asked = source_for(pem_key(password=PASSWORD))
    assert await asked.open(PASSWORD)
    with pytest.raises(CredentialRefused) as refused:
        await asked.open("sai")
    assert refused.value.code == "wrong_pin"
    assert await code_of(pem_key(password=PASSWORD)) == "pin_required"
    assert await code_of(pem_key(password=PASSWORD), "sai") == "wrong_pin"


async def test_a_pin_for_an_open_key_is_refused(pem_key):
    """Nobody is left believing that it protects anything."""
    assert await code_of(pem_key(), "1234") == "wrong_pin"
    source = source_for(pem_key())
    assert await source.open() is await source.open()


async def test_files_that_hold_something_else_are_named(pem_key, tmp_path):
    """No certificate, another's certificate, a key of a kind that cannot sign here, no file."""
    assert await code_of(pem_key(names=(), issuer=False)) == "key_unreadable"
    assert await code_of(pem_key(names=("official-rsa",))) == "key_unreadable"
    odd = ed25519.Ed25519PrivateKey.generate()
    assert await code_of(pem_key(key=odd)) == "key_unreadable"
    assert await code_of(KeyConfig("x", "pem", str(tmp_path / "none.pem"))) == "key_unreadable"
    (tmp_path / "rubbish.pem").write_bytes(b"rubbish")
    assert await code_of(KeyConfig("x", "pem", str(tmp_path / "rubbish.pem"))) == "key_unreadable"
