"""Certificates and keys that must not sign, each refused with its code and a Vietnamese reason."""

from __future__ import annotations

import dataclasses
import io
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers.pdf_signer import PdfSigner

from signing.clock import SystemClock
from signing.contract import (
    Credential,
    CredentialRefused,
    DocumentRefused,
    KeyConfig,
    Level,
    Role,
    SignOrder,
)
from signing.devpki import DevPki
from signing.devpki.authority import KEYS, PASSWORD
from signing.evidence.eligibility import TrustedChain, check_certificate
from signing.keys.pkcs12 import describe
from signing.pades.writer import KeptKeySigner
from signing.service import SigningService

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


class MovedClock:
    """The machine's time, moved on."""

    moved = timedelta()

    def now(self):
        return SystemClock().now() + self.moved


def p256():
    return ec.generate_private_key(ec.SECP256R1())


async def refusal(make_service, decision_pdf, key, **order):
    service = make_service(keys=(key,))
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(SignOrder(decision_pdf, key.name, Role.INVISIBLE, Level.B_B, **order))
    assert refused.value.message_vi
    assert PASSWORD not in str(refused.value)
    return refused.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"not_before": NOW - 2 * YEAR, "not_after": NOW - YEAR}, "certificate_expired"),
        ({"not_before": NOW + YEAR, "not_after": NOW + 2 * YEAR}, "certificate_not_yet_valid"),
        ({"usage": frozenset({"key_encipherment"})}, "wrong_key_usage"),
    ],
)
async def test_unfit_certificates_are_refused(make_service, server, decision_pdf, changes, code):
    """Dates and key usage are checked before anything is signed."""
    key = server.pki.issue_leaf("unfit", key=p256(), common_name="Mẫu", **changes)
    assert await refusal(make_service, decision_pdf, key) == code


async def test_either_usage_is_enough(make_service, server, decision_pdf):
    """Digital signature alone, or non-repudiation alone, may sign."""
    for usage in ("digital_signature", "content_commitment"):
        key = server.pki.issue_leaf(usage, key=p256(), common_name="Mẫu", usage=frozenset({usage}))
        service = make_service(keys=(key,))
        signed = await service.sign(SignOrder(decision_pdf, usage, Role.INVISIBLE, Level.B_B))
        assert signed.level is Level.B_B


async def test_rsa_1024_is_refused(make_service, server, decision_pdf):
    """TT 15/2025: RSA from 2048 bits."""
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    key = server.pki.issue_leaf("small", key=small, common_name="Mẫu")
    assert await refusal(make_service, decision_pdf, key) == "weak_key"


async def test_a_sha1_certificate_is_refused(make_service, server, decision_pdf, tmp_path):
    """A certificate signed with SHA-1, made by openssl, as cryptography no longer makes them."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    key_path, pem = tmp_path / "k.pem", tmp_path / "c.pem"
    subprocess.run(  # noqa: ASYNC221 - a key is made before anything is awaited
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha1", "-nodes", "-subj", "/CN=Mau",
         "-keyout", key_path, "-out", pem, "-days", "30", "-addext", "keyUsage=digitalSignature"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    with pytest.raises(CredentialRefused) as refused:
        check_certificate(certificate, datetime.now(UTC))
    assert refused.value.code == "weak_certificate_hash"


async def test_a_foreign_issuer_is_refused(make_service, server, decision_pdf, tmp_path):
    """A certificate of another PKI does not chain to our root."""
    other = DevPki.create(tmp_path / "other", SystemClock())
    other.issue_for(server.base_url)
    key = other.key_config(_named("official-ec"))
    assert await refusal(make_service, decision_pdf, key) == "untrusted_certificate"


def _named(name):
    return next(key for key in KEYS if key.name == name)


async def test_an_unknown_credential_is_refused(service, decision_pdf):
    """A name that is not configured."""
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(SignOrder(decision_pdf, "nobody", Role.PERSON))
    assert refused.value.code == "unknown_credential"


async def test_a_wrong_password_is_refused_and_the_key_is_not_listed(
    make_service, server, decision_pdf
):
    """The configuration's password is wrong."""
    (key, *_) = server.signer_config().keys
    wrong = dataclasses.replace(key, password="sai")
    assert await refusal(make_service, decision_pdf, wrong) == "wrong_pin"
    assert await make_service(keys=(wrong,)).credentials() == ()


async def test_the_pin_opens_a_key_that_has_no_configured_password(
    make_service, server, decision_pdf
):
    """Without a PIN it is asked for; a wrong one is refused also after the key was opened."""
    (key, *_) = server.signer_config().keys
    locked = dataclasses.replace(key, password=None)
    assert await refusal(make_service, decision_pdf, locked) == "pin_required"
    assert await refusal(make_service, decision_pdf, locked, pin="0000") == "wrong_pin"
    service = make_service(keys=(locked,))
    order = SignOrder(decision_pdf, key.name, Role.INVISIBLE, Level.B_B, pin=PASSWORD)
    assert (await service.sign(order)).level is Level.B_B
    with pytest.raises(CredentialRefused) as refused:
        await service.sign(dataclasses.replace(order, pin="0000"))
    assert refused.value.code == "wrong_pin"


