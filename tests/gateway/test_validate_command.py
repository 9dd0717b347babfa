"""``motcua validate`` from the command line: roots, kinds, listed fields, reports, exit status."""

from __future__ import annotations

import json

import pytest

from gateway.cli import main
from tests.signing.validation.signing_kit import make_pdf, pki, sign, update
from tests.signing.validation.test_attacks import FORM, fill_in


@pytest.fixture
def folder(tmp_path):
    """A signed form that was filled in, and a configuration that names its root's kind."""
    (tmp_path / "mau.pdf").write_bytes(update(sign(make_pdf(**FORM), store=True), fill_in))
    (tmp_path / "goc.cer").write_bytes(pki().root.der)
    (tmp_path / "motcua.toml").write_text(
        f"""[signing.trust.anchors.thu]
file = "{tmp_path / "goc.cer"}"
kind = "government"
""",
        "utf-8",
    )
    return tmp_path


@pytest.mark.long
def test_a_listed_field_makes_the_difference(folder, capsys):
    """0 only when valid; the verdict names the root's kind; a report is written for each file."""
    given = ["validate", str(folder / "mau.pdf"), "--json"]
    given += ["--config", str(folder / "motcua.toml")]
    assert main(given) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["reason"]) == ("indeterminate", "form_changed")
    assert told["signatures"][0]["trust_anchor_kind"] == "government"
    reports = folder / "bao-cao"
    assert main([*given, "--allow-field", "SoTien", "--report-xml", str(reports)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["reason"]) == ("valid", "intact")
    (report,) = reports.iterdir()
    assert told["sha256"][:12] in report.name
    assert "ValidationReport" in report.read_text("utf-8")


def test_a_missing_root_is_the_operators_mistake(folder, capsys):
    """Told in words, before any file is judged."""
    assert main(["validate", str(folder / "mau.pdf"), "--roots", str(folder / "none.pem")]) == 2
    (folder / "goc.cer").unlink()
    given = ["validate", str(folder / "mau.pdf"), "--config", str(folder / "motcua.toml")]
    assert main(given) == 2
    assert "signing.trust.anchors.thu.file" in capsys.readouterr().err
