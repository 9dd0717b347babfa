"""The signatures that a file already carries, and those that were taken out of it.

Owns what they mean for whoever signs next: one that is broken in its form, a certification that
forbids changes, one that the bytes still hold and that the newest revision does not show. Leaves
verifying them to ``signing.validation``, whose word is joined to an inspection where it counts.
"""

from __future__ import annotations

from asn1crypto import cms, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation
from pyhanko.sign.validation.pdf_embedded import extract_contents

from signing.contract import ExistingSignature, Finding
from signing.inspection.findings import finding
from signing.reading.ber import is_indefinite, to_definite
from signing.reading.loose_signatures import has_loose_signature
from signing.reading.names import common_name
from signing.reading.opening import Data
from signing.reading.removed_signatures import RemovedSignature, TooManyTraces, find_removed
from signing.reading.signature_fields import (
    FoundSignature,
    Layout,
    docmdp_level,
    find_signatures,
)


def look_at_signatures(
    pdf: Data, reader: PdfFileReader
) -> tuple[list[ExistingSignature], list[Finding]]:
    """The signatures of the newest revision, and what speaks against adding another one."""
    found = find_signatures(pdf, reader.root)
    certificates = [_certificate(signature) for signature in found]
    existing, findings = [], []
    for signature, certificate in zip(found, certificates, strict=True):
        where = f"trường {signature.field.name}"
        name = common_name(certificate.subject) if certificate is not None else None
        whole = signature.layout is Layout.WHOLE_FILE
        existing.append(ExistingSignature(signature.field.name, name, covers_whole_file=whole))
        findings.append(_signature_finding(signature, name, where))
        level = docmdp_level(signature.value)
        if level is not None:
            code = "docmdp_no_changes" if level == 1 else "docmdp"
            findings.append(finding(code, where, level=level))
    removed = _look_for_removed(pdf, found, certificates)
    findings.extend(removed)
    if not removed and has_loose_signature(pdf, reader, found):
        findings.append(finding("resaved_after_signing"))
    return existing, findings


def _look_for_removed(
    pdf: Data, found: list[FoundSignature], certificates: list[x509.Certificate | None]
) -> list[Finding]:
    try:
        removed = find_removed(pdf, found)
    except TooManyTraces:
        return [finding("removals_unknown")]
    shown = [
        (signature.end, certificate)
        for signature, certificate in zip(found, certificates, strict=True)
        if certificate is not None
    ]
    return [_removed_finding(one, shown) for one in removed]


def _removed_finding(
    removed: RemovedSignature, shown: list[tuple[int, x509.Certificate]]
) -> Finding:
    again = any(removed.was_given_again(*one) for one in shown)
    code = "replaced_signature" if again else "removed_signature"
    return finding(code, name=common_name(removed.certificate.subject))


def _signature_finding(signature: FoundSignature, signer: str | None, where: str) -> Finding:
    if signature.layout is Layout.RESAVED:
        return finding("resaved_after_signing", where)
    if signature.layout is Layout.LOOSE_END:
        return finding("broken_signature", where, reason="có dữ liệu lạ nối sau phần được ký")
    if signature.layout is Layout.ODD:
        return finding("broken_signature", where, reason="ByteRange không đúng chuẩn")
    if signer is None:
        return finding("broken_signature", where, reason="không đọc được dữ liệu CMS")
    return finding("existing_signature", where)


def _certificate(signature: FoundSignature) -> x509.Certificate | None:
    """The signer's certificate; None when the CMS, or the names in it, cannot be read."""
    try:
        contents = extract_contents(signature.value)
        message = to_definite(contents) if is_indefinite(contents) else contents
        content = cms.ContentInfo.load(message)["content"]
        certificate: x509.Certificate = extract_certs_for_validation(content).signer_cert
        common_name(certificate.subject)
    except Exception:  # asn1crypto and pyHanko share no base of errors
        return None
    return certificate