@pytest.mark.parametrize("content", [b"", b"not a key store", None])
async def test_an_unreadable_file_is_refused(make_service, decision_pdf, tmp_path, content):
    """Missing, empty and foreign files."""
    path = tmp_path / "key.p12"
    if content is not None:
        path.write_bytes(content)
    key = KeyConfig("broken", "pkcs12", str(path), "x")
    assert await refusal(make_service, decision_pdf, key) in ("key_unreadable", "wrong_pin")


def test_an_unknown_kind_of_key_is_refused(make_service):
    """The table of kinds is explicit."""
    with pytest.raises(CredentialRefused) as refused:
        make_service(keys=(KeyConfig("x", "floppy"),))
    assert refused.value.code == "unknown_key_kind"


@dataclasses.dataclass(frozen=True)
class WrongKey:
    """An opened key that signs with something else than its certificate's key."""

    config: KeyConfig
    credential: Credential
    certificate: x509.Certificate
    chain: tuple = ()
    uses_pss: bool = True
    signature_size: int = 80

    async def sign_raw(self, data):
        return p256().sign(data, ec.ECDSA(hashes.SHA256()))


async def test_a_raw_signature_that_does_not_verify_is_never_embedded(server):
    """A token that answers with another key's signature is caught before the document changes."""
    config = KeyConfig("wrong", "pkcs12")
    certificate = server.pki.certificate("official-ec")
    key = WrongKey(config, describe(config, certificate), certificate)
    signer = KeptKeySigner(key, TrustedChain((certificate, server.pki.issuing.certificate)))
    with pytest.raises(CredentialRefused) as refused:
        await signer.async_sign_raw(b"data", "sha256")
    assert refused.value.code == "bad_signature"


async def test_a_document_whose_author_forbids_changes_is_refused(service, decision_pdf, server):
    """DocMDP P=1: nobody may add a signature."""
    config = server.signer_config().keys[1]
    signer = SimpleSigner.load_pkcs12(config.path, passphrase=PASSWORD.encode())
    meta = PdfSignatureMetadata(
        field_name="Author", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
    )
    certified = await PdfSigner(meta, signer).async_sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(decision_pdf))
    )
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(SignOrder(certified.getvalue(), "official-rsa", Role.PERSON, Level.B_B))
    assert refused.value.code == "docmdp_no_changes"


async def test_what_inspection_forbids_is_never_signed(service, decision_pdf):
    """A page that runs JavaScript when opened is refused, whoever forgot to look at it."""
    writer = IncrementalPdfFileWriter(io.BytesIO(decision_pdf))
    action = generic.DictionaryObject(
        {
            generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
            generic.pdf_name("/JS"): generic.pdf_string("app.alert(1)"),
        }
    )
    writer.root["/OpenAction"] = writer.add_object(action)
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(SignOrder(out.getvalue(), "official-ec", Role.PERSON, Level.B_B))
    assert refused.value.code in ("javascript", "open_action")


async def test_a_certificate_that_expires_between_two_documents_is_refused(server, decision_pdf):
    """What was judged about a kept key is not its dates: they are compared each time."""
    end = NOW + timedelta(hours=2)
    key = server.pki.issue_leaf("short", key=p256(), common_name="Mẫu", not_after=end)
    clock = MovedClock()
    service = SigningService(dataclasses.replace(server.signer_config(), keys=(key,)), clock)
    order = SignOrder(decision_pdf, "short", Role.INVISIBLE, Level.B_B)
    try:
        for _ in range(2):
            assert (await service.sign(order)).level is Level.B_B
        clock.moved = timedelta(hours=3)
        with pytest.raises(CredentialRefused) as refused:
            await service.sign(order)
        assert refused.value.code == "certificate_expired"
    finally:
        await service.close()


def test_a_kept_chain_is_valid_between_its_latest_beginning_and_earliest_end(server):
    """The chain keeps the dates it follows from, never the answer."""
    chain = TrustedChain((server.pki.certificate("official-ec"), server.pki.root.certificate))
    begin = max(one.not_valid_before_utc for one in chain.certificates)
    end = min(one.not_valid_after_utc for one in chain.certificates)
    second = timedelta(seconds=1)
    answers = [chain.valid_at(at) for at in (begin - second, begin, NOW, end, end + second)]
    assert answers == [False, True, True, True, False]
    assert chain == TrustedChain(chain.certificates)
    assert hash(chain) == hash(TrustedChain(chain.certificates))
