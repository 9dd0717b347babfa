"""`motcua inspect` over files that attack it: an outcome or a named reason, within the limits."""

from __future__ import annotations

import hashlib
import json

import pytest

from signing.commands.check import inspect_paths
from signing.commands.checking_process import CheckingProcess
from signing.contract import Repaired, Severity
from signing.inspection import inspect_file, inspect_pdf
from signing.inspection.active_content import find_active_content
from signing.processes.limits import Limits
from signing.reading.opening import open_pdf
from tests.signing.commands import hostile
from tests.signing.validation.signing_kit import NOW, make_pdf, sign

pytestmark = pytest.mark.timeout(120)
LIMITS = Limits(seconds=30.0, memory_bytes=1536 * 1024**2)

REFUSED = {
    hostile.bomb: "Dữ liệu nén phình quá giới hạn an toàn",
    hostile.bomb_in_a_bomb: "Dữ liệu nén phình quá giới hạn an toàn",
    hostile.bomb_of_objects: "Dữ liệu nén phình quá giới hạn an toàn",
    hostile.nested: "Không đọc được cấu trúc PDF",
    hostile.nested_pages: "Cây trang bị hỏng",
    hostile.two_signer_infos: "Chữ ký có sẵn bị hỏng",
    hostile.empty_contents: "Chữ ký có sẵn bị hỏng",
}
SIGNED = {
    hostile.run_length_bomb: "strict",  # eight million bytes are no bomb
    hostile.objects_in_streams: "strict",
    hostile.wrong_startxref: "repaired",
    hostile.far_offsets: "repaired",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Every hostile file through one run, as a folder would be."""
    folder = tmp_path_factory.mktemp("hostile")
    makers = [*SIGNED, *REFUSED]
    for maker in makers:
        (folder / f"{maker.__name__}.pdf").write_bytes(maker())
    written = []
    inspect_paths(
        [folder], sign, folder / "report.json", write=written.append, now=NOW, limits=LIMITS
    )
    entries = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert "Traceback" not in "".join(written)
    assert len(entries) == len(makers)
    return {entry["file"].rsplit("/", 1)[1].removesuffix(".pdf"): entry for entry in entries}


@pytest.mark.parametrize("maker", REFUSED)
def test_what_is_dangerous_or_broken_is_refused_by_name(report, maker):
    entry = report[maker.__name__]
    assert entry["outcome"] == "refused"
    assert REFUSED[maker] in entry["reason"]


@pytest.mark.parametrize("maker", SIGNED)
def test_what_is_only_odd_is_signed_and_verified(report, maker):
    entry = report[maker.__name__]
    assert (entry["outcome"], entry["ladder"]) == ("signed", SIGNED[maker]), entry["reason"]


def test_a_broken_file_with_a_signature_is_never_rewritten():
    pdf = sign(make_pdf()).replace(b"startxref\n", b"startxref\n9")
    damaged = pdf.replace(b"/Count 1", b"/Count 9")
    for broken in (damaged, damaged.replace(b"/ByteRange", b"/Byte#52ange")):
        found = inspect_pdf(broken)
        assert found.repaired is None
        assert found.blocked


def test_a_cut_file_is_never_rewritten():
    whole = make_pdf()
    found = inspect_pdf(whole[: whole.index(b"startxref")])
    assert found.repaired is None
    assert found.blocked


def test_a_repair_that_changes_a_page_is_refused(monkeypatch):
    """What the official would sign must look like what was handed in."""
    broken = make_pdf("Mot").replace(b"/Count 1", b"/Count 3")
    assert not inspect_pdf(broken).blocked
    other = make_pdf("Hai muoi trieu")
    changed = Repaired(other, hashlib.sha256(other).hexdigest())
    monkeypatch.setattr("signing.inspection.document.repair_pdf", lambda _pdf: changed)
    found = {f.code: f for f in inspect_pdf(broken).findings}
    assert found["repair_changes_pages"].severity is Severity.BLOCK
    assert found["repair_changes_pages"].where == "trang 1"
    assert "khác bản gốc" in found["repaired"].detail


def test_twenty_five_signatures_are_listed_and_do_not_stop_the_next(tmp_path):
    path = tmp_path / "many.pdf"
    path.write_bytes(hostile.many_signatures(25))
    with CheckingProcess(inspect_file, LIMITS) as inspector:
        found = inspector.call(path)
    assert len(found.signatures) == 25
    assert not found.blocked


@pytest.mark.long
def test_a_large_file_costs_no_more_than_its_largest_stream(tmp_path):
    """80 MB in a process that may use 330 MB of addresses, the mapped file among them."""
    path = tmp_path / "large.pdf"
    hostile.write_large(path, 80)
    with CheckingProcess(inspect_file, Limits(60.0, 330 * 1024**2)) as inspector:
        found = inspector.call(path)
    assert not found.blocked, found.findings
    assert found.size == path.stat().st_size


def test_large_streams_are_looked_at_once_and_not_kept(tmp_path):
    path = tmp_path / "large.pdf"
    hostile.write_large(path, 5)
    reader = open_pdf(path.read_bytes()).reader
    assert find_active_content(reader, []) == []
    kept = [item for item in reader.resolved_objects.values() if hasattr(item, "encoded_data")]
    assert len(kept) == 1  # the page's contents, six bytes


@pytest.mark.long
def test_files_beyond_the_limits_are_refused_without_being_read(tmp_path):
    vast, large = tmp_path / "a-vast.pdf", tmp_path / "b-large.pdf"
    for path, megabytes in ((vast, 1_100), (large, 60)):
        hostile.write_large(path, megabytes)
    report = tmp_path / "report.json"
    small = Limits(30.0, 800 * 1024**2)
    inspect_paths([tmp_path], sign, report, write=len, now=NOW, limits=small)
    reasons = [entry["reason"] for entry in json.loads(report.read_text(encoding="utf-8"))]
    assert "vượt giới hạn" in reasons[0]
    assert "quá lớn để ký" in reasons[1]
