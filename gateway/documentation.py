"""The documents that are made from code: ``python -m gateway.documentation``, or ``make docs``.

Owns ``docs/configuration.md`` (from the settings' types, their comments and the providers'
passports), ``docs/providers.md`` (from the registry), ``docs/openapi.json`` (from the routes) and
``docs/validation-reasons.md`` (from the validator's own list).
A test compares the files with what the code gives, so they cannot fall behind.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
import tempfile
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from connectors import registry
from connectors.contract import Kind, Spec
from gateway.documents.template_desk import PAGES_UNKNOWN, WRONG_PAGES
from gateway.foundation.clock import SystemClock
from gateway.settings import Settings, insecurities
from gateway.signing_settings import Trust

DOCS = Path(__file__).resolve().parents[1] / "docs"
_MADE = "<!-- Made by `make docs`; edit the code instead. -->\n"
_TABLES: Mapping[str, Mapping[str, registry.Entry[Any]]] = {
    "payment_accounts": {**registry.PAYMENT, **registry.NOTIFICATION},
    "postal_accounts": registry.POSTAL,
}


def documents() -> dict[str, str]:
    """Every generated file of ``docs/``, by its name."""
    return {
        "configuration.md": configuration(),
        "providers.md": providers(),
        "openapi.json": openapi(),
        "validation-reasons.md": validation_reasons(),
    }


def main() -> int:
    """Write the files."""
    for name, text in documents().items():
        (DOCS / name).write_text(text, "utf-8")
        sys.stdout.write(f"docs/{name}\n")
    return 0


# ------------------------------------------------------------------ reasons of validations


def validation_reasons() -> str:
    """Every code that may stand in ``reason``, with what people read."""
    from signing.validation.reasons import MEANINGS  # noqa: PLC0415 - only here is pyHanko needed
    from signing.validation.sentences import SENTENCES  # noqa: PLC0415 - likewise

    rows = [
        f"| `{code}` | {meaning} | {_words(SENTENCES[code])} | {_stamp_words(SENTENCES, code)} |"
        for code, meaning in MEANINGS.items()
    ]
    rows += [f"| `{code}` | {meaning} | | |" for code, meaning in _TEMPLATE_REASONS.items()]
    return "\n".join([_MADE, _REASONS_HEAD, *rows, ""])


def _words(sentence: str) -> str:
    return sentence.replace("|", "\\|")


def _stamp_words(sentences: Mapping[str, str], code: str) -> str:
    own = sentences.get(f"timestamp_{code}")
    return _words(own) if own else ""


_TEMPLATE_REASONS = {
    WRONG_PAGES: "the file has other pages than its template (both numbers are named)",
    PAGES_UNKNOWN: "its pages could not be counted, so that nobody can compare them (why is named)",
}
_REASONS_HEAD = """# Why a validation ends as it does
`reason` of `POST /v1/validations`, of each of its signatures and of `motcua validate`. `intact` is
the one of valid files; with `invalid` and `indeterminate` it is the first thing that speaks against
the signature. The list is closed: a code that is not here is a fault. Words in braces are filled
in.

| code | means | people read | people read of a time-stamp |
| --- | --- | --- | --- |"""

# ------------------------------------------------------------------ configuration


def configuration() -> str:
    """Every section and key: type, default, meaning, and the environment's name for it."""
    parts = [_MADE, _CONFIGURATION_HEAD]
    parts += [_section(path, kind) for path, kind in sections(Settings)]
    parts.append(_accounts())
    refused = "\n".join(f"- `{sentence}`" for sentence in _what_live_refuses())
    parts.append(f"{_LIVE_HEAD}{refused}\n")
    return "\n".join(parts)


