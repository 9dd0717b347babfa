"""Configuration: every wrong key at once, secrets from files and environment, live is strict."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.documentation import keys_of, sections
from gateway.foundation.clock import FakeClock
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.settings import ConfigurationError, Settings, load
from gateway.wiring import build_connectors

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "gateway.example.toml"
SECRETS = dict.fromkeys(("VNPAY_SECRET", "CASSO_KEY", "SEPAY_KEY", "NGSP_SECRET"), "x" * 32)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(text, "utf-8")
    return path


def problems_of(path: Path | None, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(path, environment or {})
    return caught.value.problems


@pytest.fixture
def uncommented(tmp_path):
    """The example with everything behind ``#`` switched on, and the files it names."""
    (tmp_path / "secrets").mkdir()
    secrets = (
        "master.key",
        "pepper.key",
        "ubnd-phuong-mau.password",
        "csc.pin",
        "csc.secret",
        "tsa.password",
    )
    for name in secrets:
        (tmp_path / "secrets" / name).write_text("y" * 32)
    text = re.sub(r"(?m)^# (?=\[+[a-z_]+\.|[a-z_]+ = )", "", EXAMPLE.read_text("utf-8"))
    return write(tmp_path, text)


def accounts_of(settings):
    """Every account, built by its own connector."""
    clock = FakeClock()
    return build_connectors(settings, HttpTransport(clock, Metrics()), clock).accounts


def test_the_example_loads():
    """What operators copy is valid, down to each provider's options."""
    settings = load(EXAMPLE, SECRETS)
    assert set(accounts_of(settings)) == {"vietqr-main", "casso-main", "vnpay-main", "manual"}


def test_what_the_example_comments_out_is_valid_too(uncommented):
    """Removing a ``#`` never breaks a configuration."""
    settings = load(uncommented, SECRETS)
    assert {"sepay-main", "vnpost-hcc"} < set(accounts_of(settings))
    assert settings.signing.keys["ubnd-phuong-mau"].holder == "agency:H55.12"


def test_the_example_shows_every_section(uncommented):
    """An operator need not guess that a section exists."""
    text = uncommented.read_text("utf-8")
    for path, kind in sections(Settings):
        heading = re.escape(path).replace(r"\*", "[a-z-]+")
        assert re.search(rf"(?m)^\[{heading}\]", text), path
        assert keys_of(kind)


def test_defaults_are_enough():
    """No file at all is a test gateway on SQLite."""
    assert load(None, {}).database.url.startswith("sqlite")


def test_every_wrong_key_is_reported_at_once(tmp_path):
    """Unknown, ill-typed and out-of-range keys, unset variables and missing files together."""
    path = write(
        tmp_path,
        """
        [server]
        port = "eight"
        colour = "red"
        [databse]
        url = "x"
        [payments]
        expires_in_s = 0
        [payment_accounts.a]
        hash_secret = { env = "NOT_SET" }
        key = { file = "missing.txt" }
        """,
    )
    text = "\n".join(problems_of(path))
    for part in (
        "server.port", "server.colour", "databse", "payments.expires_in_s", "NOT_SET",
        "payment_accounts.a.key",
    ):  # fmt: skip
        assert part in text


def test_what_is_held_in_memory_stays_small(tmp_path):
    """Whole documents are read up to ``large_from``: more than 64 MiB is refused by name."""
    path = tmp_path / "gateway.toml"
    for size, fine in ((64 * 2**20, True), (64 * 2**20 + 1, False)):
        path.write_text(f"[files]\nlarge_from = {size}\n", "utf-8")
        if fine:
            assert load(path).files.large_from == size
            continue
        with pytest.raises(ConfigurationError) as refused:
            load(path)
        assert [p.partition(":")[0] for p in refused.value.problems] == ["files.large_from"]


def test_environment_overrides_the_file_with_types(tmp_path):
    """``MOTCUA__SECTION__KEY``, numbers as numbers, secrets from files."""
    (tmp_path / "secret.txt").write_text("abc\n")
    path = write(
        tmp_path, '[server]\nport = 1\n[payment_accounts.a]\nsecret = { file = "secret.txt" }\n'
    )
    settings = load(path, {"MOTCUA__SERVER__PORT": "9090", "MOTCUA__DATABASE__URL": "sqlite:///x"})
    assert (settings.server.port, settings.database.url) == (9090, "sqlite:///x")
    assert settings.payment_accounts["a"]["secret"] == "abc"


def test_live_refuses_what_is_insecure(tmp_path):
    """No secret, plain http, development PKI: all named."""
    path = write(
        tmp_path,
        """
        [server]
        mode = "live"
        public_url = "http://gateway.example"
        [signing.trust]
        allow_loopback = true
        [payment_accounts.v]
        provider = "vnpay"
        base_url = "http://sandbox.example"
        """,
    )
    text = "\n".join(problems_of(path))
    for part in ("public_url", "master_keys", "pepper", "allow_loopback", "v.base_url"):
        assert part in text
    assert problems_of(write(tmp_path, '[server]\nmode = "lve"'))


def test_a_broken_file_is_named_not_thrown(tmp_path):
    """TOML errors and absent files are configuration errors."""
    assert "gateway.toml" in problems_of(write(tmp_path, "[server"))[0]
    assert "none.toml" in problems_of(tmp_path / "none.toml")[0]


@pytest.mark.long
def test_serving_an_unmigrated_database_is_refused_in_one_sentence(tmp_path):
    """``motcua serve`` names the command that helps, and exits with 2."""
    path = write(
        tmp_path,
        f"""
        [database]
        url = "sqlite:///{tmp_path}/motcua.db"
        migrate = false
        [files]
        url = "{tmp_path}/files"
        """,
    )
    # A process of its own: the command sets up logging for the whole process.
    run = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(path)]
    done = subprocess.run(run, cwd=EXAMPLE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("cấu hình: database: lược đồ chưa có")
    assert done.stderr.strip().endswith("motcua migrate")
