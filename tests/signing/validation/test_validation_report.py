"""The ETSI TS 119 102-2 report: in the schema's order, saying what the verdict says."""

from __future__ import annotations

import base64
import hashlib
from xml.etree import ElementTree

import pytest

from signing.commands.check import validate_paths
from signing.validation import validate_pdf
from signing.validation_report import VR, etsi_report
from tests.signing.validation.signing_kit import NOW, Pki, make_pdf, pki, sign

ROOTS = (pki().root.der,)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
MAIN, SUB = "urn:etsi:019102:mainindication:", "urn:etsi:019102:subindication:"

# Sequences of TS 119 102-2 V1.2.1, annex A, for every element we write; a plus repeats.
SCHEMA = {
    "ValidationReport": ["SignatureValidationReport+", "SignatureValidationObjects"],
    "SignatureValidationReport": [
        "SignatureIdentifier", "ValidationConstraintsEvaluationReport", "ValidationTimeInfo",
        "SignersDocument", "SignatureAttributes", "SignerInformation", "SignatureQuality",
        "SignatureValidationProcess", "SignatureValidationStatus",
    ],
    "SignatureIdentifier": ["DigestAlgAndValue", "HashOnly", "DocHashOnly", "DAIdentifier"],
    "ValidationConstraintsEvaluationReport": ["SignatureValidationPolicy", "ValidationConstraint+"],
    "ValidationConstraint": [
        "ValidationConstraintIdentifier", "ConstraintStatus", "ValidationStatus",
    ],
    "ConstraintStatus": ["Status"],
    "ValidationStatus": ["MainIndication", "SubIndication+"],
    "ValidationTimeInfo": ["ValidationTime", "BestSignatureTime"],
    "BestSignatureTime": ["POETime", "TypeOfProof"],
    "SignersDocument": ["DigestAlgAndValue"],
    "DigestAlgAndValue": ["DigestMethod", "DigestValue"],
    "SignatureAttributes": ["SigningTime", "SignatureTimeStamp", "DocTimeStamp"],
    "SigningTime": ["Time"],
    "SignatureTimeStamp": ["TimeStampValue"],
    "DocTimeStamp": ["TimeStampValue"],
    "SignerInformation": ["SignerCertificate", "Signer"],
    "SignatureValidationProcess": ["SignatureValidationProcessID"],
    "SignatureValidationStatus": [
        "MainIndication", "SubIndication+", "AssociatedValidationReportData+",
    ],
    "AssociatedValidationReportData": ["CertificateChain", "AdditionalValidationReportData"],
    "CertificateChain": ["SigningCertificate"],
    "AdditionalValidationReportData": ["ReportData+"],
    "ReportData": ["Type", "Value"],
    "SignatureValidationObjects": ["ValidationObject+"],
    "ValidationObject": ["ObjectType", "ValidationObjectRepresentation"],
    "ValidationObjectRepresentation": ["base64"],
}  # fmt: skip
NEEDED = {"SignatureValidationReport": "SignatureValidationStatus", "ReportData": "Value"}


def local(element):
    return element.tag.rpartition("}")[2]


def assert_in_order(element):
    """Every child is one the schema knows here, in its place, and no more often than it may be."""
    expected = SCHEMA.get(local(element), [])
    places = [name.rstrip("+") for name in expected]
    last = -1
    for child in element:
        place = places.index(local(child))
        assert place > last or (place == last and expected[place].endswith("+")), local(child)
        last = place
        assert_in_order(child)
    needed = NEEDED.get(local(element))
    assert needed is None or element.find(f"{{{VR}}}{needed}") is not None


def report_of(pdf, **options):
    validation = validate_pdf(pdf, options.pop("roots", ROOTS), NOW, **options)
    root = ElementTree.fromstring(etsi_report(validation))
    assert_in_order(root)
    return validation, root


def texts(root, name):
    return [e.text for e in root.iter(f"{{{VR}}}{name}")]


@pytest.fixture(scope="module")
def archived():
    return sign(make_pdf(), archive=True)


def test_a_good_file_is_reported_with_its_four_answers_and_certificates(archived):
    validation, root = report_of(archived)
    statuses = root.findall(f".//{{{VR}}}SignatureValidationStatus/{{{VR}}}MainIndication")
    assert [s.text for s in statuses] == [MAIN + "total-passed"] * len(validation.signatures)
    first = root.find(f"{{{VR}}}SignatureValidationReport")
    answers = first.findall(f".//{{{VR}}}ValidationConstraint")
    assert [texts(a, "ValidationConstraintIdentifier")[0].rsplit(":")[-1] for a in answers] == [
        "integrity", "algorithm", "trust", "time",
    ]  # fmt: skip
    assert {texts(a, "MainIndication")[0] for a in answers} == {MAIN + "passed"}
    assert texts(first, "Signer") == ["Nguyễn Văn Ổn"]
    assert "urn:etsi:019102:validationprocess:LTA" in texts(root, "SignatureValidationProcessID")
    held = [base64.b64decode(text) for text in texts(root, "base64")]
    assert pki().signer.der in held
    ids = {e.get("id") for e in root.iter(f"{{{VR}}}ValidationObject")}
    assert f"certificate-{hashlib.sha256(pki().signer.der).hexdigest()}" in ids
    pointed = {e.get("VOReference") for e in root.iter() if e.get("VOReference")}
    assert pointed == ids
    assert validation.signatures[0].messages[0] in texts(first, "Value")


def test_the_signed_digest_is_the_one_over_the_covered_bytes(archived):
    validation, root = report_of(archived)
    value = root.find(f".//{DS}DigestValue").text
    assert base64.b64decode(value) == validation.signatures[0].signed_digest


def test_a_doubt_and_a_failure_keep_their_sub_indications(archived):
    strange = sign(archived, field="La", authority=Pki("Gốc lạ"))
    _, root = report_of(strange)
    assert SUB + "NO_CERTIFICATE_CHAIN_FOUND" in texts(root, "SubIndication")
    _, root = report_of(archived.replace(b"so 5", b"so 9"))
    assert SUB + "HASH_FAILURE" in texts(root, "SubIndication")
    assert MAIN + "total-failed" in texts(root, "MainIndication")


@pytest.mark.parametrize("pdf", [b"", b"junk", make_pdf()], ids=["empty", "junk", "unsigned"])
def test_a_file_without_a_signature_has_a_report_that_says_so(pdf):
    validation, root = report_of(pdf)
    assert texts(root, "MainIndication") == [MAIN + "indeterminate"]
    assert validation.summary in texts(root, "Value")


def test_names_that_xml_cannot_carry_do_not_break_it():
    odd = pki().issue("Tên & <lạ> \x01\u0009")
    _, root = report_of(sign(make_pdf(), entity=odd))
    assert "Tên & <lạ> " in texts(root, "Signer")[0]


def test_the_command_writes_one_report_a_file(tmp_path, archived):
    (tmp_path / "mot.pdf").write_bytes(archived)
    (tmp_path / "hai.pdf").write_bytes(make_pdf())
    folder = tmp_path / "bao-cao"
    validate_paths([tmp_path], ROOTS, False, write=lambda _: None, now=NOW, reports=folder)
    names = sorted(path.name.rpartition("-")[0] for path in folder.glob("*.xml"))
    assert names == ["hai", "mot"]
    for path in folder.glob("*.xml"):
        assert_in_order(ElementTree.fromstring(path.read_bytes()))
