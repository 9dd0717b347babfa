"""A gateway that would not be safe for citizens does not start, and says all that is wrong."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from gateway.cli import main
from gateway.foundation.clock import SystemClock
from signing.devpki.authority import DevPki
from tests.support.process import ROOT

CONFIG = """
[server]
mode = "live"
public_url = "http://cong.example"
[database]
url = "sqlite:///{folder}/motcua.db"
[secrets]
pepper = "short"
[payment_accounts.vnpay-main]
provider = "vnpay"
tmn_code = "MOTCUA01"
base_url = "http://sandbox.example"
[payment_accounts.casso-main]
provider = "casso"
[signing.trust]
roots = ["{folder}/root.pem"]
allow_loopback = true
[signing.keys.nguyen-van-a]
path = "{folder}/missing.p12"
"""

PROBLEMS = (
    "server.public_url",
    "secrets.master_keys",
    "secrets.pepper",
    "vnpay-main.base_url",
    "payment_accounts.vnpay-main: ",
    "payment_accounts.casso-main: ",
    "signing.trust.allow_loopback",
    "signing.trust.roots",
    "signing.keys.nguyen-van-a.path",
)


def test_an_insecure_live_gateway_refuses_to_start_and_names_every_problem(tmp_path):
    """No secrets, plain http, the development PKI, a missing key file: all named, status 2."""
    pki = DevPki.create(tmp_path / "pki", SystemClock())
    (tmp_path / "root.pem").write_bytes(pki.root_pem)
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(folder=tmp_path), "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = ended.stderr.splitlines()
    assert ended.returncode == 2, ended.stderr
    assert all(line.startswith("cấu hình: ") for line in said)
    unnamed = [name for name in PROBLEMS if not any(name in line for line in said)]
    assert unnamed == []
    assert not (tmp_path / "motcua.db").exists()


def refused(*arguments):
    """Run a command that is to end with status 2 and sentences, not with a traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert all(line.startswith("cấu hình: ") for line in ended.stderr.splitlines())
    return ended.stderr


@pytest.mark.long
def test_a_port_that_is_taken_is_said_plainly(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("serve", "--with-simulators", "--folder", str(tmp_path), "--port", str(port))
        assert f"{port}" in said
        config = tmp_path / "gateway.toml"
        config.write_text(
            f"""
            [server]
            port = {port}
            [database]
            url = "sqlite:///{tmp_path}/motcua.db"
            [files]
            url = "{tmp_path}/files"
            """
        )
        assert f"server.port: 127.0.0.1:{port}" in refused("serve", "--config", str(config))


@pytest.mark.long
def test_a_database_that_is_away_at_the_start_is_said_plainly(tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text(
        """
        [database]
        url = "postgresql://motcua:mat-khau@127.0.0.1:9/motcua"
        """
    )
    said = refused("serve", "--config", str(config))
    assert "database: " in said
    assert "mat-khau" not in said


def test_a_file_that_is_not_there_is_said_plainly(tmp_path, capsys):
    missing = tmp_path / "khong-co.pdf"
    assert main(["demo", "--input", str(missing), "--out", str(tmp_path / "out")]) == 2
    assert "khong-co.pdf" in capsys.readouterr().err
