"""The development PKI: marked everywhere, restart-safe, usable on another port."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.clock import SystemClock
from signing.commands.sign import sign_file
from signing.contract import CredentialRefused, DocumentRefused, Level, Role, SignOrder
from signing.devpki import DevPki, DevPkiServer
from signing.devpki.authority import KEYS, PASSWORD
from signing.evidence.fetching import FetchFailed, address_allowed
from signing.pades.failing import ProofFailed
from signing.pades.proof import prove
from signing.service import SigningService
from tests.signing import oracles


def test_every_certificate_says_that_it_is_for_development(server):
    """Nobody can mistake them for real ones."""
    names = [key.name for key in KEYS]
    for certificate in (
        server.pki.root.certificate,
        server.pki.issuing.certificate,
        server.pki.tsa.certificate,
        server.pki.ocsp.certificate,
        *(server.pki.certificate(name) for name in names),
    ):
        assert "PHÁT TRIỂN" in certificate.subject.rfc4514_string()


async def test_a_restart_keeps_keys_root_and_revocations_and_moves_to_another_port(tmp_path):
    """The same keys under the same root; addresses in the certificates follow the port."""
    first = DevPki.create(tmp_path, SystemClock())
    async with DevPkiServer(first) as one:
        before = {key.name: first.certificate(key.name) for key in KEYS}
        first_url = one.base_url
    first.revoke(4711)
    again = DevPki.create(tmp_path, SystemClock())
    assert again.root_pem == first.root_pem
    assert again.base_url == first_url
    assert 4711 in again.revocations()
    again.issue_for(first_url)
    assert all(again.certificate(n) == c for n, c in before.items())
    again.issue_for("http://127.0.0.1:9")
    for name, old in before.items():
        new = again.certificate(name)
        assert new.public_key() == old.public_key()
        assert b"http://127.0.0.1:9/ocsp" in new.public_bytes(Encoding.DER)
        assert new.issuer == again.issuing.certificate.subject


def test_secrets_do_not_show(server):
    """Passwords and PINs are not in a configuration's text."""
    config = server.signer_config()
    assert PASSWORD not in repr(config)
    assert "0815" not in repr(SignOrder(b"", "x", Role.PERSON, pin="0815"))


async def test_sign_file_leaves_the_signed_file_and_the_root(decision_pdf, tmp_path):
    """Without configuration: the development PKI signs and its root lies beside the result."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    signed = await sign_file(source, target, Level.B_LTA)
    assert target.read_bytes() == signed.pdf
    assert b"BEGIN CERTIFICATE" in (tmp_path / "out.pdf.root.pem").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.pdf", "out.pdf", "out.pdf.root.pem"]


async def test_sign_file_writes_nothing_when_refused(server, decision_pdf, tmp_path):
    """A wrong key name leaves the folder as it was."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    with pytest.raises(CredentialRefused):
        await sign_file(source, target, Level.B_B, "nobody", server.signer_config())
    config = dataclasses.replace(server.signer_config(), keys=())
    with pytest.raises(CredentialRefused):
        await sign_file(source, target, Level.B_B, None, config)
    assert [p.name for p in tmp_path.iterdir()] == ["in.pdf"]


async def test_sign_file_covers_no_broken_signature(server, decision_pdf, tmp_path):
    """A signed file whose text was changed afterwards is refused by name."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    first = await sign_file(source, target, Level.B_B, None, server.signer_config())
    place = first.pdf.index(b"stream") + 40
    changed = first.pdf[:place] + bytes([first.pdf[place] ^ 1]) + first.pdf[place + 1 :]
    source.write_bytes(changed)
    with pytest.raises(DocumentRefused) as refused:
        await sign_file(source, target, Level.B_B, None, server.signer_config())
    assert refused.value.code == "broken_signature"
    assert target.read_bytes() == first.pdf


def raw_signature(pdf):
    ((message, _, _),) = oracles.messages(pdf)
    (info,) = oracles.cms.ContentInfo.load(message)["content"]["signer_infos"]
    return info["signature"].native.hex().encode()


@pytest.mark.parametrize("where", ["input", "update", "signature", "tail"])
async def test_our_own_proof_notices_every_changed_byte(service, server, decision_pdf, where):
    """The check after signing fails when the writer (or anyone) got a byte wrong."""
    signed = await service.sign(SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_B))
    certificate = server.pki.certificate("official-ec")
    prove(decision_pdf, signed.pdf, certificate, 1)
    damaged = bytearray(signed.pdf)
    at = {
        "input": 100,
        "update": len(decision_pdf) + 40,
        "signature": signed.pdf.lower().index(raw_signature(signed.pdf)) + 20,
        "tail": len(damaged) - 8,
    }[where]
    damaged[at] ^= 1
    with pytest.raises(ProofFailed):
        prove(decision_pdf, bytes(damaged), certificate, 1)
    with pytest.raises(ProofFailed):
        prove(decision_pdf, signed.pdf + b"\n% more\n", certificate, 1)
    with pytest.raises(ProofFailed):
        prove(decision_pdf, signed.pdf, server.pki.certificate("agency"), 1)
    with pytest.raises(ProofFailed):
        prove(decision_pdf, signed.pdf, certificate, 2)


def test_only_public_addresses_without_a_list():
    """The rule for addresses nobody named."""
    assert address_allowed("8.8.8.8", allow_loopback=False)
    assert not address_allowed("127.0.0.1", allow_loopback=False)
    assert address_allowed("127.0.0.1", allow_loopback=True)
    assert not address_allowed("10.1.2.3", allow_loopback=True)


async def test_a_running_server_can_be_used_twice(server, decision_pdf):
    """A service closed and opened again finds its way."""
    service = SigningService(server.signer_config(), SystemClock())
    order = SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T)
    await service.sign(order)
    await service.close()
    await service.sign(order)
    await service.close()
    with pytest.raises(FetchFailed):
        await service._fetcher.get("gopher://x", 1)
