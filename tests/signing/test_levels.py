"""Every PAdES level over real files, judged by readers that are not ours."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from signing.contract import DocumentRefused, Level, Role, SigningError, SignOrder
from tests.signing import oracles

KEYS = ("official-rsa", "official-ec")
REAL_FILES = (
    "pdfbox__JPXTestGrey.pdf",
    "pdfbox__test-landscape2.pdf",
    "verapdf__7.21.4.2-t01-pass-a.pdf",
    "verapdf__8.4.5.8-t02-pass-a.pdf",
    "qpdf__annotations-no-acroform.pdf",
    "pdfbox__Acroform-PDFBOX-2333.pdf",
)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", list(Level))
async def test_every_level_keeps_the_input_and_says_what_it_made(service, decision_pdf, key, level):
    """The input's bytes come first; hash, level and certificate are the result's own."""
    signed = await service.sign(SignOrder(decision_pdf, key, Role.PERSON, level))
    assert signed.pdf.startswith(decision_pdf)
    assert signed.sha256 == hashlib.sha256(signed.pdf).hexdigest()
    assert signed.level is level
    assert signed.field_names == ("Person1",)
    assert b"/ETSI.CAdES.detached" in signed.pdf[len(decision_pdf) :]
    assert (b"/DSS" in signed.pdf) == (level in (Level.B_LT, Level.B_LTA))
    assert (b"/ETSI.RFC3161" in signed.pdf) == (level is Level.B_LTA)


@pytest.mark.oracle
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", list(Level))
async def test_pdfsig_qpdf_and_openssl_accept_every_level(
    service, server, decision_pdf, tmp_path, key, level
):
    """Three programs that share no code with us agree."""
    signed = await service.sign(SignOrder(decision_pdf, key, Role.PERSON, level))
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    verdicts, text = oracles.pdfsig_verdicts(path)
    assert ("Person1", "Signature is Valid.") in verdicts
    assert ("Total document signed" in text) == (level is not Level.B_LT)
    assert oracles.qpdf_accepts(path)
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("name", REAL_FILES)
async def test_real_files_are_signed_to_b_lta(service, server, corpus, tmp_path, name):
    """Cross-reference streams, forms, landscape and PDF/A pages from other people's tools."""
    signed = await service.sign(SignOrder(corpus(name), "official-rsa", Role.PERSON))
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed.pdf)
    verdicts, _ = oracles.pdfsig_verdicts(path)
    assert (signed.field_names[0], "Signature is Valid.") in verdicts
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)
    await assert_lta(signed.pdf, server)


async def assert_lta(pdf, server):
    verdicts = await asyncio.to_thread(oracles.lta_verdicts, pdf, server.pki.root_pem)
    assert verdicts
    assert set(verdicts) == {oracles.AdESPassed.OK}


@pytest.mark.parametrize("key", KEYS)
async def test_b_lta_validates_offline_with_strict_revocation(service, server, decision_pdf, key):
    """pyHanko's AdES engine needs nothing but the file and the root."""
    signed = await service.sign(SignOrder(decision_pdf, key, Role.INVISIBLE))
    await assert_lta(signed.pdf, server)


async def test_rsa_signs_with_pss_and_ec_with_ecdsa(service, decision_pdf):
    """TT 15/2025: RSASSA-PSS for RSA, ECDSA P-256, SHA-256 for both."""
    found = {}
    for key in KEYS:
        signed = await service.sign(SignOrder(decision_pdf, key, Role.INVISIBLE, Level.B_B))
        ((der, _, _),) = oracles.messages(signed.pdf)
        (info,) = oracles.cms.ContentInfo.load(der)["content"]["signer_infos"]
        algorithm = info["signature_algorithm"]
        found[key] = (algorithm["algorithm"].native, info["digest_algorithm"]["algorithm"].native)
        if key == "official-rsa":
            assert algorithm["parameters"]["salt_length"].native == 32
    assert found == {
        "official-rsa": ("rsassa_pss", "sha256"),
        "official-ec": ("sha256_ecdsa", "sha256"),
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pyhanko__minimal-rc4.pdf", "encrypted"),
        ("qpdf__encrypted-positive-P.pdf", "encrypted"),
        ("pyhanko__malformed-encrypt-dict1.pdf", None),
        ("qpdf__issue-147.pdf", None),
        ("qpdf__bad33.pdf", None),
        ("qpdf__direct-pages.pdf", None),
    ],
)
async def test_unsignable_files_are_refused_with_a_code(service, corpus, name, code):
    """Encrypted and broken files give a refusal people can read, never a library's error."""
    with pytest.raises(DocumentRefused) as refused:
        await service.sign(SignOrder(corpus(name), "official-rsa", Role.PERSON, Level.B_B))
    assert code is None or refused.value.code == code
    assert refused.value.message_vi


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7\n%%EOF", b"%PDF-1.4" + bytes(4096)])
async def test_what_is_not_a_pdf_is_refused(service, data):
    """Empty, foreign and truncated input."""
    with pytest.raises(DocumentRefused):
        await service.sign(SignOrder(data, "official-rsa", Role.PERSON, Level.B_B))


async def test_a_truncated_file_is_refused(service, decision_pdf):
    """Half an upload is refused."""
    with pytest.raises(SigningError):
        await service.sign(
            SignOrder(
                decision_pdf[: len(decision_pdf) // 3], "official-rsa", Role.PERSON, Level.B_B
            )
        )
