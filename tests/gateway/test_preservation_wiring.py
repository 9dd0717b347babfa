"""Settings → time-stamping authorities, deadlines, the dated table of algorithms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gateway.preservation.retention import Retention
from gateway.preservation_wiring import (
    algorithm_ends,
    job_limit_s,
    preservation_policy,
    unusable_preservation,
)
from gateway.settings import ConfigurationError, Settings
from gateway.wiring import data_folder, signer_config
from signing.contract import SignerConfig, TimestampAuthority


def settings(**signing):
    return msgspec.convert({"signing": signing}, Settings)


def test_an_authoritys_options_reach_the_signer():
    """Also its place: ``urls`` first, in their order."""
    authority = {
        "url": "https://tsa.example.vn/",
        "timeout_s": 180,
        "concurrent": 2,
        "attempts": 3,
        "user": "tinh",
        "password": "bi-mat",
        "headers": {"X-Client": "motcua"},
    }
    config = signer_config(
        settings(
            timestamps={"urls": ["http://a.example.vn/"], "authorities": [authority]},
            trust={"rewrite_hosts": {"ocsp.ca.ptc": "ocsp.ca.gov.vn"}},
        )
    )
    first, second = config.authorities
    assert (first.url, first.timeout_s) == ("http://a.example.vn/", 30.0)
    assert second == TimestampAuthority(
        "https://tsa.example.vn/", 180.0, 2, 3, 2.0, "tinh", "bi-mat", (("X-Client", "motcua"),)
    )
    assert config.rewrite_hosts == (("ocsp.ca.ptc", "ocsp.ca.gov.vn"),)


def test_a_job_may_take_as_long_as_its_authorities():
    """Three trips to each authority in turn, with all their attempts, and a minute of work."""
    slow = TimestampAuthority("https://tsa.example.vn/", timeout_s=180.0, attempts=3)
    assert job_limit_s(SignerConfig()) == 240.0
    assert job_limit_s(SignerConfig(timestamp_authorities=(slow,))) == 60.0 + 3 * 3 * 180.0


def test_the_operators_deadlines_are_the_policy():
    section = {"alarm_after_h": 2, "alarm_before_days": 3, "renew_within_days": 0, "retry_s": [5]}
    policy = preservation_policy(settings(preservation=section, when_unavailable="sign_and_raise"))
    assert policy.when_unavailable == "sign_and_raise"
    assert (policy.alarm_after, policy.alarm_before) == (timedelta(hours=2), timedelta(days=3))
    assert (policy.renew_within, policy.retry_s) == (timedelta(), (5,))


def test_retention_periods_are_years_or_for_ever():
    """By kind, with what the operator wrote as their ground; nothing is kept shorter by itself."""
    periods = {
        "ket-qua": {"years": 20, "legal_basis": "Quyết định số 1 của đơn vị"},
        "certified_copy": {"years": "vĩnh viễn"},
        "giay-moi": {},
    }
    policy = preservation_policy(settings(preservation={"retention": periods}))
    assert policy.retention == {
        "ket-qua": Retention(20, "Quyết định số 1 của đơn vị"),
        "certified_copy": Retention(None),
        "giay-moi": Retention(None),
    }
    assert preservation_policy(Settings()).retention == {}
    for wrong in (0, 201, -1, "hai mươi", "20", None):
        with pytest.raises(msgspec.ValidationError):
            settings(preservation={"retention": {"ket-qua": {"years": wrong}}})


def test_the_shipped_table_says_when_each_algorithm_ends():
    """The end is the midnight after the last day, in Vietnam."""
    problems = []
    ends = dict(algorithm_ends(data_folder("preservation") / "algorithms.toml", problems))
    assert problems == []
    assert ends["rsa-2048"] == datetime(2030, 12, 31, 17, tzinfo=UTC)
    assert ends["sha1"] < datetime(2018, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "[[algorithm]]\nname = 'x'", "nonsense", "algorithm = [1]"])
def test_a_table_that_cannot_be_read_is_named(tmp_path, text):
    """A wrong table must not mean that nothing ever ends."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        signer_config(settings(preservation={"algorithms": str(path)}))
    assert any("signing.preservation.algorithms" in p for p in caught.value.problems)


def test_what_cannot_work_is_named_at_once():
    wrong = msgspec.convert(
        {
            "server": {"mode": "live"},
            "signing": {
                "when_unavailable": "later",
                "preservation": {"digest": "sha1", "retry_s": []},
                "timestamps": {
                    "slots_folder": "/khong/co",
                    "answers_folder": "/cung/khong/co",
                    "authorities": [{"url": "http://tsa.example.vn/", "password": "x"}],
                },
            },
        },
        Settings,
    )
    found = " ".join(unusable_preservation(wrong))
    for part in (
        "when_unavailable",
        "digest",
        "retry_s",
        "slots_folder",
        "answers_folder",
        "mật khẩu",
    ):
        assert part in found
    assert unusable_preservation(Settings()) == []


def test_both_shared_folders_are_the_operators_where_they_are_named(tmp_path):
    """Services with PrivateTmp share neither places nor answers otherwise."""
    slots, answers = tmp_path / "slots", tmp_path / "answers"
    for one in (slots, answers):
        one.mkdir()
    named = {"slots_folder": str(slots), "answers_folder": str(answers)}
    config = signer_config(settings(timestamps=named))
    assert (config.timestamp_slots, config.revocation_folder) == (str(slots), str(answers))
    assert unusable_preservation(settings(timestamps=named)) == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    """A folder that shares nothing would be found out only when two machines ask twice."""
    closed = tmp_path / "file"
    closed.write_text("")
    found = unusable_preservation(settings(timestamps={"answers_folder": str(closed)}))
    assert [one.partition(":")[0] for one in found] == ["signing.timestamps.answers_folder"]


@pytest.mark.parametrize("unit", ["motcua", "motcua-work"])
def test_the_units_make_the_folders_that_operators_are_told_to_name(unit):
    """What operations.md tells to configure exists, for both services, also after a restart."""
    config = data_folder("systemd")
    service = (config / f"{unit}.service").read_text("utf-8")
    told = (config.parent.parent / "docs" / "operations.md").read_text("utf-8")
    made = {
        "RuntimeDirectory": ("motcua/slots", 'slots_folder = "/run/motcua/slots"'),
        "CacheDirectory": ("motcua/answers", 'answers_folder = "/var/cache/motcua/answers"'),
    }
    for directive, (folder, setting) in made.items():
        assert f"\n{directive}={folder}\n" in service
        assert f"\n{directive}Mode=0700\n" in service
        assert setting in told
    assert "\nRuntimeDirectoryPreserve=yes\n" in service  # one unit stops, the other works on
