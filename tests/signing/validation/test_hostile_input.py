"""Whatever bytes come: an answer, never an exception, and never `valid` for changed bytes."""

from __future__ import annotations

import io
import re
from functools import cache

import pytest
from asn1crypto import cms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from signing.contract import Inspection, Validation, Verdict
from signing.inspection import inspect_pdf
from signing.validation import validate_pdf
from tests.signing.validation.old_signatures import indefinite
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign, update

ROOTS = (pki().root.der,)
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@cache
def archived():
    return sign(make_pdf(), archive=True)


@cache
def signed_spans():
    """The spans under the first signature."""
    numbers = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", archived()).groups()
    _, first, start, second = (int(n) for n in numbers)
    return first, start, start + second


def answers(data):
    assert isinstance(inspect_pdf(data), Inspection)
    validation = validate_pdf(data, ROOTS, NOW)
    assert isinstance(validation, Validation)
    assert validation.summary
    return validation


@FEW
@given(st.binary(max_size=400))
def test_random_bytes_are_answered(data):
    assert answers(data).verdict is not Verdict.VALID


@FEW
@given(st.binary(max_size=400))
def test_random_bytes_in_a_pdf_frame_are_answered(data):
    framed = b"%PDF-1.7\n" + data + b"\nstartxref\n9\n%%EOF"
    assert answers(framed).verdict is not Verdict.VALID


@FEW
@given(st.integers(min_value=0))
def test_a_truncated_signed_file_is_answered(cut):
    data = archived()
    assert answers(data[: cut % len(data)]) is not None


@FEW
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_flipped_byte_under_the_signature_is_never_valid(position, mask):
    data = bytearray(archived())
    first, start, end = signed_spans()
    spot = position % (first + end - start)
    spot = spot if spot < first else start + spot - first
    data[spot] ^= mask
    assert answers(bytes(data)).verdict is not Verdict.VALID


@FEW
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_flipped_byte_anywhere_is_answered(position, mask):
    data = bytearray(archived())
    data[position % len(data)] ^= mask
    assert answers(bytes(data)) is not None


def test_more_signatures_than_anybody_needs_are_not_all_judged(monkeypatch):
    monkeypatch.setattr("signing.validation.document.MAX_SIGNATURES", 1)
    pdf = sign(sign(make_pdf()), field="Hai")
    validation = validate_pdf(pdf, ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert "vượt giới hạn" in validation.summary
    assert len(validation.signatures) == 1


def test_a_broken_signature_does_not_hide_the_others():
    """An empty /Contents makes pyHanko's own listing raise for the whole file."""
    pdf = sign(sign(make_pdf()), field="Hai")
    head, middle, tail = pdf.rpartition(b"/Contents <")
    digits = re.match(rb"[0-9a-f]+", tail).group()
    blank = head + middle + b"0" * len(digits) + tail[len(digits) :]
    validation = validate_pdf(blank, ROOTS, NOW)
    assert validation.verdict is Verdict.INVALID
    assert [s.integrity for s in validation.signatures] == [True, False]
    assert "Dữ liệu chữ ký bị hỏng" in validation.signatures[1].messages[0]


@pytest.mark.parametrize("surprise", [RuntimeError, KeyError, AssertionError, AttributeError])
def test_a_surprise_of_the_library_leaves_a_signature_undecided(monkeypatch, surprise):
    def explode(*_args, **_kwargs):
        raise surprise("internals")

    monkeypatch.setattr("signing.validation.document.judge_changes", explode)
    validation = validate_pdf(archived(), ROOTS, NOW)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.reason == "internal"
    assert "internals" not in validation.summary
    assert surprise.__name__ not in validation.summary


def test_a_surprise_outside_every_signature_is_answered_too(monkeypatch):
    def explode(*_args, **_kwargs):
        raise RuntimeError("internals")

    monkeypatch.setattr("signing.validation.document.find_signatures", explode)
    monkeypatch.setattr("signing.inspection.signatures.find_signatures", explode)
    assert validate_pdf(archived(), ROOTS, NOW).verdict is Verdict.INDETERMINATE
    inspection = inspect_pdf(archived())
    assert inspection.blocked
    assert "inspection_error" in {f.code for f in inspection.findings}


def with_cms(pdf, cms_bytes):
    """The file with another value in its first signature, padded to the same length."""
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", pdf)
    digits = cms_bytes.hex().encode()[: len(found[1])].ljust(len(found[1]), b"0")
    return pdf[: found.start(1)] + digits + pdf[found.end(1) :]


def cms_of(pdf):
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", pdf)
    return cms.ContentInfo.load(bytes.fromhex(found[1].decode()))


@FEW
@given(st.binary(max_size=600))
def test_garbage_for_a_signature_is_answered(data):
    answer = answers(with_cms(archived(), data))
    assert answer.verdict is not Verdict.VALID
    assert not answer.signatures[0].integrity


@FEW
@given(st.integers(min_value=0), st.binary(min_size=1, max_size=8))
def test_a_damaged_signature_value_is_answered(position, patch):
    """Lengths, tags and numbers overwritten inside an otherwise good message."""
    der = bytearray(cms_of(archived()).dump())
    spot = position % len(der)
    der[spot : spot + len(patch)] = patch
    validation = answers(with_cms(archived(), bytes(der)))
    assert all(s.messages for s in validation.signatures)


@FEW
@given(st.integers(min_value=0), st.binary(min_size=1, max_size=8))
def test_a_damaged_signature_in_ber_is_answered(position, patch):
    ber = bytearray(indefinite(cms_of(archived()).dump()))
    spot = position % len(ber)
    ber[spot : spot + len(patch)] = patch
    assert answers(with_cms(archived(), bytes(ber))).signatures


def test_every_element_of_a_message_may_be_damaged():
    """A zero in place of a tag: some are read only when a judgement needs them."""
    ber = indefinite(cms_of(archived()).dump())
    tags = [place for place, byte in enumerate(ber[:-40]) if byte == 0x06]  # object identifiers
    for place in tags[-12:]:
        validation = answers(with_cms(archived(), ber[:place] + b"\x00" + ber[place + 1 :]))
        assert len(validation.signatures) == 2


def test_a_message_with_two_signers_is_refused_by_name():
    message = cms_of(archived())
    infos = message["content"]["signer_infos"]
    infos.append(infos[0].copy())
    validation = answers(with_cms(archived(), message.dump(force=True)))
    assert validation.signatures[0].reason == "broken_cms"


def test_validation_data_that_is_a_bomb_costs_little():
    """A stream that inflates a thousandfold stands for a certificate."""

    def add_bomb(writer):
        bomb = generic.StreamObject(stream_data=b"\x00" * 80_000_000)
        bomb.compress()
        store = writer.root["/DSS"]
        store["/Certs"].append(writer.add_object(bomb))
        writer.update_container(store["/Certs"])

    validation = answers(update(archived(), add_bomb))
    assert validation.signatures[0].signer == "Nguyễn Văn Ổn"


@pytest.mark.parametrize("password", ["", "mat-khau"])
def test_encrypted_files_are_judged_or_named(password):
    """What encrypts a file leaves its signatures readable; nothing is asked for."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(make_pdf())))
    writer.encrypt(owner_pass="chu", user_pass=password)
    out = io.BytesIO()
    writer.write(out)
    assert answers(out.getvalue()).reason == "no_signature"
