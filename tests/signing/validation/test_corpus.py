"""The shared corpus of real, broken and forged files, where it is present."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing.commands.report import validation_as_json, validation_as_text
from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, replace_text, sign, update

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
WHEN = datetime(2026, 11, 21, tzinfo=UTC)


VALID = (
    "pyhanko__certified-with-indirect-refs-in-dir.pdf",
    "pyhanko__form-update-override-appearance-stream.pdf",
    "pyhanko__minimal-signed-twice-second-created.pdf",
    "pyhanko__minimal-two-fields-signed-twice.pdf",
    "pyhanko__pades-lta-dss-indirect-arrs-test.pdf",
    "pyhanko__sig-no-signed-attrs.pdf",
    "pyhanko__sig-with-ski-sid.pdf",
)
INVALID = (
    "pyhanko__ed448-disallowed-hash.pdf",
    "pyhanko__extensions-indirect-not-all-paths.pdf",
    "pyhanko__form-update-ap-indirect-sneaky-trailer.pdf",
    "pyhanko__form-update-no-override-appearance-stream-ap-indirect-sneaky.pdf",
    "pyhanko__form-update-override-appearance-stream-ap-indirect-sneaky.pdf",
    "pyhanko__form-update-override-appearance-stream-sneaky.pdf",
    "pyhanko__one-byterange.pdf",
    "pyhanko__pdf-sig-with-econtent.pdf",
    "pyhanko__signature-gap-too-big.pdf",
    "pyhanko__tail-uncovered.pdf",
    "pyhanko__weird-byterange.pdf",
)


def files(folder, known=()):
    """Every file of a folder; known ones that are not on this machine are skipped by name."""
    names = {path.name for path in (CORPUS / folder).glob("*.pdf")}
    return [
        pytest.param(
            CORPUS / folder / name,
            id=name,
            marks=() if name in names else pytest.mark.skip(reason=f"no corpus/{folder}/{name}"),
        )
        for name in sorted(names | set(known) or {"absent.pdf"})
    ]


@pytest.mark.parametrize("path", files("invalid", INVALID))
def test_forged_files_are_never_valid_and_say_why(path):
    validation = validate_pdf(path.read_bytes(), (), WHEN)
    assert validation.verdict is not Verdict.VALID
    assert validation.signatures
    assert any(
        s.verdict is Verdict.INVALID or "Thuật toán" in s.messages[0] for s in validation.signatures
    )


@pytest.mark.parametrize("path", files("valid", VALID))
def test_good_files_are_whole_although_nobody_trusts_their_root(path):
    validation = validate_pdf(path.read_bytes(), (), WHEN)
    assert validation.verdict is Verdict.INDETERMINATE
    assert validation.signatures
    assert all(s.integrity for s in validation.signatures)
    assert {s.reason for s in validation.signatures} <= {"untrusted", "no_signed_attributes"}
    assert validation_as_json(validation)["signatures"]
    assert validation_as_text(validation)


@pytest.mark.parametrize("path", files("sign"))
def test_unsigned_files_are_answered(path):
    assert validate_pdf(path.read_bytes(), (), WHEN).verdict is not Verdict.VALID


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig")
@pytest.mark.parametrize("archive", [False, True])
def test_pdfsig_agrees_that_the_signed_bytes_are_whole(tmp_path, archive):
    path = tmp_path / "signed.pdf"
    path.write_bytes(sign(make_pdf(), archive=archive))
    told = _pdfsig(path)
    assert "Signature is Valid" in told
    assert validate_pdf(path.read_bytes(), (pki().root.der,), NOW).signatures[0].integrity


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig")
def test_pdfsig_misses_a_forgery_by_update_that_we_refuse(tmp_path):
    path = tmp_path / "forged.pdf"
    path.write_bytes(update(sign(make_pdf()), replace_text))
    told = _pdfsig(path)
    assert "Signature is Valid" in told
    assert "Not total document signed" in told
    assert validate_pdf(path.read_bytes(), (), NOW).verdict is Verdict.INVALID


@pytest.mark.oracle
@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig")
def test_pdfsig_agrees_that_a_changed_byte_breaks_the_signature(tmp_path):
    path = tmp_path / "changed.pdf"
    path.write_bytes(sign(make_pdf()).replace(b"so 5", b"so 9"))
    assert "Digest Mismatch" in _pdfsig(path)
    signature = validate_pdf(path.read_bytes(), (), NOW).signatures[0]
    assert signature.sub_indication == "HASH_FAILURE"


def _pdfsig(path):
    run = subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    )
    return run.stdout
