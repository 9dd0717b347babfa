"""Documents keep their word: generated files are fresh, links lead somewhere, examples work."""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from gateway import documentation
from gateway.api_contract import _NAMES
from gateway.cli import _parser
from gateway.foundation.access import SCOPES
from gateway.settings import Settings
from gateway.webhooks.rules import EVENT_TYPES
from gateway.webhooks.signature import SymmetricKey, sign

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "config").glob("*.md"),
        *(ROOT / "requirements").glob("*.md"),
    ]
)
_LINK = re.compile(r"(?:\]\(|src=\")([^)\"#\s]+)(#[^)\"\s]*)?[)\"]")
_FENCE = re.compile(r"```.*?```", re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def code_block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)
    assert found, f"{page} has no {language}"
    return found[1]


# ------------------------------------------------------------------ generated files


def test_every_operation_is_named_in_vietnamese_first():
    """``/docs`` is read by people; a name that no operation has is a leftover."""
    paths = json.loads(documentation.openapi())["paths"]
    names = {
        f"{method.upper()} {path}": operation["summary"].partition(" / ")[0]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert set(_NAMES) <= set(names)
    plain = [key for key, name in names.items() if unicodedata.normalize("NFD", name).isascii()]
    assert plain == []


@pytest.mark.parametrize(
    "name", ["configuration.md", "providers.md", "openapi.json", "validation-reasons.md"]
)
def test_a_generated_document_is_what_the_code_gives(name):
    """``make docs`` was run after the last change."""
    made = {
        "configuration.md": documentation.configuration,
        "providers.md": documentation.providers,
        "openapi.json": documentation.openapi,
        "validation-reasons.md": documentation.validation_reasons,
    }[name]()
    assert (ROOT / "docs" / name).read_text("utf-8") == made, "run: make docs"


def test_every_setting_is_explained():
    """A key without a word behind it would reach operators as a riddle."""
    for path, kind in documentation.sections(Settings):
        remarks = documentation.remarks(kind)
        silent = [f.name for f in documentation.keys_of(kind) if not remarks.get(f.name)]
        assert not silent, f"{path}: {silent}"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """The OpenAPI document on disk."""
    return dict(json.loads(text_of("docs/openapi.json")))


def operations(contract: dict[str, Any]):
    for path, methods in contract["paths"].items():
        for operation in methods.values():
            yield path, operation


def test_operation_ids_are_unique(contract):
    """Generators of clients make a function of each."""
    ids = [operation["operationId"] for _, operation in operations(contract)]
    assert len(ids) == len(set(ids))
    assert len(ids) > 30


def test_every_reference_in_the_contract_resolves(contract):
    """No schema is spoken of and left out."""
    schemas = contract["components"]["schemas"]
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(contract))
    assert names
    assert set(names) <= set(schemas)


def test_operations_are_complete(contract):
    """Path parameters are declared, every operation has a problem answer and a known scope."""
    assert contract["openapi"].startswith("3.1.")
    for path, operation in operations(contract):
        declared = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert declared == re.findall(r"{(\w+)}", path), path
        assert set(operation["x-scope"].split("|")) <= set(SCOPES), path
        assert "default" in operation["responses"]
        assert operation["summary"]


