"""From settings to values: every account problem at once, development keys never live."""

from __future__ import annotations

import msgspec
import pytest

from gateway.certification.rules import Secrets
from gateway.foundation.clock import FakeClock
from gateway.foundation.metrics import Metrics
from gateway.foundation.outbound import HttpTransport
from gateway.settings import ConfigurationError, Settings
from gateway.wiring import (
    account,
    build_connectors,
    is_development,
    offices,
    signer_config,
    state_secrets,
)
from signing.contract import AnchorKind, TrustAnchor
from signing.devpki import DevPki
from signing.key_config import RemoteConfig, TokenConfig

LIVE = {
    "server": {"mode": "live", "public_url": "https://gateway.example"},
    "secrets": {"master_keys": ["k" * 32], "pepper": "p" * 32},
}


def test_every_problem_of_every_account_is_named_at_once():
    """Unknown providers, missing options and missing secrets, with the account's name."""
    settings = msgspec.convert(
        {
            "payment_accounts": {
                "one": {"provider": "vnpay"},
                "two": {"provider": "nopay"},
                "three": {"provider": "casso"},
            },
            "postal_accounts": {"four": {"provider": "vnpost_hcc"}},
        },
        Settings,
    )
    clock = FakeClock()
    with pytest.raises(ConfigurationError) as caught:
        build_connectors(settings, HttpTransport(clock, Metrics()), clock)
    text = "\n".join(caught.value.problems)
    for part in ("one", "tmn_code", "hash_secret", "nopay", "webhook_key", "four"):
        assert part in text


def test_secrets_of_an_account_are_kept_apart_and_may_overlap():
    """A list is newest first; a secret is in no repr."""
    found = account("v", {"provider": "vnpay", "tmn_code": "A", "hash_secret": ["new", "old"]})
    assert found.secrets == {"hash_secret": ("new", "old")}
    assert "hash_secret" not in found.options
    assert "new" not in repr(found)


def test_a_live_gateway_does_not_trust_the_development_pki(tmp_path):
    """The root says what it is, whatever the file is called."""
    pki = DevPki.create(tmp_path / "pki", FakeClock())
    (tmp_path / "root.pem").write_bytes(pki.root_pem)
    trust = {"signing": {"trust": {"roots": [str(tmp_path / "root.pem")]}}}
    assert is_development(pki.root_pem)
    assert not is_development(b"not a certificate")
    assert signer_config(msgspec.convert(trust, Settings)).roots == (pki.root_pem,)
    with pytest.raises(ConfigurationError, match="PKI phát triển"):
        signer_config(msgspec.convert({**LIVE, **trust}, Settings))


def test_roots_of_a_named_kind_are_trusted_like_the_others(tmp_path):
    """Every anchor is a root as well; its kind is what verdicts name."""
    pki = DevPki.create(tmp_path / "pki", FakeClock())
    (tmp_path / "root.pem").write_bytes(pki.root_pem)
    anchors = {"quoc-gia": {"file": str(tmp_path / "root.pem"), "kind": "public"}}
    trust = {"anchors": anchors, "online_revocation": True, "validation_limit_s": 5.0}
    config = signer_config(msgspec.convert({"signing": {"trust": trust}}, Settings))
    assert config.roots == (pki.root_pem,)
    assert config.anchors == (TrustAnchor(pki.root_pem, AnchorKind.PUBLIC),)
    assert config.online_revocation
    assert config.validation_limit_s == 5.0


def test_anchors_without_a_file_or_of_an_unknown_kind_are_named(tmp_path):
    """Both mistakes at once, where they stand."""
    anchors = {"a": {"file": str(tmp_path / "none.pem")}, "b": {"file": "", "kind": "royal"}}
    with pytest.raises(ConfigurationError) as caught:
        signer_config(msgspec.convert({"signing": {"trust": {"anchors": anchors}}}, Settings))
    told = "\n".join(caught.value.problems)
    assert "signing.trust.anchors.a.file" in told
    assert "signing.trust.anchors.b.kind: phải là một trong government, public, own" in told


def test_missing_key_and_root_files_are_named(tmp_path):
    """Before a citizen waits for a signature."""
    settings = msgspec.convert(
        {
            "signing": {
                "keys": {"a": {"path": str(tmp_path / "none.p12")}},
                "trust": {"roots": [str(tmp_path / "none.pem")]},
            }
        },
        Settings,
    )
    with pytest.raises(ConfigurationError) as caught:
        signer_config(settings)
    assert len(caught.value.problems) == 2


def test_the_way_times_are_written_is_one_of_two():
    """As officials' tools write them, or ISO 8601; nothing else starts."""
    made = signer_config(msgspec.convert({"signing": {"time_style": "iso"}}, Settings))
    assert made.time_style == "iso"
    with pytest.raises(ConfigurationError) as wrong:
        signer_config(msgspec.convert({"signing": {"time_style": "us"}}, Settings))
    assert wrong.value.problems[0].startswith("signing.time_style:")