def sections(kind: type, path: str = "") -> Iterator[tuple[str, type]]:
    """The tables of the configuration file, in order; ``*`` stands for a name of one's own."""
    for name, hint in get_type_hints(kind).items():
        where = f"{path}.{name}".lstrip(".")
        if _is_struct(hint):
            yield where, hint
            yield from sections(hint, where)
        elif get_origin(hint) is list and _is_struct(get_args(hint)[0]):
            yield f"[{where}]", get_args(hint)[0]  # TOML's array of tables: [[where]]
        elif get_args(hint)[1:] and _is_struct(get_args(hint)[1]):
            yield f"{where}.*", get_args(hint)[1]
            yield from sections(get_args(hint)[1], f"{where}.*")


def keys_of(kind: type) -> list[msgspec.structs.FieldInfo]:
    """The plain keys of a table, without the tables inside it."""
    inside = {path.strip("[]").split(".")[0] for path, _ in sections(kind)}
    return [field for field in msgspec.structs.fields(kind) if field.name not in inside]


def _section(path: str, kind: type) -> str:
    lines = [f"## `[{path}]`", inspect.getdoc(kind) or "", ""]
    rows = keys_of(kind)
    if not rows:
        return "\n".join(lines)
    notes = remarks(kind)
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for field in rows:
        note = notes[field.name].replace("|", "or")
        lines.append(f"| `{field.name}` | {_type(field.type)} | {_default(field)} | {note} |")
    if path.startswith("["):  # the environment has no names for the entries of a list
        return "\n".join([*lines, ""])
    first = f"{path}.{rows[0].name}".replace(".*", ".<name>").upper().replace(".", "__")
    return "\n".join([*lines, "", f"Environment: `MOTCUA__{first}` and so on.", ""])


def remarks(kind: type) -> dict[str, str]:
    """What the source says about each key: the comment behind it, or on the line above."""
    source = textwrap.dedent(inspect.getsource(kind))
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            behind = comments.get(node.end_lineno or node.lineno)
            found[node.target.id] = behind or comments.get(node.lineno - 1, "")
    return found


def _accounts() -> str:
    parts = [_ACCOUNTS_HEAD]
    for section, table in _TABLES.items():
        parts.append(f"### `[{section}.<name>]`\n")
        parts += ["| provider | required | optional | secrets |", "| --- | --- | --- | --- |"]
        for entry in table.values():
            spec = entry.spec
            cells = (spec.options, spec.optional, spec.secrets)
            parts.append(f"| `{spec.name}` | " + " | ".join(map(_names, cells)) + " |")
        parts.append("")
    return "\n".join(parts)


def _what_live_refuses() -> list[str]:
    worst: Any = {
        "server": {"mode": "live"},
        "signing": {"trust": Trust(allow_loopback=True)},
        "payment_accounts": {"<account>": {"…_url": "http://"}},
    }
    return insecurities(msgspec.convert(worst, Settings, from_attributes=True))


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _type(hint: Any) -> str:
    arguments = get_args(hint)
    if hasattr(hint, "__metadata__"):
        limits = hint.__metadata__[0]
        given = (("≥", limits.ge), (">", limits.gt), ("≤", limits.le))
        bounds = [f"{sign} {bound}" for sign, bound in given if bound is not None]
        return f"{_type(arguments[0])} {', '.join(bounds)}"
    if type(None) in arguments or get_origin(hint) is Union:
        words = " or ".join(_type(a) for a in arguments if a is not type(None))
        return words + ", optional" * (type(None) in arguments)
    if get_origin(hint) is Literal:
        return " or ".join(f"`{word}`" for word in arguments)
    if get_origin(hint) in (list, tuple):
        return f"list of {_WORDS[arguments[0]]}s"
    if get_origin(hint) is dict:
        return f"table of {_WORDS[arguments[1]]}s"
    return _WORDS[hint]


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is msgspec.NODEFAULT:
        return "required"
    if value is None:
        return "–"
    if isinstance(value, tuple):
        value = list(value)
    return f"`{msgspec.json.encode(value).decode()}`"


# ------------------------------------------------------------------ providers


def providers() -> str:
    """The capability matrix and a passport for each provider."""
    parts = [_MADE, _PROVIDERS_HEAD, registry.capability_markdown()]
    for table in _TABLES.values():
        parts += [_passport(entry) for entry in table.values()]
    return "\n".join(parts)