# ------------------------------------------------------------------ hand-written pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    """Files exist, and anchors name a heading."""
    for target, anchor in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if ":" in target:
            continue
        found = (page.parent / target).resolve()
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if anchor:
            assert anchor.lstrip("#") in anchors_of(found), target + anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_source_file_exists(page):
    """Where a page says `rules.py` or `payments/facts.py`, such a file is to be found."""
    rooms = ("gateway", "connectors", "signing", "tests", "config", "benchmarks")
    files = [path.as_posix() for room in rooms for path in (ROOT / room).rglob("*.*")]
    for name in re.findall(r"`([\w/.-]+\.(?:py|toml|html|css))`", page.read_text("utf-8")):
        known = (ROOT / name).exists() or any(path.endswith("/" + name) for path in files)
        assert known or name == "gateway.toml", name  # the operator's own


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def commands() -> dict[str, argparse.ArgumentParser]:
    [sub] = [a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(sub.choices)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_command_exists(page):
    """Each ``make`` target, ``motcua`` command and option that a page names is there."""
    text = page.read_text("utf-8")
    targets = set(re.findall(r"(?m)^([a-z]+):", text_of("Makefile")))
    known = commands()
    code = "\n".join(re.findall(r"`[^`\n]+`", text) + _FENCE.findall(text))
    assert set(re.findall(r"(?:^|[`\n])make ([a-z]+)", code)) <= targets
    for line in re.findall(r"(?:^|[`\s]|bin/)motcua ([a-z][^`\n|]*)", code):
        command, *rest = line.split()
        assert command in known, line
        given = {word.split("=")[0] for word in rest if word.startswith("--")}
        assert given <= set(known[command]._option_string_actions), line


def test_every_event_type_is_documented():
    """A portal can look up whatever it may receive, and nothing that does not exist."""
    told = set(
        re.findall(r"`([a-z]+\.[a-z_]+)`", text_of("docs/webhooks.md").split("## Event types")[1])
    )
    assert told == set(EVENT_TYPES)


def test_every_scope_is_documented():
    """An operator can look up what a key may do."""
    assert set(SCOPES) <= set(re.findall(r"`([a-z]+:[a-z]+)`", text_of("docs/api.md")))


# ------------------------------------------------------------------ examples

BODY = '{"type": "payment.paid", "reference": "hồ sơ"}'.encode()


def signed_now() -> tuple[str, dict[str, str]]:
    key = SymmetricKey(bytes(range(32)))
    return key.text, sign([key], "evt_1", int(time.time()), BODY)


def test_the_python_receiver_accepts_what_we_sign(tmp_path, monkeypatch):
    """The example as printed, with our signature and with one byte changed."""
    secret, headers = signed_now()
    (tmp_path / "secret.txt").write_text(secret + "\n")
    monkeypatch.chdir(tmp_path)
    example: dict[str, Any] = {"__name__": "example"}
    exec(compile(code_block("docs/webhooks.md", "python"), "webhooks.md", "exec"), example)
    assert example["webhook"].verify(BODY, headers)["type"] == "payment.paid"
    with pytest.raises(example["WebhookVerificationError"]):
        example["webhook"].verify(BODY.replace(b"paid", b"Paid"), headers)


@pytest.mark.long
@pytest.mark.oracle
@pytest.mark.skipif(not shutil.which("javac"), reason="no Java compiler on this machine")
def test_the_java_receiver_accepts_what_we_sign(tmp_path):
    """The example as printed, compiled; true for ours, false for a changed byte."""
    secret, headers = signed_now()
    source = (
        "import java.security.MessageDigest; import java.util.Base64; import javax.crypto.Mac;"
        "import javax.crypto.spec.SecretKeySpec;"
        "import static java.nio.charset.StandardCharsets.UTF_8;"
        "class Example { public static void main(String[] a) throws Exception {"
        "System.out.print(isGenuine(a[0], a[1], a[2], a[3], Base64.getDecoder().decode(a[4])));}"
        + code_block("docs/webhooks.md", "java")
        + "}"
    )
    (tmp_path / "Example.java").write_text(source, "utf-8")

    def says(body: bytes) -> str:
        values = [secret, *headers.values(), base64.b64encode(body).decode()]
        run = ["java", "-XX:TieredStopAtLevel=1", "Example.java", *values]
        return subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert says(BODY) == "true"
    assert says(BODY.replace(b"paid", b"Paid")) == "false"


# ------------------------------------------------------------------ what must not be said


def test_tracked_files_name_no_machine():
    """No path of a developer's machine and no package index in anything that is published."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    forbidden = re.compile(
        rb"/(?:work|home|root|Users)/[a-z]|/tmp/[a-z]|pypi\.org|pythonhosted|index-url|simple/"
    )
    itself = Path(__file__).relative_to(ROOT).as_posix()
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if (
            name == itself
            or not path.is_file()
            or path.suffix in {".pdf", ".png", ".ttf", ".woff2"}
        ):
            continue
        found = forbidden.search(path.read_bytes().replace(b"--no-emit-index-url", b""))
        assert not found, f"{name}: {found[0].decode()}"
