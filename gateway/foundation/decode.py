"""Typed reading of JSON and TOML: every wrong field named at once, text in NFC.

msgspec stops at the first error; people who fill in forms want all of them. What is right is
converted by msgspec in one go; only what is wrong is walked, field by field, to name every error.
Floats are never accepted for integers, duplicate keys in a JSON object are refused, unknown
fields are refused.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from gateway.foundation.problems import FieldError, Problem, invalid

T = TypeVar("T")
_MISSING = object()
_MAX_DEPTH = 32


def read_json(raw: bytes) -> Any:
    """Parse strictly: UTF-8, no duplicate keys, no NaN, bounded depth.

    What reads the same after writing it again had no key twice; anything else (or anything odd)
    goes to the parser that sees every pair.

    Raises:
        Problem: ``invalid_json``.
    """
    try:
        data = msgspec.json.decode(raw)
        if msgspec.json.encode(data) == msgspec.json.format(raw, indent=-1):
            return data
    except (ValueError, RecursionError):
        pass  # the other parser says what is wrong
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _DuplicateKey) else "JSON không đọc được"
        raise Problem("invalid_json", f"{reason}.", "The body is not readable JSON.") from error


def read_text(raw: bytes) -> Any:
    r"""Parse strictly, every string in NFC.

    The parts of a normalised text are normalised, so a body that is NFC as a whole, hides no
    character behind ``\u`` and cannot be deep is not walked.

    Raises:
        Problem: ``invalid_json``.
    """
    data = read_json(raw)
    shallow = raw.count(b"[") + raw.count(b"{") <= _MAX_DEPTH
    if shallow and b"\\u" not in raw and unicodedata.is_normalized("NFC", raw.decode("utf-8")):
        return data
    return normalised(data)


def decode(kind: type[T], value: Any) -> T:
    """Convert plain data into a type.

    Raises:
        Problem: ``validation_failed`` with a ``FieldError`` for each wrong field.
    """
    shape: Any = kind  # mypy does not take type[T] for hashable
    if _refuses_unknown(shape):
        try:
            return msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError:
            pass  # walked, to name everything that is wrong
    errors: list[FieldError] = []
    result = _convert(kind, value, "", errors)
    if errors:
        raise invalid(errors)
    return result  # type: ignore[no-any-return] # _convert follows the type it is given


def normalised(value: Any, depth: int = 0, pointer: str = "") -> Any:
    """The same data with every string in NFC (Vietnamese typed on some phones is NFD).

    Raises:
        Problem: ``invalid_json`` for half a character and for names that become one name,
            ``validation_failed`` for a NUL, which no database holds.
    """
    if depth > _MAX_DEPTH:
        raise Problem("invalid_json", "JSON lồng quá sâu.", "The JSON is nested too deeply.")
    if isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise Problem("invalid_json", "Có ký tự Unicode không trọn vẹn.", "Lone surrogate.")
        if "\x00" in value:
            raise invalid([FieldError(pointer or "/", "invalid", "Có ký tự NUL.")])
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        found = {
            normalised(k, depth, pointer): normalised(v, depth + 1, f"{pointer}/{k}")
            for k, v in value.items()
        }
        if len(found) < len(value):
            raise Problem("invalid_json", "Có khóa lặp lại trong JSON", "A repeated name.")
        return found
    if isinstance(value, list):
        return [normalised(v, depth + 1, f"{pointer}/{i}") for i, v in enumerate(value)]
    return value


class _DuplicateKey(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _DuplicateKey("Có khóa lặp lại trong JSON")
    return result


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


@cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """A struct's fields; msgspec resolves the annotations anew whenever it is asked."""
    return msgspec.structs.fields(struct)


@cache
def _refuses_unknown(kind: Any) -> bool:
    """Whether msgspec itself refuses unknown fields, everywhere in this type."""
    core = _core(kind)
    if _is_struct(core):
        return bool(core.__struct_config__.forbid_unknown_fields) and all(
            _refuses_unknown(field.type) for field in fields_of(core)
        )
    return all(_refuses_unknown(part) for part in get_args(core) if not isinstance(part, str))


def _convert(kind: Any, value: Any, pointer: str, errors: list[FieldError]) -> Any:
    core = _core(kind)
    if _is_struct(core) and isinstance(value, dict):
        return _convert_struct(core, value, pointer, errors)
    origin, args = get_origin(core), get_args(core)
    if origin in (list, tuple) and isinstance(value, list) and args and _is_struct(_core(args[0])):
        before = len(errors)
        items = [_convert(args[0], v, f"{pointer}/{i}", errors) for i, v in enumerate(value)]
        return None if len(errors) > before else _leaf(kind, items, pointer, errors)
    if origin is dict and isinstance(value, dict) and _is_struct(_core(args[1])):
        return {k: _convert(args[1], v, f"{pointer}/{k}", errors) for k, v in value.items()}
    return _leaf(kind, value, pointer, errors)


