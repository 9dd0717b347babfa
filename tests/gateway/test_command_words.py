"""``motcua --help`` and that of each command: Vietnamese first, every argument explained."""

from __future__ import annotations

import argparse
import unicodedata

import pytest

from gateway.argument_errors import in_both_languages
from gateway.cli import _parser, main


def parsers(parser, name="motcua"):
    """Every parser, by how it is called."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from parsers(inner, f"{name} {word}")


ALL = dict(parsers(_parser()))
ARGUMENTS = [
    pytest.param(action, id=f"{name} {action.dest}")
    for name, parser in ALL.items()
    for action in parser._actions
    if not isinstance(action, argparse._SubParsersAction)
]
COMMANDS = [
    pytest.param(choice, id=choice.dest)
    for parser in ALL.values()
    for action in parser._actions
    if isinstance(action, argparse._SubParsersAction)
    for choice in action._choices_actions
]


def is_vietnamese(text):
    """Whether it has letters that only Vietnamese marks so."""
    plain = unicodedata.normalize("NFD", text)
    return "đ" in text.lower() or any(unicodedata.combining(letter) for letter in plain)


def speaks_both(text):
    """Vietnamese, a stroke, then English in plain letters."""
    vietnamese, stroke, english = text.rpartition(" / ")
    return bool(stroke) and is_vietnamese(vietnamese) and english.strip() and english.isascii()


def test_the_walk_finds_every_command():
    """The commands of three modules, with and without a configuration."""
    assert {"motcua", "motcua serve", "motcua sign", "motcua audit", "motcua renew"} < set(ALL)
    assert len(COMMANDS) == len(ALL) - 1
    assert len(ARGUMENTS) > 50


@pytest.mark.parametrize("action", ARGUMENTS)
def test_every_argument_is_explained_in_vietnamese_first(action):
    """``argparse`` leaves out the help of an argument that has none."""
    assert action.help
    assert speaks_both(action.help), action.help


@pytest.mark.parametrize("choice", COMMANDS)
def test_every_command_is_explained_in_vietnamese_first(choice):
    assert speaks_both(choice.help), choice.help


@pytest.mark.parametrize("name", ALL)
def test_help_has_vietnamese_headings_and_none_of_argparse_s_own(name):
    """The whole page, as it is printed."""
    parser = ALL[name]
    page = parser.format_help()
    assert speaks_both(parser.description)
    assert page.startswith("cách dùng / usage: motcua")
    assert "tùy chọn / options:" in page
    own = ("\nusage:", "\noptions:", "\npositional arguments:", "\ncommands:", "  show this help")
    assert not any(words in f"\n{page}" for words in own)


WRONG = {
    "missing": (["sign"], "thiếu tham số bắt buộc: input, output / the following"),
    "unknown": (["providers", "--yaml", "x"], "không có tham số này: --yaml x / unrecognized"),
    "unknown command": (["sing"], "không nhận 'sing'; chọn một trong: 'demo', 'serve'"),
    "choice": (["keys", "drop"], "không nhận 'drop'; chọn một trong: 'create', 'list', 'revoke'"),
    "no value": (["serve", "--port"], "tham số --port: cần đúng một giá trị / expected one"),
    "no number": (
        ["serve", "--port", "x"],
        "cần cổng mạng từ 0 đến 65524, không phải 'x' / not a port",
    ),
    "port": (["serve", "--port", "99999"], "cần cổng mạng từ 0 đến 65524, không phải '99999'"),
    "value of a switch": (["providers", "--json=1"], "tham số --json: không nhận giá trị '1' / "),
    "shortened": (["demo", "--in", "a", "--i"], "cần đúng một giá trị / expected one argument"),
    "ambiguous": (["authorities", "--d", "x"], "--d viết tắt chưa rõ nghĩa: --decision"),
    "none of several": (["inspect"], "thiếu tham số bắt buộc: paths / the following"),
    "days": (["renew", "--within-days", "9" * 5000], "cần số ngày từ 0 đến 36500, không phải"),
    "days of a key": (["keys", "list", "--expires-in-days", "0"], "cần số ngày từ 1 đến 36500"),
    "date": (
        ["authorities", "import", "--from", "21/11/2026"],
        "cần một ngày dạng NĂM-THÁNG-NGÀY (2026-11-21), không phải '21/11/2026' / not a date",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_told_in_vietnamese_first(name, capsys):
    """Exit status 2, on standard error, the English sentence behind it."""
    given, sentence = WRONG[name]
    with pytest.raises(SystemExit) as left:
        main(given)
    assert left.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("cách dùng / usage: motcua")
    line = told.err.splitlines()[-1]
    assert ": lỗi tham số / error: " in line
    assert sentence in line
    assert speaks_both(line.partition(" / error: ")[2])


def test_every_sentence_of_argparse_is_known():
    """Whatever this Python can say of an argument that a person gave."""
    said = {
        "argument -a: not allowed with argument -b": "không dùng cùng với -b",
        "one of the arguments -a -b is required": "cần một trong các tham số: -a -b",
        "argument -a: expected at most one argument": "nhận nhiều nhất một giá trị",
        "argument -a: expected at least one argument": "cần ít nhất một giá trị",
        "argument -a: expected 2 arguments": "cần đúng 2 giá trị",
        "argument -a: invalid int value: 'x'": "cần một số nguyên, không phải 'x'",
        "argument -a: invalid float value: 'x'": "cần một số, không phải 'x'",
        "argument x: unknown parser 'y' (choices: a, b)": "không có lệnh 'y'; chọn một trong: a, b",
        "unexpected option string: --x": "không có tùy chọn này: --x",
    }
    for message, vietnamese in said.items():
        assert vietnamese in in_both_languages(message)
    assert (
        in_both_languages("argument -a: của riêng / its own") == "tham số -a: của riêng / its own"
    )
    assert in_both_languages("something new") == "something new"


@pytest.mark.parametrize("name", [n for n in ALL if n != "motcua"])
def test_asking_a_command_for_help_ends_well(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([*name.split()[1:], "--help"])
    assert left.value.code == 0
    assert "hiện hướng dẫn này rồi thoát" in capsys.readouterr().out