def test_keys_on_tokens_and_at_services_reach_the_signers(tmp_path):
    """Each kind carries its own part, and no other's."""
    library = tmp_path / "library.so"
    library.touch()
    keys = {
        "token": {
            "kind": "pkcs11",
            "path": str(library),
            "token": {"serial": "01ab", "key_label": "ky", "sessions": 2},
        },
        "remote": {
            "kind": "csc",
            "remote": {"url": "https://ky.example.vn/csc/v2", "api": "v2", "credential_id": "a"},
        },
    }
    config = signer_config(msgspec.convert({"signing": {"keys": keys}}, Settings))
    token, remote = config.keys
    assert token.token == TokenConfig(serial="01ab", key_label="ky", sessions=2)
    assert token.remote is None
    assert remote.remote == RemoteConfig(
        url="https://ky.example.vn/csc/v2", api="v2", credential_id="a"
    )
    assert remote.token is None


def test_keys_that_can_never_work_are_named_at_once(tmp_path):
    """Nothing to find a token by, and a service that a PIN would reach in the clear."""
    library = tmp_path / "library.so"
    library.touch()
    keys = {
        "token": {"kind": "pkcs11", "path": str(library)},
        "remote": {"kind": "csc", "remote": {"url": "http://ky.example.vn", "api": "v9"}},
    }
    with pytest.raises(ConfigurationError) as wrong:
        signer_config(msgspec.convert({"signing": {"keys": keys}}, Settings))
    assert {problem.partition(":")[0] for problem in wrong.value.problems} == {
        "signing.keys.token.token",
        "signing.keys.remote.remote.url",
        "signing.keys.remote.remote.api",
        "signing.keys.remote.remote.credential_id",
    }


def test_keys_confirmed_elsewhere_reach_the_signers_and_their_faults_are_named(tmp_path):
    """Each kind with its own rules; a secret in no message."""
    url = "https://ky.example.vn"
    account = {"url": url, "client_id": "c", "client_secret": "s" * 32, "user_id": "001"}
    (tmp_path / "official.pem").touch()
    keys = {
        "a": {"kind": "smartca", "remote": account},
        "b": {"kind": "mysign", "remote": {**account, "api": "csc"}},
        "c": {"kind": "hook", "remote": account},
        "d": {"kind": "vgca", "path": str(tmp_path / "official.pem")},
        "e": {"kind": "pem", "path": str(tmp_path / "official.pem")},
    }
    config = signer_config(msgspec.convert({"signing": {"keys": keys}}, Settings))
    assert [key.kind for key in config.keys] == ["smartca", "mysign", "hook", "vgca", "pem"]
    assert config.keys[0].remote == RemoteConfig(**account)
    spoilt = {
        "a": {"kind": "smartca", "remote": {"url": "http://ky.example.vn"}},
        "b": {"kind": "mysign", "remote": {**account, "api": "v1", "delivery": "callback"}},
        "c": {"kind": "hook", "remote": {**account, "client_secret": "ngan"}},
        "d": {"kind": "vgca"},
        "e": {"kind": "pen"},
    }
    with pytest.raises(ConfigurationError) as wrong:
        signer_config(msgspec.convert({"signing": {"keys": spoilt}}, Settings))
    assert {problem.partition(":")[0] for problem in wrong.value.problems} == {
        "signing.keys.a.remote.url",
        "signing.keys.a.remote.client_id",
        "signing.keys.a.remote.client_secret",
        "signing.keys.a.remote.user_id",
        "signing.keys.b.remote.api",
        "signing.keys.b.remote.callback_id, callback_secret",
        "signing.keys.c.remote.client_secret",
        "signing.keys.d.path",
        "signing.keys.e.kind",
    }
    assert "ngan" not in str(wrong.value)


def test_waiting_acts_are_sealed_under_the_master_keys():
    """A new master key in front seals; the old one still opens; neither is the key itself."""
    old = msgspec.convert(LIVE, Settings)
    both = {**LIVE["secrets"], "master_keys": ["n" * 32, "k" * 32]}
    new = msgspec.convert({**LIVE, "secrets": both}, Settings)
    assert state_secrets(new)[1:] == state_secrets(old)
    assert b"k" * 32 not in state_secrets(old)


def test_what_each_certifiers_and_agencys_key_takes_follows_from_its_kind():
    """So that a copy's secrets are refused where nobody uses them."""
    keys = {
        "file": {"kind": "pkcs12", "holder": "official:a", "certifies": ["H55.12"]},
        "service": {"kind": "csc", "holder": "agency:H55.12"},
        "phone": {"kind": "mysign", "holder": "official:b", "remote": {"api": "csc"}},
    }
    settings = msgspec.convert({"signing": {"keys": keys}}, Settings)
    found = offices(settings)
    assert found.takes == {"file": {"pin"}, "service": {"pin", "otp"}, "phone": set()}
    given = Secrets(pin="1", otp="2", agency_pin="3", agency_otp="4")
    assert set(found.unused("official:a", "H55.12", given)) == {"/otp"}
