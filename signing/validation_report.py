"""A verdict as an ETSI validation report in XML, for archives and inspectors.

Owns the serialiser of our own verdicts after ETSI TS 119 102-2 (namespace 1.2.1): one
``SignatureValidationReport`` a signature, with the four separate answers as validation
constraints, and the certificates as validation objects. Knows the contract only, so that the web
process can write it without a PDF library. The report is not signed.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from signing.contract import SignatureVerdict, TimeSource, Validation

VR: Final = "http://uri.etsi.org/19102/v1.2.1#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_ETSI: Final = "urn:etsi:019102"
_OURS: Final = "urn:motcua:validation"
_DIGESTS: Final = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha224": "http://www.w3.org/2001/04/xmldsig-more#sha224",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
    "sha3_256": "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
    "sha3_384": "http://www.w3.org/2007/05/xmldsig-more#sha3-384",
    "sha3_512": "http://www.w3.org/2007/05/xmldsig-more#sha3-512",
}
_PROCESSES: Final = {"B": "Basic", "T": "LTVM", "LT": "LTVM", "LTA": "LTA"}  # by the level's end
_PASSED, _FAILED, _OPEN = "passed", "failed", "indeterminate"
_ALGORITHM: Final = {"acceptable": _PASSED, "weak": _OPEN, "unlisted": _OPEN}
_TRUST: Final = {"trusted": _PASSED, "untrusted": _OPEN}

for _prefix, _uri in (("vr", VR), ("ds", _DS), ("XAdES", _XADES)):
    register_namespace(_prefix, _uri)


def etsi_report(validation: Validation) -> bytes:
    """The report as UTF-8 XML; a file without a readable signature has one report that says so."""
    root = Element(_vr("ValidationReport"))
    for number, signature in enumerate(validation.signatures):
        _signature(root, signature, validation, number)
    if not validation.signatures:
        status = _add(_add(root, "SignatureValidationReport"), "SignatureValidationStatus")
        _add(status, "MainIndication", f"{_ETSI}:mainindication:{_main(validation)}")
        _add(status, "SubIndication", f"{_ETSI}:subindication:{_sub(validation)}")
        _told(_add(status, "AssociatedValidationReportData"), (validation.summary,))
    certificates = {s.certificate_sha256: s.certificate for s in validation.signatures}
    objects = {name: der for name, der in certificates.items() if der}
    if objects:
        listed = _add(root, "SignatureValidationObjects")
        for name, der in objects.items():
            item = _add(listed, "ValidationObject", id=_certificate_id(name))
            _add(item, "ObjectType", f"{_ETSI}:validationObject:certificate")
            shown = _add(item, "ValidationObjectRepresentation")
            _add(shown, "base64", base64.b64encode(der).decode())
    indent(root)
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _signature(
    root: Element, signature: SignatureVerdict, validation: Validation, number: int
) -> None:
    report = _add(root, "SignatureValidationReport")
    _identifier(report, signature, number)
    answers = _add(report, "ValidationConstraintsEvaluationReport")
    for name, verdict in _four_answers(signature).items():
        _constraint(answers, name, verdict)
    _times(report, signature, validation)
    if signature.signed_digest and signature.digest_algorithm in _DIGESTS:
        _digest(_add(report, "SignersDocument"), signature)
    _attributes(report, signature)
    if signature.certificate:
        signer = _add(report, "SignerInformation")
        reference = _certificate_id(signature.certificate_sha256)
        _add(signer, "SignerCertificate", VOReference=reference)
        _add(signer, "Signer", signature.signer)
    if signature.level:
        process = _PROCESSES.get(signature.level.rpartition("-")[2], "Basic")
        name = f"{_ETSI}:validationprocess:{process}"
        _add(_add(report, "SignatureValidationProcess"), "SignatureValidationProcessID", name)
    _status(report, signature)


def _identifier(report: Element, signature: SignatureVerdict, number: int) -> None:
    identifier = _add(report, "SignatureIdentifier", id=f"signature-{number + 1}")
    _add(identifier, "HashOnly", "false")
    _add(identifier, "DocHashOnly", "false")
    _add(identifier, "DAIdentifier", signature.field_name)


def _four_answers(signature: SignatureVerdict) -> dict[str, str]:
    """Integrity, algorithm, trust and time, each by itself."""
    if signature.integrity:
        integrity = _PASSED
    else:
        integrity = _FAILED if signature.indication == "TOTAL-FAILED" else _OPEN
    return {
        "integrity": integrity,
        "algorithm": _ALGORITHM.get(signature.algorithm_status, _OPEN),
        "trust": _TRUST.get(signature.trust, _OPEN),
        "time": _PASSED if signature.time_status == "proven" else _OPEN,
    }


def _constraint(answers: Element, name: str, verdict: str) -> None:
    constraint = _add(answers, "ValidationConstraint")
    _add(constraint, "ValidationConstraintIdentifier", f"{_OURS}:{name}")
    _add(_add(constraint, "ConstraintStatus"), "Status", f"{_ETSI}:constraintStatus:applied")
    status = _add(constraint, "ValidationStatus")
    _add(status, "MainIndication", f"{_ETSI}:mainindication:{verdict}")


def _times(report: Element, signature: SignatureVerdict, validation: Validation) -> None:
    """The moment of judgement, and the earliest moment at which the signature surely existed."""
    if validation.checked_at is None:
        return
    times = _add(report, "ValidationTimeInfo")
    _add(times, "ValidationTime", _moment(validation.checked_at))
    best = _add(times, "BestSignatureTime")
    _add(best, "POETime", _moment(signature.proven_time or validation.checked_at))
    _add(best, "TypeOfProof", f"{_ETSI}:poetype:validation")


def _digest(document: Element, signature: SignatureVerdict) -> None:
    digest = _add(document, "DigestAlgAndValue")
    SubElement(digest, f"{{{_DS}}}DigestMethod", Algorithm=_DIGESTS[signature.digest_algorithm])
    value = SubElement(digest, f"{{{_DS}}}DigestValue")
    value.text = base64.b64encode(signature.signed_digest).decode()


def _attributes(report: Element, signature: SignatureVerdict) -> None:
    if signature.claimed_time is None and signature.proven_time is None:
        return
    attributes = _add(report, "SignatureAttributes")
    if signature.claimed_time is not None:
        claimed = _add(attributes, "SigningTime", Signed="true")
        _add(claimed, "Time", _moment(signature.claimed_time))
    if signature.proven_time is not None:
        own = signature.time_source is TimeSource.SIGNATURE
        name = "SignatureTimeStamp" if own else "DocTimeStamp"
        stamp = _add(attributes, name, Signed="false")
        _add(stamp, "TimeStampValue", _moment(signature.proven_time))


def _status(report: Element, signature: SignatureVerdict) -> None:
    status = _add(report, "SignatureValidationStatus")
    _add(status, "MainIndication", f"{_ETSI}:mainindication:{signature.indication.lower()}")
    if signature.sub_indication:
        _add(status, "SubIndication", f"{_ETSI}:subindication:{signature.sub_indication}")
    data = _add(status, "AssociatedValidationReportData")
    if signature.certificate:
        reference = _certificate_id(signature.certificate_sha256)
        chain = _add(data, "CertificateChain")
        _add(chain, "SigningCertificate", VOReference=reference)
    _told(data, (*signature.messages, *signature.changes_after_signing), signature)


def _told(
    data: Element, messages: tuple[str, ...], signature: SignatureVerdict | None = None
) -> None:
    """The sentences people read, and what the schema has no place for."""
    more = _add(data, "AdditionalValidationReportData")
    facts = [("message", text) for text in messages]
    if signature is not None:
        named = {
            "issuer": signature.issuer,
            "managing-unit": signature.managing_unit,
            "level": signature.level,
            "algorithm": signature.algorithm,
            "certificate-status": signature.certificate_status,
            "certificate-serial": signature.certificate_serial,
            "trust-anchor": signature.trust_anchor,
            "trust-anchor-kind": signature.trust_anchor_kind,
            "reason": signature.reason,
        }
        facts += [(name, value) for name, value in named.items() if value]
    for name, text in facts:
        item = _add(more, "ReportData")
        _add(item, "Type", f"{_OURS}:{name}")
        _add(item, "Value", text)


def _main(validation: Validation) -> str:
    return "total-failed" if validation.verdict == "invalid" else "indeterminate"


def _sub(validation: Validation) -> str:
    return "FORMAT_FAILURE" if validation.verdict == "invalid" else "GENERIC"


def _certificate_id(sha256: str) -> str:
    return f"certificate-{sha256}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _vr(name: str) -> str:
    return f"{{{VR}}}{name}"


def _add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """A child in the report's namespace; characters that XML cannot carry are dropped."""
    child = SubElement(parent, _vr(name), attributes)
    if text is not None:
        child.text = "".join(c for c in text if _writable(c))
    return child


def _writable(character: str) -> bool:
    return character in "\t\n\r" or (character >= " " and character not in "\ufffe\uffff")
