"""What people read about files that cannot be read is Vietnamese, whatever a library said."""

from __future__ import annotations

import random
import re
import zlib

import pytest
from asn1crypto import algos

from signing.contract import Severity, Verdict
from signing.inspection import inspect_pdf
from signing.reading.explanations import explain
from signing.validation import validate_pdf
from tests.signing.hostile import bases, files
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign
from tests.signing.validation.test_hostile_input import cms_of, with_cms

ROOTS = (pki().root.der,)
FEW, MANY = 12, 400
LIBRARY_WORDS = re.compile(
    r"Error|Exception|\b(?:the|not|of|is|read|byte at|stream|object|expected|failed|found|could|"
    r"unable|invalid|literal|marker|dictionary|module|has no|line|token|unpack|malformed)\b|0x"
)


def told_about(pdf):
    inspection = inspect_pdf(pdf)
    validation = validate_pdf(pdf, ROOTS, NOW)
    yield from (finding.detail for finding in inspection.findings)
    yield from (validation.summary, *validation.messages)
    for signature in validation.signatures:
        yield from (*signature.messages, *signature.changes_after_signing)


def mutants(count, seed):
    every = sorted({**bases.unsigned(), **bases.signed()}.items())
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        name, pdf = rng.choice(every)
        pdf, story = files.mutated(pdf, rng)
        if pdf:
            yield pdf, (name, number, story)


def check(count, seed):
    for pdf, story in mutants(count, seed):
        foreign = [told for told in told_about(pdf) if LIBRARY_WORDS.search(told)]
        assert not foreign, (story, foreign)


def test_no_library_speaks_to_people_of_bent_files():
    check(FEW, "words")


@pytest.mark.long
def test_no_library_speaks_to_people_of_many_bent_files():
    check(MANY, "more words")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("XRef line parsing error (location): expected decimal"), "bảng tham chiếu"),
        (KeyError("/Prev"), "/Prev"),
        (KeyError("/Count"), "cây trang"),
        (zlib.error("Error -3 while decompressing data"), "dữ liệu nén"),
        (RecursionError("maximum recursion depth exceeded"), "lồng nhau"),
        (AttributeError("'BooleanObject' has no attribute 'reference'"), "cú pháp"),
    ],
)
def test_errors_are_told_by_what_they_mean(error, told):
    assert told in explain(error)
    assert not LIBRARY_WORDS.search(explain(error))


# ------------------------------------------------------------------ algorithms nobody knows


def with_algorithm(pdf, place, identifier):
    message = cms_of(pdf)
    signer = message["content"]["signer_infos"][0]
    kinds = {
        "digest_algorithm": algos.DigestAlgorithm,
        "signature_algorithm": algos.SignedDigestAlgorithm,
    }
    signer[place] = kinds[place]({"algorithm": identifier})
    return with_cms(pdf, message.dump(force=True))


@pytest.mark.parametrize("identifier", ["1.2.3.4.5", "1.2.643.7.1.1.2.2"])  # the latter: Streebog
@pytest.mark.parametrize("place", ["digest_algorithm", "signature_algorithm"])
def test_an_algorithm_that_nothing_here_reckons_is_named_and_not_called_broken(place, identifier):
    validation = validate_pdf(with_algorithm(sign(make_pdf()), place, identifier), ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "unsupported_algorithm"
    assert identifier in validation.summary
    assert not validation.signatures[0].integrity


# ------------------------------------------------------------------ structure


@pytest.mark.parametrize("digits", ["9999999999", "9" * 5000])
@pytest.mark.parametrize("where", ["/Index[0 {}]", "/Size {}"])
def test_more_objects_than_bytes_are_not_made_up(where, digits):
    """A lenient reader believes the number, and fills the memory with entries of its own."""
    promised = where.format(digits).encode()
    pdf = bases.unsigned()["packed"]
    assert pdf.count(b"/Type/XRef") == 1
    pdf = re.sub(rb"/Size \d+", b"" if b"/Size" in promised else b"/Size 22", pdf)
    pdf = pdf.replace(b"/Type/XRef", b"/Type/XRef" + promised)
    findings = inspect_pdf(pdf, repair=False).findings
    assert any("nhiều đối tượng hơn" in finding.detail for finding in findings)
    assert validate_pdf(pdf, ROOTS, NOW).reason == "unreadable"


def test_a_file_whose_objects_are_of_other_types_is_broken_and_says_so():
    """The number of pages is no number; qpdf mends it, with disclosure."""
    pdf = make_pdf().replace(b"/Count 1", b"/Count()")
    codes = {finding.code for finding in inspect_pdf(pdf, repair=False).findings}
    assert "broken_structure" in codes
    assert "repaired" in {finding.code for finding in inspect_pdf(pdf).findings}


def test_a_surprise_of_our_own_is_told_as_one(monkeypatch):
    def explode(*_args):
        raise RuntimeError("internals")

    monkeypatch.setattr("signing.inspection.document.collect_pages", explode)
    (found,) = (f for f in inspect_pdf(make_pdf()).findings if f.code == "inspection_error")
    assert found.severity is Severity.BLOCK
    assert "internals" not in found.detail
    assert "RuntimeError" not in found.detail


def test_a_page_of_no_size_does_not_end_a_repair_in_an_error():
    """Found by a campaign: of a crop box beside the page PDFium leaves nothing to draw."""
    pdf = make_pdf(page="/CropBox [-100 -100 -1 -1]")
    pdf = pdf[: pdf.rindex(b"startxref")] + b"startxref\n99999999\n%%EOF\n"
    codes = {finding.code for finding in inspect_pdf(pdf.replace(b"xref\n0", b"xrex\n0")).findings}
    assert "repaired" in codes