def _passport(entry: registry.Entry[Any]) -> str:
    spec = entry.spec
    package = sys.modules[str(entry.factory.__module__).rpartition(".")[0]]
    about = _prose(package).replace("The passport of this connector. ", "")
    rows = {
        "Document": f"{spec.document} (version {spec.version})",
        "Stage": spec.stage.value,
        "Reference": f"at most {spec.reference_max} of `{spec.reference_charset}`",
        "Callback addresses": _addresses(spec),
        "Required options": _names(spec.options),
        "Optional": _names(spec.optional),
        "Secrets": _names(spec.secrets),
    }
    if spec.kind is Kind.PAYMENT:
        rows["Amount"] = f"{spec.min_amount_vnd:,} to {spec.max_amount_vnd:,} đồng"
    lines = "\n".join(f"- {name}: {value}" for name, value in rows.items())
    account = _prose(entry.factory).partition("\n\n")[2].partition("Raises:")[0].strip()
    parts = [f"## {spec.title} (`{spec.name}`)\n{about}", account, lines]
    return "\n\n".join(filter(None, parts)) + "\n"


def _prose(thing: object) -> str:
    return (inspect.getdoc(thing) or "").replace("``", "`")


def _addresses(spec: Spec) -> str:
    return _names(tuple(f"/callbacks/<account>/{leg}".rstrip("/") for leg in spec.callback_legs))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


# ------------------------------------------------------------------ OpenAPI


def openapi() -> str:
    """The contract of a gateway that was built from defaults and never started."""
    return asyncio.run(_contract())


async def _contract() -> str:
    from gateway.app import Gateway  # noqa: PLC0415 - only this document needs the whole gateway

    with tempfile.TemporaryDirectory() as folder:
        place = {
            "database": {"url": f"sqlite:///{folder}/motcua.db"},
            "files": {"url": f"{folder}/files"},
        }
        gateway = Gateway(msgspec.convert(place, Settings), SystemClock())
        try:
            text = msgspec.json.encode(gateway.contract(), order="deterministic")
        finally:
            await gateway.stop()
    return msgspec.json.format(text, indent=1).decode() + "\n"


# ------------------------------------------------------------------ words

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_CONFIGURATION_HEAD = """# Configuration
One TOML file, named by `--config` or `MOTCUA_CONFIG`. Every key has a default. Unknown, ill-typed
and insecure keys are reported all at once by `motcua check-config`, and nothing starts before
they are right.

- Every key can come from the environment: `MOTCUA__SECTION__KEY`, in capitals, levels joined by
  two underscores. Values are read as TOML where they can be (`9090`, `true`, `["a", "b"]`),
  otherwise as text. The environment wins over the file.
- Wherever a value may stand, `{ env = "NAME" }` takes an environment variable and
  `{ file = "path" }` the text of a file, named relative to the configuration file. Keep secrets
  there. All other relative paths start at the working directory.
- [`config/gateway.example.toml`](../config/gateway.example.toml) shows every section.
"""
_ACCOUNTS_HEAD = """## Accounts at providers
The name in brackets is yours: it stands in `/callbacks/<name>` and in the API
(`"account": "vnpay-main"`). `provider` says which connector; the other keys are that connector's
own, explained in [providers.md](providers.md). A secret may be a list, newest first: what is sent
is signed with the first, what comes in is checked against all.
"""
_LIVE_HEAD = """## What live refuses
With `server.mode = "live"` the gateway does not start, and `motcua check-config` says why:

"""
_PROVIDERS_HEAD = """# Providers
What each connector can do, and how sure we are of it. *Stage*: `verified` = recomputed from
published samples; `documented` = written from the provider's documents, not yet proved against
its own messages; `simulated` = agreed with our simulator only. `motcua providers` prints the same
table. No connector here has been run against a provider's production system yet.
"""


if __name__ == "__main__":
    sys.exit(main())
