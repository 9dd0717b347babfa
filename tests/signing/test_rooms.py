"""The walls between the rooms of ``signing`` that an import checker cannot see."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
import {module}
heavy = {{"pyhanko", "pyhanko_certvalidator", "cryptography", "asn1crypto", "reportlab", "aiohttp"}}
print(",".join(sorted({{name.split(".")[0] for name in sys.modules}} & heavy)))
"""


@pytest.mark.parametrize(
    "module",
    [
        "signing.contract",
        "signing.processes.pool",
        "signing.processes.signer",
        "signing.fonts",
        "signing.validation_report",
    ],
)
def test_the_doors_open_without_the_heavy_libraries(module):
    """A web process that only asks the pool starts quickly and never holds a parser."""
    probe = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert probe.stdout.strip() == ""


@pytest.mark.parametrize(
    ("room", "names"),
    [
        ("appearance", {"Part", "plan", "signer_name"}),
        ("inspection", {"inspect_file", "inspect_pdf"}),
        ("pades", {"Act", "KeptKeySigner", "Look", "ProofFailed", "prove", "sign_revision"}),
        ("validation", {"validate_as_configured", "validate_pdf"}),
    ],
)
def test_every_room_can_be_entered_first(room, names):
    """No room works only because another was imported before it."""
    code = f"import signing.{room} as room; print(','.join(sorted(room.__all__)))"
    entered = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(entered.stdout.strip().split(",")) == names


def test_the_conversation_with_providers_holds_no_pdf_library():
    """Children that only wait for somebody stay small."""
    code = PROBE.format(module="signing.remote.talk")
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"pyhanko", "reportlab"} & set(loaded.stdout.strip().split(","))
    assert "aiohttp" in loaded.stdout
