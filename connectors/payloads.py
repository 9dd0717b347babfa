"""Strict reading of JSON that carries money.

Owns: size, UTF-8, duplicate keys, NaN, and whole đồng out of the number forms that providers
really send. Leaves to others: signatures (before) and the meaning of fields (after).
Follows RFC 8259, with the freedom of §4 (repeated names) refused: two readers of one message
must see the same amount.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

BODY_LIMIT = 64 * 1024
_MOST_BRACKETS = 500  # far below what would exhaust a parser's or a writer's stack
_LARGEST = 10**15
_WHOLE = re.compile(r"-?[0-9]{1,16}(?:\.0{1,2})?")


class Unreadable(ValueError):
    """The bytes are not one plain JSON object; the text says why and quotes nothing."""


def _one_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a key appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not JSON")


def read_object(body: bytes, limit: int = BODY_LIMIT) -> dict[str, Any]:
    """Read one JSON object.

    Args:
        body: The raw bytes.
        limit: Longest body in bytes.

    Raises:
        Unreadable: too long, not UTF-8, not JSON, repeated keys, or not an object.
    """
    if len(body) > limit:
        raise Unreadable("the body is too long")
    if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
        raise Unreadable("the body is nested too deep")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_one_of_each, parse_constant=_no_constant
        )
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable("the body is not JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def whole_dong(value: Any) -> int | None:
    """Read an amount in whole đồng.

    Integers, ``"50000"``, ``"50000.00"`` and ``50000.0`` are taken. A fraction, a separator, a
    boolean or ``"50.000"`` (fifty, or fifty thousand?) is not: None, and a person looks.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) is None:
            return None
        value = int(value.partition(".")[0])
    elif isinstance(value, float):
        if not math.isfinite(value) or not value.is_integer():
            return None
        value = int(value)
    if not isinstance(value, int) or abs(value) > _LARGEST:
        return None
    return value


def text_of(value: Any) -> str:
    """A field as text: absent and null are empty, numbers keep their digits."""
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value)


def last_digits(number: str, keep: int = 4) -> str | None:
    """The end of an account number, the only part that may travel further."""
    return f"…{number[-keep:]}" if len(number) > keep else None
