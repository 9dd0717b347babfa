"""What ``argparse`` says of a wrong argument, said in Vietnamese first.

Owns the sentences. Which arguments are wrong, and the exit status, are ``argparse``'s; a message
that is not known here stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

_TYPES: Final = {
    "int": "một số nguyên",
    "float": "một số",
    "fromisoformat": "một ngày dạng NĂM-THÁNG-NGÀY (2026-11-21)",
}
_ENGLISH_TYPES: Final = {
    "int": "a whole number",
    "float": "a number",
    "fromisoformat": "a date (2026-11-21)",
}
# The sentences of CPython's argparse; ``{0}`` … are what they quote.
_SAID: Final = tuple(
    (re.compile(english, re.DOTALL), vietnamese)
    for english, vietnamese in (
        (r"unrecognized arguments: (.*)", "không có tham số này: {0}"),
        (r"the following arguments are required: (.*)", "thiếu tham số bắt buộc: {0}"),
        (r"one of the arguments (.*) is required", "cần một trong các tham số: {0}"),
        (r"expected one argument", "cần đúng một giá trị"),
        (r"expected at most one argument", "nhận nhiều nhất một giá trị"),
        (r"expected at least one argument", "cần ít nhất một giá trị"),
        (r"expected (\d+) arguments?", "cần đúng {0} giá trị"),
        (r"not allowed with argument (.*)", "không dùng cùng với {0}"),
        (r"ignored explicit argument (.*)", "không nhận giá trị {0}"),
        (r"invalid choice: (.*) \(choose from (.*)\)", "không nhận {0}; chọn một trong: {1}"),
        (r"unknown parser (.*) \(choices: (.*)\)", "không có lệnh {0}; chọn một trong: {1}"),
        (r"ambiguous option: (.*) could match (.*)", "{0} viết tắt chưa rõ nghĩa: {1}"),
        (r"unexpected option string: (.*)", "không có tùy chọn này: {0}"),
    )
)
_OF_ARGUMENT: Final = re.compile(r"argument ([^:]+): (.*)", re.DOTALL)
_WRONG_TYPE: Final = re.compile(r"invalid (\w+) value: (.*)", re.DOTALL)


def in_both_languages(message: str) -> str:
    """The message of an ``argparse`` error as "Vietnamese / English".

    An argument's own check may say both itself, with " / " between them.
    """
    about = _OF_ARGUMENT.fullmatch(message)
    if about is None:
        vietnamese, english = _sentences(message)
        return f"{vietnamese} / {english}" if vietnamese else english
    name, inner = about.groups()
    vietnamese, english = _sentences(inner)
    if not vietnamese:
        return f"tham số {name}: {english}"
    return f"tham số {name}: {vietnamese} / {english}"


def _sentences(message: str) -> tuple[str, str]:
    """Vietnamese (empty when not known here) and English."""
    wrong = _WRONG_TYPE.fullmatch(message)
    if wrong is not None and wrong[1] in _TYPES:
        kind, value = wrong.groups()
        return f"cần {_TYPES[kind]}, không phải {value}", f"not {_ENGLISH_TYPES[kind]}: {value}"
    for english, vietnamese in _SAID:
        found = english.fullmatch(message)
        if found is not None:
            return vietnamese.format(*found.groups()), message
    return "", message
