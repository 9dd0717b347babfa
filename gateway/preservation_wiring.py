"""From settings to what keeps documents provable; every problem named at once."""

from __future__ import annotations

import os
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from gateway.documents.preservation.rules import REFUSE, SIGN_AND_RAISE
from gateway.foundation.clock import VIETNAM
from gateway.preservation.policy import PreservationPolicy
from gateway.preservation.retention import FOREVER, Retention
from gateway.settings import Settings
from signing.contract import SignerConfig, TimestampAuthority
from signing.key_config import DIGESTS

_SHORTEST_JOB_S = 240.0
_TRIPS = 3  # a look at the authority, the signature's time-stamp, the archive's


def timestamp_authorities(settings: Settings) -> tuple[TimestampAuthority, ...]:
    """The authorities that have options of their own."""
    return tuple(
        TimestampAuthority(
            url=one.url,
            timeout_s=one.timeout_s,
            concurrent=one.concurrent,
            attempts=one.attempts,
            backoff_s=one.backoff_s,
            user=one.user,
            password=one.password,
            headers=tuple(one.headers.items()),
        )
        for one in settings.signing.timestamps.authorities
    )


def job_limit_s(config: SignerConfig) -> float:
    """Wall clock for one signer job: every authority may be slow before the last one answers."""
    waiting = sum(one.timeout_s * one.attempts for one in config.authorities)
    return max(_SHORTEST_JOB_S, 60.0 + _TRIPS * waiting)


def preservation_policy(settings: Settings) -> PreservationPolicy:
    """The operator's deadlines."""
    section = settings.signing.preservation
    return PreservationPolicy(
        when_unavailable=settings.signing.when_unavailable,
        alarm_after=timedelta(hours=section.alarm_after_h),
        alarm_before=timedelta(days=section.alarm_before_days),
        renew_within=timedelta(days=section.renew_within_days),
        retry_s=section.retry_s,
        retention={
            kind: Retention(None if one.years == FOREVER else int(one.years), one.legal_basis)
            for kind, one in section.retention.items()
        },
    )


def algorithm_ends(path: Path, problems: list[str]) -> tuple[tuple[str, datetime], ...]:
    """The dated table of algorithms (law is data); the day after ``valid_to`` is the end."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))["algorithm"]
        return tuple((str(one["name"]), _end_of(one["valid_to"])) for one in table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append(f"signing.preservation.algorithms: {path.name}: {type(error).__name__}")
        return ()


def unusable_preservation(settings: Settings) -> list[str]:
    """What is wrong with this part of the settings, beyond types."""
    section = settings.signing
    rules = {
        "signing.when_unavailable: phải là “refuse” hoặc “sign_and_raise”": (
            section.when_unavailable in (REFUSE, SIGN_AND_RAISE)
        ),
        "signing.preservation.digest: phải là sha256, sha384 hoặc sha512": (
            section.preservation.digest in DIGESTS
        ),
        "signing.preservation.retry_s: cần ít nhất một số giây lớn hơn 0": (
            bool(section.preservation.retry_s) and min(section.preservation.retry_s) > 0
        ),
        "signing.timestamps.slots_folder: không có thư mục này, hoặc không ghi vào được": (
            _is_usable(section.timestamps.slots_folder)
        ),
        "signing.timestamps.answers_folder: không có thư mục này, hoặc không ghi vào được": (
            _is_usable(section.timestamps.answers_folder)
        ),
        "signing.timestamps.authorities: mật khẩu chỉ gửi qua https ở chế độ live": (
            settings.server.mode != "live"
            or all(
                one.url.startswith("https://")
                for one in section.timestamps.authorities
                if one.password
            )
        ),
    }
    return [sentence for sentence, holds in rules.items() if not holds]


def _is_usable(folder: str) -> bool:
    """A folder that processes share, where the operator names one."""
    return not folder or (Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK))


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), VIETNAM).astimezone(UTC)
