"""Keys confirmed elsewhere and desktop programs, with documents that stay on the disk."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from signing.contract import (
    DocumentNumber,
    DocumentRefused,
    Level,
    PreparedFile,
    RemoteFilePaths,
    RemoteFiles,
    Role,
    SignedFile,
    Verdict,
)
from signing.devpki.authority import SEAL_MM
from signing.devpki.vgca_desktop import VgcaDesktop
from signing.pades.drafts import DraftOnDisk
from tests.signing import oracles
from tests.signing.remote.conftest import order
from tests.signing.remote.test_two_phase import confirmed


@pytest.fixture
def files(tmp_path, decision_pdf):
    original = tmp_path / "original.pdf"
    original.write_bytes(decision_pdf)
    return RemoteFilePaths(original, tmp_path / "prepared.pdf", tmp_path / "signed.pdf")


@pytest.mark.oracle
@pytest.mark.parametrize("level", [Level.B_B, Level.B_T, Level.B_LTA])
async def test_a_file_is_signed_in_two_halves(
    fresh_service, server, smartca, files, decision_pdf, tmp_path, level
):
    """Prepared by one service, finished by another; programs that are not ours agree."""
    key = smartca.key_config()
    service = fresh_service(key)
    assert isinstance(service, RemoteFiles)
    prepared = await service.prepare_file(order(b"", level=level), files.original, files.prepared)
    waiting = files.prepared.read_bytes()
    assert waiting.startswith(decision_pdf)
    assert prepared.sha256 == hashlib.sha256(waiting).hexdigest()
    signature = await confirmed(smartca, service, prepared)
    signed = await fresh_service(key).finish_file(prepared, signature, files)
    whole = files.target.read_bytes()
    assert isinstance(signed, SignedFile)
    assert (signed.level, signed.size) == (level, len(whole))
    assert signed.sha256 == hashlib.sha256(whole).hexdigest()
    assert whole.startswith(decision_pdf)
    assert files.prepared.read_bytes() == waiting
    assert oracles.openssl_accepts(whole, server.pki.root_pem, tmp_path)
    assert oracles.qpdf_accepts(files.target)
    assert (await service.validate_file(files.target)).signatures[0].integrity


async def test_the_clerks_four_parts_are_written_one_after_the_other(
    fresh_service, server, smartca, files, decision_pdf
):
    """Each part's file is what the next one begins with."""
    seal = {"image_path": str(server.pki.directory / "agency.png")}
    key = dataclasses.replace(
        smartca.key_config(), image_width_mm=SEAL_MM, image_height_mm=SEAL_MM, **seal
    )
    number = DocumentNumber(12, "QĐ-UBND", "2026-11-25")
    act = order(b"", level=Level.B_LTA, role=Role.AGENCY, document_number=number)
    step = await fresh_service(key).prepare_file(act, files.original, files.prepared)
    for part in range(1, 5):
        assert isinstance(step, PreparedFile)
        assert (step.part, step.parts) == (part, 4)
        service = fresh_service(key)
        signature = await confirmed(smartca, service, step, f"ref-{part}")
        step = await service.finish_file(step, signature, files)
        files.target.replace(files.prepared)
    assert isinstance(step, SignedFile)
    assert [name[:3] for name in step.field_names] == ["Num", "Day", "Mon", "Sea"]
    verdict = await service.validate_file(files.prepared)
    assert verdict.verdict is Verdict.VALID
    assert step.sha256 == verdict.sha256


async def test_a_lower_level_is_written_over_nothing_of_the_higher_one(
    fresh_service, server, smartca, files
):
    """The time-stamping service falls silent after the signature's time-stamp."""
    key = smartca.key_config()
    service = fresh_service(key)
    asked = order(b"", level=Level.B_LTA, accept_lower=True)
    prepared = await service.prepare_file(asked, files.original, files.prepared)
    signature = await confirmed(smartca, service, prepared)
    server.faults.tsa_down = True
    signed = await service.finish_file(prepared, signature, files)
    assert (signed.level, signed.shortfall) == (Level.B_B, "timestamp_unavailable")
    server.faults.tsa_down = False
    assert (await service.validate_file(files.target)).verdict is Verdict.INDETERMINATE
    assert oracles.qpdf_accepts(files.target)


def test_a_writer_who_fails_leaves_the_draft_as_it_was(tmp_path):
    """What was appended is cut off, the hole is as it was; one who succeeds is kept."""
    path = tmp_path / "draft"
    path.write_bytes(b"%PDF <0000> end")

    def write(stream, fail):
        stream.seek(6)
        stream.write(b"abcd")
        stream.seek(0, 2)
        stream.write(b" more")
        if fail:
            raise OSError("no room")

    with DraftOnDisk(path) as draft:
        with pytest.raises(OSError, match="no room"), draft.writing((5, 11)) as stream:
            write(stream, fail=True)
        assert path.read_bytes() == draft.data[:] == b"%PDF <0000> end"
        with draft.writing((5, 11)) as stream:
            write(stream, fail=False)
        assert path.read_bytes() == draft.data[:] == b"%PDF <abcd> end more"


@pytest.mark.parametrize("which", ["prepared", "original"])
async def test_another_file_than_the_one_prepared_is_not_finished(
    fresh_service, smartca, files, which
):
    """One byte is enough; nothing is left."""
    service = fresh_service(smartca.key_config())
    prepared = await service.prepare_file(order(b""), files.original, files.prepared)
    signature = await confirmed(smartca, service, prepared)
    path = getattr(files, which)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    with pytest.raises(DocumentRefused) as refused:
        await service.finish_file(prepared, signature, files)
    assert refused.value.code == "prepared_changed"
    assert not files.target.exists()


async def test_a_file_comes_back_from_the_desktop(
    fresh_service, server, vgca_key, files, decision_pdf
):
    """Compared piece by piece with the one that went out; another document's is refused."""
    signed = await VgcaDesktop(server.pki, "official-rsa").sign(decision_pdf)
    files.target.write_bytes(signed)
    service = fresh_service(vgca_key())
    asked = order(b"", "vgca", role=Role.PERSON)
    accepted = await service.accept_hand_off_file(asked, files.original, files.target)
    assert (accepted.sha256, accepted.size) == (hashlib.sha256(signed).hexdigest(), len(signed))
    assert accepted.evidence is not None
    files.original.write_bytes(decision_pdf[:-1] + b" ")
    with pytest.raises(DocumentRefused) as refused:
        await service.accept_hand_off_file(asked, files.original, files.target)
    assert refused.value.code == "not_this_document"
    assert files.target.read_bytes() == signed
