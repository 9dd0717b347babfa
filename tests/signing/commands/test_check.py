"""What `motcua inspect` and `motcua validate` do with paths, limits and failures."""

from __future__ import annotations

import gc
import json
import os
import time
from multiprocessing.connection import Connection

import pytest

from signing.commands import check
from signing.commands.check import BAD, GOOD, NOTHING, inspect_paths, validate_paths
from signing.commands.checking_process import CheckingProcess, FileGaveUp
from signing.contract import CredentialRefused
from signing.processes.limits import Limits
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.pdf").write_bytes(make_pdf())
    (tmp_path / "in" / "sub" / "b.PDF").write_bytes(make_pdf("Khac"))
    (tmp_path / "in" / "not-a-pdf.txt").write_bytes(b"x")
    return tmp_path / "in"


class Written(list):
    def __str__(self):
        return "".join(self)


def inspect(paths, tmp_path, sign_with=None, **options):
    written, report = Written(), tmp_path / "report.json"
    status = inspect_paths(paths, sign_with, report, write=written.append, now=NOW, **options)
    return status, json.loads(report.read_text(encoding="utf-8")), str(written)


def test_a_folder_is_searched_and_reported_file_by_file(folder, tmp_path):
    status, report, written = inspect([folder], tmp_path)
    assert status == GOOD
    assert [entry["file"].rsplit("/", 1)[1] for entry in report] == ["a.pdf", "b.PDF"]
    assert set(report[0]) == {"file", "outcome", "ladder", "findings", "reason", "seconds"}
    assert {entry["outcome"] for entry in report} == {"inspected"}
    assert report[0]["ladder"] == "strict"
    assert "có thể ký" in written


def test_a_blocked_file_is_refused_with_its_reason(tmp_path):
    path = tmp_path / "js.pdf"
    path.write_bytes(make_pdf(catalog="/OpenAction << /S /JavaScript /JS (x) >>"))
    status, report, _ = inspect([path], tmp_path)
    assert status == BAD
    assert report[0]["outcome"] == "refused"
    assert "JavaScript" in report[0]["reason"]


@pytest.mark.long
def test_with_signing_each_file_is_signed_and_verified_again(folder, tmp_path):
    status, report, _ = inspect([folder], tmp_path, sign)
    assert status == GOOD
    assert {entry["outcome"] for entry in report} == {"signed"}


def refuse(_pdf):
    raise CredentialRefused("certificate_expired", "Chứng thư số đã hết hạn.")


@pytest.mark.long
@pytest.mark.parametrize(
    ("sign_with", "reason"),
    [
        (refuse, "certificate_expired: Chứng thư số đã hết hạn."),
        (lambda pdf: pdf, "kiểm tra lại"),
        (lambda _: sign(make_pdf("Van ban khac")), "phần đầu tệp"),
        (
            lambda pdf: (
                sign(pdf).replace(b"/Reason", b"/Raison").replace(b"/Type /Sig", b"/Type /Sog")[:-9]
            ),
            "kiểm tra lại",
        ),
    ],
)
def test_a_signing_that_did_not_work_is_refused(tmp_path, sign_with, reason):
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf())
    status, report, _ = inspect([path], tmp_path, sign_with)
    assert status == BAD
    assert report[0]["outcome"] == "refused"
    assert reason in report[0]["reason"]


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path):
    status, report, _ = inspect([tmp_path / "missing.pdf"], tmp_path)
    assert (status, report[0]["outcome"]) == (BAD, "refused")
    assert "không đọc được tệp" in report[0]["reason"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert inspect([empty], tmp_path)[:2] == (NOTHING, [])


def test_validation_answers_in_json_lines_or_words(tmp_path):
    good, plain = tmp_path / "good.pdf", tmp_path / "plain.pdf"
    good.write_bytes(sign(make_pdf(), archive=True))
    plain.write_bytes(make_pdf())
    roots = (pki().root.der,)
    written = Written()
    assert validate_paths([good], roots, True, write=written.append, now=NOW) == GOOD
    answer = json.loads(str(written))
    assert answer["file"] == str(good)
    assert answer["verdict"] == "valid"
    assert answer["signatures"][0]["claimed_time"].endswith("+07:00")
    written = Written()
    missing = tmp_path / "missing.pdf"
    paths = [good, plain, missing]
    assert validate_paths(paths, roots, False, write=written.append, now=NOW) == BAD
    assert "Đơn vị quản lý: Phòng Tư pháp" in str(written)
    assert "Tệp không có chữ ký số." in str(written)
    assert "không đọc được tệp" in str(written)
    written = Written()
    assert validate_paths([missing], roots, True, write=written.append, now=NOW) == BAD
    assert json.loads(str(written))["verdict"] == "indeterminate"


# ------------------------------------------------------------------ the child process


class Evil:
    """What a child that a file took over might answer."""

    def __reduce__(self):
        return (os._exit, (0,))


def work(kind):
    """Runs in the child; must be importable by name."""
    if kind == "sleep":
        time.sleep(60)
    if kind == "memory":
        return len(bytearray(8 * 1024**3))
    if kind == "exit":
        raise SystemExit(3)
    if kind == "raise":
        raise KeyError("inside")
    if kind == "code":
        return Evil()
    return f"done {kind}"


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("sleep", "timeout"),
        ("memory", "memory"),
        ("exit", "crashed"),
        ("raise", "KeyError"),
        ("code", "NotImplementedError"),
    ],
)
def test_a_child_that_breaks_a_limit_is_replaced_and_the_next_file_served(kind, code):
    limits = Limits(seconds=1 if kind == "sleep" else 5)
    with CheckingProcess(work, limits, answers=(str,)) as process:
        with pytest.raises(FileGaveUp) as stopped:
            process.call(kind)
        assert stopped.value.code == code
        assert process.call("next") == "done next"


@pytest.mark.long
def test_what_a_child_answers_is_read_and_never_run():
    """Bytes that would run as a pickle, and half an answer that never ends."""
    with CheckingProcess(talk, Limits(seconds=2), answers=(str,)) as process:
        for kind, code in (("pickle", "crashed"), ("half", "timeout")):
            with pytest.raises(FileGaveUp) as stopped:
                process.call(kind)
            assert stopped.value.code == code


def talk(kind):
    """In a child that was taken over: it writes to the line by itself."""
    (line,) = (c for c in gc.get_objects() if isinstance(c, Connection) and c.writable)
    if kind == "pickle":
        line.send(Evil())
    else:
        os.write(line.fileno(), (1000).to_bytes(4, "big") + b"half")
    time.sleep(60)


def stuck(_pdf):
    """A file that cannot be read to its end; runs in the child."""
    time.sleep(60)


def test_a_file_that_takes_too_long_is_named_in_the_report(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "inspect_file", stuck)
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf())
    status, report, _ = inspect([path], tmp_path, limits=Limits(seconds=0.3))
    assert status == BAD
    assert report[0]["reason"] == "quá thời gian cho phép"


@pytest.mark.long
def test_a_changed_signed_file_is_refused_by_name(tmp_path):
    """Nothing is signed over a signature that does not hold any more."""
    path, signed = tmp_path / "changed.pdf", sign(make_pdf())
    place = signed.index(b"stream") + 20
    path.write_bytes(signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :])
    status, [entry], _ = inspect([path], tmp_path)
    assert (status, entry["outcome"]) == (BAD, "refused")
    assert "giá trị băm không khớp" in entry["reason"]
    path.write_bytes(signed)
    status, [entry], _ = inspect([path], tmp_path)
    assert (status, entry["outcome"]) == (GOOD, "inspected")
