"""Document templates: the dated table, naming one over HTTP, and documents that know their own."""

from __future__ import annotations

import json
from datetime import date

import aiohttp
import pytest

from gateway.cli import main
from gateway.documents.service import Documents
from gateway.documents.template_desk import hold_to_pages
from gateway.documents.templates import (
    Template,
    TemplateBook,
    TemplateTableError,
    UnknownTemplate,
    read_templates,
)
from gateway.foundation.files import FileStore
from gateway.foundation.problems import Problem
from gateway.operator_data import document_templates
from gateway.preservation.doubts import Doubts
from gateway.settings import ConfigurationError
from signing.contract import Finding, Inspection, Severity, Validation, Verdict
from tests.gateway.documents.desk import Desk
from tests.gateway.documents.test_documents_http import form, form_of
from tests.signing.validation.signing_kit import make_pdf, pki, sign, update
from tests.signing.validation.test_attacks import FORM, fill_in
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import plain_pdf

TABLE = """
[[template]]
name = "giay-phep"
version = "1"
fields = ["Khac"]
valid_from = 2020-01-01
valid_to = 2025-06-30
legal_basis = "Quyết định 1"

[[template]]
name = "giay-phep"
version = "2"
title = "Giấy phép"
fields = ["SoTien", "TraKetQua.*"]
pages = 1
valid_from = 2025-07-01
legal_basis = "Quyết định 2"
"""
BOOK = read_templates(TABLE)
ROW = {
    "name": '"a"',
    "version": '"1"',
    "fields": "[]",
    "valid_from": "2025-01-01",
    "legal_basis": '"Luật"',
}


def table(**changes):
    rows = "\n".join(f"{key} = {value}" for key, value in (ROW | changes).items())
    return f"[[template]]\n{rows}\n"


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize(
    ("asked", "day", "version"),
    [
        ("giay-phep", date(2020, 1, 1), "1"),
        ("giay-phep", date(2025, 6, 30), "1"),
        ("giay-phep", date(2025, 7, 1), "2"),
        ("giay-phep@1", date(2030, 1, 1), "1"),
    ],
)
def test_the_version_in_force_is_found_and_an_old_one_by_its_label(asked, day, version):
    assert BOOK.find(asked, day).version == version


