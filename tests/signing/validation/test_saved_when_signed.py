"""A first signature in a file written for fast viewing: its tables stand in another order."""

from __future__ import annotations

import pytest

from signing.contract import Verdict
from signing.inspection import inspect_pdf
from signing.validation import validate_pdf
from tests.signing.validation.saved_when_signed import sign_linearised
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, replace_text, sign, update

ROOTS = (pki().root.der,)
HIDDEN_ROOM = 400


def judge(pdf):
    return validate_pdf(pdf, ROOTS, NOW)


@pytest.fixture(scope="module")
def signed():
    return sign_linearised()


def test_it_is_whole(signed):
    assert b"/Linearized" in signed[:1024]
    (signature,) = judge(signed).signatures
    assert signature.integrity
    assert signature.reason == "revocation_unknown"
    assert not inspect_pdf(signed).blocked


def test_its_two_tables_are_no_update(signed):
    """What was appended is counted, not the table of the first page."""
    assert "incremental_updates" not in {f.code for f in inspect_pdf(signed).findings}
    later = inspect_pdf(update(signed, lambda writer: writer.update_root())).findings
    (told,) = (f.detail for f in later if f.code == "incremental_updates")
    assert "1 lần" in told


def test_a_further_signature_after_it_is_no_ambiguous_update(signed):
    """The first-page table stands before everything else, the update after everything."""
    validation = judge(sign(signed, field="Hai", entity=pki().agency, store=True))
    assert validation.verdict is Verdict.VALID, validation.summary
    assert [one.reason for one in validation.signatures] == ["intact", "intact"]


def test_other_words_after_it_are_refused_all_the_same(signed):
    assert judge(update(signed, replace_text)).reason == "modified"


def test_what_no_table_lists_after_it_is_ambiguous(signed):
    """An object between the signed bytes and the update's own, which a lenient reader finds."""

    def loose(writer):
        writer.update_root()

    changed = update(signed, loose)
    assert judge(changed).signatures[0].reason == "revocation_unknown"
    lost = b"4 0 obj\n<< /Length 5 >>\nstream\nBT ET\nendstream\nendobj\n"
    done = update(signed + lost, loose)
    assert judge(done).signatures[0].reason == "ambiguous_update"


def test_a_table_hidden_in_the_signed_bytes_is_not_believed():
    """Put into a stream before signing; a later update leads to it."""
    room = b"%" + b" " * HIDDEN_ROOM + b"\n"
    pdf = make_pdf(
        extra=f"6 0 obj\n<< /Length {len(room)} >>\nstream\n{room.decode()}\nendstream\nendobj"
    )
    at = pdf.index(room) + 1
    table = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 9 /Root 1 0 R /Prev %d >>\n" % (
        int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    )
    table += b"startxref\n%d\n%%%%EOF\n" % at
    pdf = pdf[:at] + table.ljust(HIDDEN_ROOM) + pdf[at + HIDDEN_ROOM :]
    signed = sign(pdf, store=True)
    size = len(signed)
    led = signed + (
        b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 40 /Root 1 0 R /Prev %d >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (at, size)
    )
    assert judge(led).verdict is not Verdict.VALID
