"""``motcua --help`` and that of each command: Vietnamese first, every argument explained."""

from __future__ import annotations

import argparse
import unicodedata

import pytest

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


def test_a_wrong_argument_is_told_behind_a_vietnamese_word(capsys):
    """Exit status 2, on standard error."""
    with pytest.raises(SystemExit) as left:
        main(["sign"])
    assert left.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("cách dùng / usage: motcua sign")
    assert "motcua sign: lỗi tham số / error:" in told.err


@pytest.mark.parametrize("name", [n for n in ALL if n != "motcua"])
def test_asking_a_command_for_help_ends_well(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([*name.split()[1:], "--help"])
    assert left.value.code == 0
    assert "hiện hướng dẫn này rồi thoát" in capsys.readouterr().out
