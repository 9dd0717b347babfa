"""`motcua inspect --sign` and `motcua sign` on files that are signed where they lie.

What counts as large is set so low here that every file is.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from signing.commands import check
from signing.commands import sign as sign_command
from signing.commands.check import BAD, GOOD, inspect_paths
from signing.commands.checking_process import CheckingProcess, FileGaveUp
from signing.contract import CredentialRefused, DocumentRefused, Level
from tests.signing.validation.signing_kit import NOW, make_pdf, sign

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch):
    monkeypatch.setattr(check, "_COPIES", 2**30)
    monkeypatch.setattr(sign_command, "_IN_MEMORY", 10)


def in_memory(_pdf):
    raise AssertionError("a large file was handed about")


def inspect(path, tmp_path, sign_file):
    report = tmp_path / "report.json"
    status = inspect_paths([path], in_memory, report, write=len, now=NOW, sign_file=sign_file)
    (entry,) = json.loads(report.read_text(encoding="utf-8"))
    return status, entry["outcome"], entry["reason"]


def writing(make):
    def sign_file(source, target):
        target.write_bytes(make(source.read_bytes()))

    return sign_file


def refuse(_source, _target):
    raise CredentialRefused("certificate_expired", "Chứng thư số đã hết hạn.")


def test_a_large_file_is_signed_into_another_one_and_verified(tmp_path):
    """Nothing of it stays beside the source."""
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf())
    targets = []

    def sign_file(source, target):
        targets.append(target)
        writing(sign)(source, target)

    assert inspect(path, tmp_path, sign_file) == (GOOD, "signed", None)
    assert not targets[0].exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("sign_file", "reason"),
    [
        (None, "quá lớn để ký"),
        (refuse, "certificate_expired: Chứng thư số đã hết hạn."),
        (writing(lambda pdf: pdf), "kiểm tra lại: Tệp không có chữ ký số."),
        (writing(lambda _: sign(make_pdf("Van ban khac"))), "phần đầu tệp"),
        (writing(lambda pdf: pdf[:-1]), "phần đầu tệp"),
    ],
)
def test_a_large_signing_that_did_not_work_is_refused(tmp_path, sign_file, reason):
    """Each in its words."""
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf())
    status, outcome, told = inspect(path, tmp_path, sign_file)
    assert (status, outcome) == (BAD, "refused")
    assert reason in told


async def test_the_command_signs_a_large_file_into_its_place(server, decision_pdf, tmp_path):
    """The same outcome as for a small one, and nothing else is left."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(decision_pdf)
    config = server.signer_config()
    signed = await sign_command.sign_file(source, target, Level.B_LTA, "official-ec", config)
    whole = target.read_bytes()
    assert whole.startswith(decision_pdf)
    assert (signed.level, signed.size) == (Level.B_LTA, len(whole))
    assert signed.sha256 == hashlib.sha256(whole).hexdigest()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.pdf", "out.pdf"]


@pytest.mark.parametrize("key", ["official-ec", "nobody"])
async def test_the_command_leaves_nothing_when_refused(server, tmp_path, key):
    """A forbidden file, and a key nobody has."""
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    script = "/OpenAction << /S /JavaScript /JS (x) >>"
    source.write_bytes(make_pdf(catalog=script if key == "official-ec" else ""))
    with pytest.raises((DocumentRefused, CredentialRefused)) as refused:
        await sign_command.sign_file(source, target, Level.B_B, key, server.signer_config())
    assert refused.value.code in ("javascript", "unknown_credential")
    assert [p.name for p in tmp_path.iterdir()] == ["in.pdf"]


async def test_an_inspection_that_gives_up_is_a_refusal(server, tmp_path, monkeypatch):
    """The child's limit in Vietnamese, and nothing is signed."""

    def give_up(self, path):
        raise FileGaveUp("timeout")

    monkeypatch.setattr(CheckingProcess, "call", give_up)
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(make_pdf())
    with pytest.raises(DocumentRefused) as refused:
        await sign_command.sign_file(source, target, config=server.signer_config())
    assert refused.value.code == "inspection_timeout"
    assert "quá thời gian" in refused.value.message_vi
    assert not Path(target).exists()
