"""Configuration: every wrong key at once, secrets from files and environment, live is strict."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import ConfigurationError, load

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "gateway.example.toml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(text, "utf-8")
    return path


def problems_of(path: Path | None, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(path, environment or {})
    return caught.value.problems


def test_the_example_loads():
    """What operators copy is valid."""
    settings = load(EXAMPLE, {"VNPAY_SECRET": "x" * 32})
    assert settings.payment_accounts["vnpay-main"]["provider"] == "vnpay"


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