def _convert_struct(
    struct: type[msgspec.Struct], value: dict[str, Any], pointer: str, errors: list[FieldError]
) -> Any:
    before = len(errors)
    found: dict[str, Any] = {}
    fields = {f.encode_name: f for f in fields_of(struct)}
    errors.extend(
        FieldError(f"{pointer}/{name}", "unknown_field", f"Không có trường “{name}”.")
        for name in value
        if name not in fields
    )
    for name, spec in fields.items():
        given = value.get(name, _MISSING)
        if given is _MISSING:
            if spec.required:
                errors.append(FieldError(f"{pointer}/{name}", "required", "Thiếu trường này."))
            continue
        found[spec.name] = _convert(spec.type, given, f"{pointer}/{name}", errors)
    if len(errors) > before:
        return None
    try:
        return struct(**found)
    except (ValueError, TypeError) as error:
        errors.append(FieldError(pointer or "/", "invalid", str(error)))
        return None


def _leaf(kind: Any, value: Any, pointer: str, errors: list[FieldError]) -> Any:
    try:
        return msgspec.convert(value, kind, strict=True, from_attributes=True)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        errors.append(
            FieldError(pointer + _as_pointer(place.rstrip("`")), "invalid", in_vietnamese(reason))
        )
        return None


_ANY_DATE = re.compile(r"Invalid RFC3339 encoded date|Expected `date(?: \| null)?`, got `.+`")
_ANY_MOMENT = re.compile(
    r"Invalid RFC3339 encoded (?:datetime|time)|Expected `datetime` with a timezone component"
    r"|Expected `datetime(?: \| null)?`, got `.+`"
)
_SENTENCES = (
    (re.compile(r"Expected `int(?: \| null)?`, got `(.+)`"), "Cần số nguyên."),
    (re.compile(r"Expected `float(?: \| null)?`, got `(.+)`"), "Cần một số."),
    (re.compile(r"Expected `(?:int|float)` >= (\S+)"), "Cần số từ {0} trở lên."),
    (re.compile(r"Expected `(?:int|float)` <= (\S+)"), "Cần số không quá {0}."),
    (re.compile(r"Expected `str` of length >= (\d+)"), "Cần ít nhất {0} ký tự."),
    (re.compile(r"Expected `str` of length <= (\d+)"), "Không quá {0} ký tự."),
    (re.compile(r"Expected `str` matching regex .*"), "Sai định dạng."),
    (re.compile(r"Expected `array` of length >= (\d+)"), "Cần ít nhất {0} phần tử."),
    (re.compile(r"Expected `array` of length <= (\d+)"), "Không quá {0} phần tử."),
    (re.compile(r"Expected `str(?: \| null)?`, got `(.+)`"), "Cần một chuỗi ký tự."),
    (re.compile(r"Expected `array(?: \| null)?`, got `(.+)`"), "Cần một danh sách."),
    (re.compile(r"Expected `(?:object|dict)(?: \| null)?`, got `(.+)`"), "Cần một đối tượng."),
    (re.compile(r"Expected `bool(?: \| null)?`, got `(.+)`"), "Cần true hoặc false."),
    (re.compile(r"Invalid enum value (.+)"), "Giá trị {0} không nằm trong danh sách cho phép."),
    (_ANY_DATE, "Cần một ngày, dạng năm-tháng-ngày: 2026-11-21."),
    (_ANY_MOMENT, "Cần thời điểm theo RFC 3339, có múi giờ: 2026-11-21T09:00:00+07:00."),
)


def in_vietnamese(reason: str) -> str:
    """The reason msgspec gives, in the language of those who read it; unknown ones as they are."""
    for pattern, sentence in _SENTENCES:
        match = pattern.fullmatch(reason)
        if match:
            return sentence.format(*match.groups())
    return f"Giá trị không hợp lệ ({reason})."


def _as_pointer(path: str) -> str:
    return path.replace("[", "/").replace("]", "").replace(".", "/")


def _core(kind: Any) -> Any:
    """The type inside ``Annotated[…]`` and ``… | None``."""
    if get_origin(kind) is Annotated:
        return _core(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        options = [a for a in get_args(kind) if a is not NoneType]
        return _core(options[0]) if len(options) == 1 else kind
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