@pytest.mark.parametrize("asked", ["giay", "giay-phep@3", "", "@1", "giay-phep@"])
def test_what_is_unknown_is_told_with_what_is_known(asked):
    with pytest.raises(UnknownTemplate) as unknown:
        BOOK.find(asked, date(2019, 1, 1) if asked == "giay-phep@" else date(2026, 1, 1))
    assert unknown.value.known in {("giay-phep",), ()}


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        table(name='"A B"'),
        table(version='""'),
        table(fields='"SoTien"'),
        table(fields="[1]"),
        table(pages="0"),
        table(pages="true"),
        table(valid_from='"2025"'),
        table(valid_from="2025-01-01T00:00:00"),
        table(legal_basis='""'),
        table(color='"red"'),
        "[[template]]\nname = 'a'\n",
        table() + table(),
        table() + table(version='"2"', valid_from="2026-01-01"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(text):
    with pytest.raises(TemplateTableError):
        read_templates(text)


def test_the_table_that_ships_can_be_read():
    """Every row has its legal basis; a plain letter lets nothing be filled in."""
    book = document_templates("")
    assert book.find("van-ban-hanh-chinh", date(2026, 1, 1)).fields == frozenset()
    assert all(template.legal_basis for template in book.in_force(date(2026, 1, 1)))


def test_a_table_that_cannot_be_read_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match=r"signing\.templates"):
        document_templates(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("[[template]]", "utf-8")
    with pytest.raises(ConfigurationError, match=r"signing\.templates"):
        document_templates(str(tmp_path / "bad.toml"))


# ------------------------------------------------------------------ over HTTP


@pytest.fixture
async def world(sqlite, clock, tmp_path, real_signatures):
    desk = Desk.make(sqlite, clock, tmp_path, real_signatures)
    files = FileStore(str(tmp_path / "files"))
    desk.documents = Documents(sqlite, clock, files, real_signatures, BOOK, doubts=Doubts())
    edge = make_edge(sqlite, clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:

        async def caller(**more):
            return await portal(edge, server, session, **more)

        yield caller
    await server.close()


@pytest.fixture(scope="module")
def filled_in():
    """A signed form in which somebody wrote an amount afterwards."""
    return update(sign(make_pdf(**FORM), store=True), fill_in)


def asked(pdf, template):
    data = form_of(pdf)
    data.add_field("template", template)
    return data


async def judged(caller, data):
    status, body, _ = await caller.post("/v1/validations", data=data)
    assert status == 200, body
    return body["signatures"][0]["reason"], body["template"]


async def test_a_named_template_lets_its_fields_be_filled_in(world, filled_in):
    """The same file: undecided without a template, its reason gone with the right one."""
    caller = await world()
    assert await judged(caller, form_of(filled_in)) == ("form_changed", None)
    assert await judged(caller, asked(filled_in, "giay-phep@1")) == ("form_changed", "giay-phep@1")
    assert await judged(caller, asked(filled_in, "giay-phep")) == ("untrusted", "giay-phep@2")


async def test_a_document_of_ours_knows_its_template_by_itself(world, filled_in):
    """Named once, at the upload; another portal's document is nobody's business."""
    caller = await world()
    data = form(filled_in, template="giay-phep")
    status, made, _ = await caller.post("/v1/documents", data=data)
    assert (status, made["template"]) == (201, "giay-phep@2")
    assert await judged(caller, form_of(filled_in)) == ("untrusted", "giay-phep@2")
    stranger = await world(name="khac")
    assert await judged(stranger, form_of(filled_in)) == ("form_changed", None)


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/validations"])
async def test_an_unknown_template_is_refused_with_those_that_exist(world, path):
    caller = await world()
    data = form(plain_pdf(), template="giay-khac") if path.endswith("documents") else None
    data = data or asked(plain_pdf(), "giay-khac")
    status, body, _ = await caller.post(path, data=data)
    (error,) = body["errors"]
    assert (status, error["pointer"], error["code"]) == (422, "/template", "unknown_template")
    assert "giay-phep" in error["detail"]


async def test_a_document_of_other_pages_than_its_template_is_refused(world):
    caller = await world()
    data = form(plain_pdf(2), template="giay-phep")
    status, body, _ = await caller.post("/v1/documents", data=data)
    (error,) = body["errors"]
    assert (status, error["code"]) == (422, "template_pages")
    assert "2 trang" in error["detail"]


@pytest.fixture(scope="module")
def two_pages():
    return sign(plain_pdf(2), store=True)


async def test_a_signed_file_of_other_pages_is_told(world, two_pages):
    caller = await world()
    data = asked(two_pages, "giay-phep")
    _, body, _ = await caller.post("/v1/validations", data=data)
    assert body["verdict"] == "indeterminate"
    assert any("2 trang" in message for message in body["messages"])


ENCRYPTED = Finding("encrypted", Severity.BLOCK, "tệp", "Tệp bị mã hoá hoặc đặt mật khẩu.")
ONE_PAGE = Template(
    "giay-phep", "2", "", frozenset(), date(2026, 1, 1), None, "Quyết định 2", pages=1
)


def judged_as(verdict):
    return Validation(verdict, "…", "0" * 64, 9, signatures=("one",), reason="intact")


@pytest.mark.parametrize(
    "look",
    [
        Inspection("0" * 64, 9, 0, "1.7", (ENCRYPTED,), ()),
        Inspection("0" * 64, 9, 0, "1.7", (), ()),
        Problem("signing_unavailable", "Dịch vụ ký số đang bận."),
    ],
)
async def test_pages_that_nobody_counted_are_not_called_none(look):
    """Blocked, broken off, or nobody to look: the file is not valid, and the reason is said."""

    async def inspect():
        if isinstance(look, Problem):
            raise look
        return look

    held = await hold_to_pages(judged_as(Verdict.VALID), ONE_PAGE, inspect)
    assert (held.verdict, held.reason) == (Verdict.INDETERMINATE, "template_pages_unknown")
    assert held.summary == held.messages[-1]
    assert "0 trang" not in held.summary
    assert "Không đếm được số trang" in held.summary
    assert "giay-phep@2 có 1 trang" in held.summary
    told = {"đặt mật khẩu", "đang bận", "chưa kiểm tra được"}
    assert sum(words in held.summary for words in told) == 1
    invalid = await hold_to_pages(judged_as(Verdict.INVALID), ONE_PAGE, inspect)
    assert (invalid.verdict, invalid.reason) == (Verdict.INVALID, "intact")
    assert invalid.messages == held.messages


async def test_templates_in_force_are_listed(world):
    caller = await world()
    status, body, _ = await caller.get("/v1/document-templates")
    assert status == 200
    (template,) = body["data"]
    assert (template["version"], template["pages"]) == ("2", 1)
    assert template["fields"] == ["SoTien", "TraKetQua.*"]
    assert template["legal_basis"] == "Quyết định 2"


# ------------------------------------------------------------------ on the command line


def test_the_command_knows_templates(tmp_path, capsys, filled_in):
    """``--template`` reads the operator's table; an unknown one ends the command in words."""
    (tmp_path / "mau.pdf").write_bytes(filled_in)
    (tmp_path / "goc.cer").write_bytes(pki().root.der)
    (tmp_path / "mau.toml").write_text(TABLE, "utf-8")
    settings = tmp_path / "motcua.toml"
    settings.write_text(f'[signing]\ntemplates = "{tmp_path / "mau.toml"}"\n', "utf-8")
    given = ["validate", str(tmp_path / "mau.pdf"), "--json", "--config", str(settings)]
    given += ["--roots", str(tmp_path / "goc.cer"), "--template"]
    assert main([*given, "giay-phep"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "valid"
    assert main([*given, "khac"]) != 0
    assert "giay-phep" in capsys.readouterr().err


def test_a_file_that_is_no_document_of_anybody_has_no_template():
    assert TemplateBook().in_force(date(2026, 1, 1)) == ()
