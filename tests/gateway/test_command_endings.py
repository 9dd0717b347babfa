"""How commands end when something around them is wrong: a sentence, a status, no traceback."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from gateway.cli import main
from gateway.command_endings import run_to_end
from gateway.foundation.files import FilesUnavailable
from signing.clock import SystemClock
from signing.devpki.authority import PASSWORD, DevPki
from tests.signing.validation.signing_kit import make_pdf
from tests.support.paper import plain_pdf


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A gateway's folder with nothing but its defaults."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOTCUA_CONFIG", raising=False)
    return tmp_path


def run(*arguments):
    command = [sys.executable, "-m", "gateway.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments", [["inspect"], ["validate"], ["conformance"]], ids=lambda given: given[0]
)
def test_a_reader_that_leaves_ends_the_command_in_silence(tmp_path, arguments):
    """``motcua … | head``: the status that a shell gives for SIGPIPE, and no word."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.pdf").write_bytes(make_pdf())
        (folder / f"{number}.json").write_text("{}", "utf-8")
    given = sorted(folder.glob("*.json")) if arguments == ["conformance"] else [folder]
    process = run(*arguments, *given)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, b"")
    process.stderr.close()


def test_a_report_that_cannot_be_written_is_told_before_the_work(small, capsys):
    (small / "a.pdf").write_bytes(make_pdf())
    report = small / "nowhere" / "r.json"
    assert main(["inspect", str(small / "a.pdf"), "--report", str(report)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert str(report) in told.err
    assert told.err.startswith("không đọc hoặc ghi được tệp / cannot be read or written")
    assert main(["inspect", str(small / "a.pdf"), "--report", str(small / "r.json")]) == 0
    assert json.loads((small / "r.json").read_text("utf-8"))[0]["outcome"] == "inspected"


@pytest.mark.parametrize("command", ["sign", "demo"])
def test_a_missing_file_is_named(small, capsys, command):
    gone = str(small / "none.pdf")
    given = (
        ["sign", gone, str(small / "out.pdf")] if command == "sign" else ["demo", "--input", gone]
    )
    assert main(given) == 2
    assert capsys.readouterr().err.startswith("không đọc hoặc ghi được tệp")


def test_a_root_that_is_no_certificate_is_the_operators_mistake(small, capsys):
    (small / "a.pdf").write_bytes(make_pdf())
    (small / "root.pem").write_bytes(plain_pdf())
    assert main(["validate", str(small / "a.pdf"), "--roots", str(small / "root.pem")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "root.pem" in told.err


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["create", "--scope", "documents:sing"], "documents:sing"),
        (["create", "--mode", "live"], "live"),
        (["create", "--official", "nguyen.van.a"], "official:"),
        (["create", "--official", "agency:H55.12"], "official:"),
        (["revoke"], "--id"),
        (["revoke", "--id", "key_none"], "key_none"),
    ],
    ids=" ".join,
)
def test_a_key_that_cannot_be_made_or_ended_says_why(small, capsys, given, word):
    mode = {"MOTCUA__SERVER__MODE": "test"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mode.items():
            patch.setenv(name, value)
        assert main(["keys", *given]) in (1, 2)
    told = capsys.readouterr()
    assert (told.out, word in told.err) == ("", True), told


@pytest.mark.parametrize("days", ["-5", "0", "x", "99999999999"])
def test_a_key_expires_in_a_number_of_days(small, capsys, days):
    with pytest.raises(SystemExit) as stopped:
        main(["keys", "create", "--expires-in-days", days])
    assert stopped.value.code == 2
    assert list(small.iterdir()) == []


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_a_key_that_wants_a_pin_is_opened_from_a_file(small, capsys, monkeypatch, source):
    """The PIN is in no argument; without it, or with another, nothing is written."""
    pki = DevPki.create(small / "pki", SystemClock())
    (small / "root.pem").write_bytes(pki.root_pem)
    pki.issue_for("http://127.0.0.1:9")
    (small / "motcua.toml").write_text(
        f"""[signing.keys.leader]
kind = "pkcs12"
path = "{small / "pki" / "official-ec.p12"}"
[signing.trust]
roots = ["{small / "root.pem"}"]
intermediates = ["{small / "pki" / "issuing.pem"}"]
""",
        "utf-8",
    )
    (small / "a.pdf").write_bytes(plain_pdf())
    given = ["sign", str(small / "a.pdf"), str(small / "out.pdf"), "--level", "B-B"]
    given += ["--config", str(small / "motcua.toml")]
    assert main(given) == 1
    assert "PIN" in capsys.readouterr().err
    (small / "pin").write_text("wrong\n", "utf-8")
    assert main([*given, "--pin-file", str(small / "pin")]) == 1
    assert not (small / "out.pdf").exists()
    (small / "pin").write_text(PASSWORD + "\n", "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert main([*given, "--pin-file", "-" if source != "file" else str(small / "pin")]) == 0
    assert (small / "out.pdf").read_bytes().startswith(plain_pdf())


@pytest.mark.parametrize(
    "command",
    [
        ["renew"],
        ["audit", "verify"],
        ["migrate"],
        pytest.param(["keys", "list"], marks=pytest.mark.long),  # a read is patient for 5 s
    ],
    ids=" ".join,
)
def test_a_database_that_is_away_is_told_in_a_sentence(small, capsys, monkeypatch, command):
    """Nobody listens there; no traceback, and a status that is no success."""
    monkeypatch.setenv("MOTCUA__DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert main(command) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("không mở được cơ sở dữ liệu / the database cannot be opened: ")
    assert len(told.err.splitlines()) == 1


def test_a_file_store_that_is_away_is_told_in_a_sentence(capsys):
    def ask():
        raise FilesUnavailable("no answer")

    assert run_to_end(ask) == 2
    assert capsys.readouterr().err == (
        "kho tệp không trả lời / the file store does not answer: no answer\n"
    )


def test_a_fault_of_our_own_stays_a_traceback():
    def fail():
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError):
        run_to_end(fail)


def test_an_address_that_leads_to_no_store_is_told_before_anything_starts(
    small, capsys, monkeypatch
):
    """By ``check-config`` and by ``serve``; no folder is made."""
    monkeypatch.setenv("MOTCUA__FILES__URL", "s4://somewhere/x")
    for command in ("check-config", "serve"):
        assert main([command]) == 2
        assert capsys.readouterr().err.startswith("cấu hình: files.url: không dùng được: ")
    assert list(small.iterdir()) == []


def test_a_port_without_the_trial_world_is_told_and_not_ignored(small, capsys):
    """A service's port stands in its configuration; nothing starts."""
    for option in (["--port", "18000"], ["--folder", "x"]):
        assert main(["serve", *option]) == 2
        assert "--with-simulators" in capsys.readouterr().err
    assert list(small.iterdir()) == []


def test_the_unsigned_file_is_not_overwritten_by_the_signed_one(small, capsys):
    path = small / "a.pdf"
    path.write_bytes(make_pdf())
    before = path.read_bytes()
    assert main(["sign", str(path), str(small / "." / "a.pdf")]) == 2
    assert "trùng với tệp vào" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_what_the_system_says_is_said_in_vietnamese(small, capsys):
    assert main(["sign", "none.pdf", "out.pdf"]) == 2
    assert "none.pdf (không có tệp hoặc thư mục này)" in capsys.readouterr().err
    assert main(["validate", "none.pdf"]) == 1
    assert "không đọc được tệp (không có tệp hoặc thư mục này)" in capsys.readouterr().out


def test_findings_and_outcomes_are_told_in_vietnamese(small, capsys):
    (small / "a.pdf").write_bytes(make_pdf())
    (small / "b.pdf").write_bytes(b"none")
    assert main(["inspect", str(small)]) == 1
    told = capsys.readouterr().out
    assert f"{small / 'a.pdf'}: đã kiểm tra / inspected" in told
    assert f"{small / 'b.pdf'}: từ chối / refused – " in told
    assert "  [chặn] tệp: " in told


def test_an_audit_of_nothing_says_so(small, capsys):
    assert main(["migrate"]) == 0
    capsys.readouterr()
    assert main(["audit", "verify"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "chưa có bản ghi nào / no records yet\n")


def test_a_list_of_keys_tells_whose_they_are(small, capsys, monkeypatch):
    """A person's own token signs in their name: who ends one has to know which."""
    monkeypatch.setenv("MOTCUA__SERVER__MODE", "test")
    assert main(["keys", "create", "--portal", "cong-dvc"]) == 0
    assert main(["keys", "create", "--official", "official:nguyen.van.a"]) == 0
    capsys.readouterr()
    assert main(["keys", "list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert sorted(line[4] for line in lines) == ["-", "official:nguyen.van.a"]


def test_a_scope_that_is_none_is_named_with_those_that_are(small, capsys, monkeypatch):
    monkeypatch.setenv("MOTCUA__SERVER__MODE", "test")
    assert main(["keys", "create", "--scope", "all"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Không có quyền all; các quyền: ")
    assert "documents:sign" in told


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cấu hình: g.toml: không có tệp hoặc thư mục này"),
        ("[server", "cấu hình: g.toml: không đúng TOML / not TOML: "),
    ],
)
def test_a_configuration_that_cannot_be_read_says_why(small, capsys, content, sentence):
    if content is not None:
        (small / "g.toml").write_text(content, "utf-8")
    assert main(["check-config", "--config", "g.toml"]) == 2
    assert capsys.readouterr().err.startswith(sentence)
