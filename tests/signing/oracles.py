"""Independent readers of what we sign: pdfsig, qpdf, openssl, pyHanko's AdES engine."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import subprocess

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.ades import ades_basic_validation, ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

__all__ = ["AdESPassed", "ades_basic_validation"]


def need(tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine")


def run(*command, allow=(0,)):
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode in allow, text
    return text


def pdfsig_verdicts(path):
    """(field name, verdict) of every signature that pdfsig can judge."""
    need("pdfsig")
    text = run("pdfsig", "-nocert", str(path))
    names = re.findall(r"Signature Field Name: (\S+)", text)
    verdicts = re.findall(r"Signature Validation: (.*)", text)
    assert len(names) == len(verdicts)
    return list(zip(names, verdicts, strict=True)), text


def qpdf_accepts(path):
    need("qpdf")
    return "No syntax or stream encoding errors" in run("qpdf", "--check", str(path))


def complaints(path):
    """What qpdf finds wrong, without file names and positions."""
    need("qpdf")
    done = subprocess.run(
        ["qpdf", "--check", str(path)], capture_output=True, timeout=60, check=False
    )
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    found = {line.split(": ", 1)[-1] for line in lines if "WARNING" in line or "ERROR" in line}
    return {re.sub(r"\d+", "N", line.split("): ", 1)[-1]) for line in found}


def messages(pdf, start=0):
    """(CMS DER, covered bytes, is time-stamp) of every signature, in file order."""
    found = []
    pattern = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)")
    for match in pattern.finditer(pdf, start):
        _, first, second, rest = map(int, match.groups())
        message = cms.ContentInfo.load(bytes.fromhex(pdf[first + 1 : second - 1].decode()))
        is_timestamp = message["content"]["encap_content_info"]["content_type"].native == "tst_info"
        found.append((message.dump(), pdf[:first] + pdf[second : second + rest], is_timestamp))
    return found


def openssl_accepts_last(pdf, root_pem, folder):
    """openssl verifies the signature or time-stamp made last; earlier ones are others'."""
    return openssl_accepts(pdf, root_pem, folder, start=pdf.rindex(b"/ByteRange"))


def openssl_accepts(pdf, root_pem, folder, start=0):
    """openssl verifies every CAdES signature and every document time-stamp."""
    need("openssl")
    root = folder / "root.pem"
    root.write_bytes(root_pem)
    for position, (message, data, is_timestamp) in enumerate(messages(pdf, start)):
        der, content = folder / f"{position}.der", folder / f"{position}.bin"
        der.write_bytes(message)
        content.write_bytes(data)
        if is_timestamp:
            text = run(
                "openssl", "ts", "-verify", "-token_in", "-in", str(der), "-data", str(content),
                "-CAfile", str(root),
            )  # fmt: skip
            assert "Verification: OK" in text
        else:
            text = run(
                "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(der),
                "-content", str(content), "-CAfile", str(root), "-purpose", "any", "-out",
                str(folder / "out"),
            )  # fmt: skip
            assert "CAdES Verification successful" in text
    return True


def lta_verdicts(pdf, root_pem):
    """pyHanko's AdES engine, offline, over every signature: its sub-indications."""
    root = x509.load_pem_x509_certificate(root_pem).public_bytes(Encoding.DER)
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build([asn1_x509.Certificate.load(root)]),
                revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
        )
    )

    async def judge():
        reader = PdfFileReader(io.BytesIO(pdf), strict=False)
        return [
            (await ades_lta_validation(signature, spec)).ades_subindic
            for signature in reader.embedded_regular_signatures
        ]

    return asyncio.run(judge())


def pyhanko_accepts(pdf, root_pem):
    """Each signature's bottom line by stock pyHanko, offline; every time-stamp must hold."""
    root = x509.load_pem_x509_certificate(root_pem).public_bytes(Encoding.DER)
    trusting = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root)], allow_fetching=False
    )

    async def judge():
        reader = PdfFileReader(io.BytesIO(pdf), strict=False)
        for stamp in reader.embedded_timestamp_signatures:
            status = await async_validate_pdf_timestamp(stamp, trusting)
            assert status.valid
            assert status.intact
            assert status.trusted
        return [
            (await async_validate_pdf_signature(signature, trusting)).bottom_line
            for signature in reader.embedded_regular_signatures
        ]

    return asyncio.run(judge())
