"""Secrets at rest, logs, files, clocks, ids, wake-ups and limits."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import msgspec
import pytest
import structlog

from gateway.foundation import logs
from gateway.foundation.clock import FakeClock, from_micros, iso, to_micros, vietnam_day
from gateway.foundation.decode import decode
from gateway.foundation.files import FileDamaged, FileMissing, FileStore
from gateway.foundation.ids import has_prefix, new_id
from gateway.foundation.limits import RateLimiter
from gateway.foundation.problems import Problem
from gateway.foundation.secrets import SecretBox, SecretUnreadable, derive_key
from gateway.foundation.tasks import Tasks
from gateway.foundation.waker import Redis, Waker


def test_a_sealed_secret_opens_only_in_its_place_and_with_an_active_key():
    """Rotation overlaps; another row, another key or one changed byte open nothing."""
    old, new = derive_key("old"), derive_key("new")
    sealed = SecretBox([old]).seal(b"hash secret", "endpoint:1")
    assert b"hash secret" not in sealed
    assert SecretBox([new, old]).open(sealed, "endpoint:1") == b"hash secret"
    for box, value, context in (
        (SecretBox([new]), sealed, "endpoint:1"),
        (SecretBox([old]), sealed, "endpoint:2"),
        (SecretBox([old]), sealed[:-1] + bytes([sealed[-1] ^ 1]), "endpoint:1"),
    ):
        with pytest.raises(SecretUnreadable):
            box.open(value, context)
    with pytest.raises(ValueError):
        SecretBox([])


def test_nothing_secret_or_personal_passes_the_logger():
    """By name, by shape, and inside nested values and messages."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    structlog.get_logger("x").info(
        "call 0912345678 mc_live_ABC whsec_abc=",
        payer_name="Nguyễn Văn An",
        hash_secret="s3cr3t",
        note={"phone": "0912345678", "text": "CCCD 001099012345", "amount": 21000},
        amount_vnd=125000,
        reference="000.00.12.H55-261102-0001",
    )
    structlog.reset_defaults()
    line = stream.getvalue()
    for leak in ("0912345678", "mc_live_ABC", "whsec_abc", "Nguyễn", "s3cr3t", "001099012345"):
        assert leak not in line
    entry = json.loads(line)
    assert entry["amount_vnd"] == 125000
    assert entry["reference"] == "000.00.12.H55-261102-0001"


@pytest.fixture
def quiet_again():
    """The test run's own logging, as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def test_what_libraries_log_is_masked_too(quiet_again):
    """A server that cannot parse a request quotes it; a traceback quotes what it was about."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    log = logging.getLogger("aiohttp.server")
    try:
        raise ValueError("mc_live_ABC of 0912345678")
    except ValueError:
        log.exception("Error handling %s", b"GET /pay/h07kg32c119y41m463scp98z45?x HTTP/1")
    line = stream.getvalue()
    for leak in ("mc_live_ABC", "0912345678", "h07kg32c119y41m463scp98z45"):
        assert leak not in line
    entry = json.loads(line)
    assert (entry["logger"], entry["level"]) == ("aiohttp.server", "error")
    assert "ValueError" in entry["exception"]


async def test_files_are_found_by_their_hash_and_damage_is_seen(tmp_path):
    """Storing twice is storing once; a changed file is an error, not an answer."""
    store = FileStore(f"file://{tmp_path}/files")
    digest = await store.put(b"%PDF-1.7")
    assert await store.put(b"%PDF-1.7") == digest
    assert await store.get(digest) == b"%PDF-1.7"
    with pytest.raises(FileMissing):
        await store.get("0" * 64)
    next((tmp_path / "files").rglob(digest)).write_bytes(b"other")
    with pytest.raises(FileDamaged):
        await store.get(digest)


async def test_what_is_stored_already_is_not_written_again(tmp_path):
    """A revocation list of a thousand signatures is one file, written once; a torn one anew."""
    store = FileStore(str(tmp_path))
    digest = await store.put_once(b"a revocation list")
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    written = path.stat().st_mtime_ns
    assert await store.put_once(b"a revocation list") == digest
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"a revo")
    assert await store.put_once(b"a revocation list") == digest
    assert await store.get(digest) == b"a revocation list"


def test_moments_survive_storage_and_days_are_vietnamese():
    """Microseconds round-trip; the day changes at midnight in Vietnam; naive is refused."""
    moment = datetime(2026, 12, 31, 17, 0, 0, 123456, tzinfo=UTC)
    assert from_micros(to_micros(moment)) == moment
    assert str(vietnam_day(moment)) == "2027-01-01"
    assert iso(moment) == "2027-01-01T00:00:00+07:00"
    with pytest.raises(ValueError):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive value is the case


def test_ids_sort_by_creation_even_within_a_microsecond():
    """A frozen clock still gives ascending, distinct ids."""
    clock = FakeClock()
    ids = [new_id("pay", clock) for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert has_prefix(ids[0], "pay")
    assert not has_prefix(ids[0], "att")
    clock.advance(1)
    assert new_id("pay", clock) > ids[-1]


async def test_a_fake_clock_wakes_sleepers_in_order():
    """Whoever is due first wakes first."""
    clock, woke = FakeClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woke.append(seconds)

    tasks = [asyncio.ensure_future(sleeper(s)) for s in (3, 1, 2)]
    await asyncio.sleep(0)
    clock.advance(2)
    await asyncio.sleep(0)
    assert woke == [1, 2]
    clock.advance(5)
    await asyncio.gather(*tasks)
    assert woke == [1, 2, 3]


async def test_a_background_task_that_dies_is_told():
    """Its owner hears the name and the error; shutdown cancels the others."""
    told = []
    tasks = Tasks(lambda name, error: told.append((name, type(error))))

    async def die() -> None:
        raise LookupError("x")

    tasks.start("lives", asyncio.sleep(60))
    tasks.start("dies", die())
    with pytest.raises(ValueError):
        tasks.start("lives", asyncio.sleep(0))
    await asyncio.sleep(0.01)
    assert told == [("dies", LookupError)]
    assert tasks.names == ("lives",)
    await tasks.close()


async def test_a_wake_up_crosses_processes_and_survives_flushall(valkey_server):
    """Two wakers on one Valkey; a flush in the middle changes nothing."""
    here, there = Redis(valkey_server.url), Redis(valkey_server.url)
    waker, other = Waker(here), Waker(there)
    relay = asyncio.ensure_future(other.relay())
    await asyncio.sleep(0.2)
    with valkey_server.client() as client:
        client.flushall()
    waker.wake("events")
    assert await other.wait("events", 2.0)
    assert not await other.wait("events", 0.01)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await here.close()
    await there.close()


async def test_everything_works_when_redis_is_away():
    """Wake-ups stay in the process, limits count in the process, nothing raises."""
    gone = Redis("redis://127.0.0.1:1/0")
    waker = Waker(gone)
    waker.wake("events")
    assert await waker.wait("events", 0.1)
    limiter = RateLimiter(FakeClock(), gone, 2)
    await limiter.check("p")
    await limiter.check("p")
    with pytest.raises(Problem):
        await limiter.check("p")
    assert not await gone.ping()
    await asyncio.sleep(0.05)
    await gone.close()


async def test_limits_are_shared_through_redis(valkey_server):
    """Two processes count together."""
    redis = Redis(valkey_server.url)
    clock = FakeClock()
    first, second = RateLimiter(clock, redis, 3), RateLimiter(clock, redis, 3)
    for limiter in (first, second, first):
        await limiter.check("shared")
    with pytest.raises(Problem):
        await second.check("shared")
    await redis.close()


SAMPLE = "2026-11-21T09:00:00+07:00"
MOMENT = Annotated[datetime, msgspec.Meta(tz=True)]


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (int, "x", "Cần số nguyên."),
        (int | None, "x", "Cần số nguyên."),
        (float, "x", "Cần một số."),
        (Annotated[int, msgspec.Meta(ge=1)], 0, "Cần số từ 1 trở lên."),
        (Annotated[str, msgspec.Meta(max_length=2)], "xyz", "Không quá 2 ký tự."),
        (Literal["fee", "levy"], "tax", "Giá trị 'tax' không nằm trong danh sách cho phép."),
        (str | None, 5, "Cần một chuỗi ký tự."),
        (list[int], {}, "Cần một danh sách."),
        (date, "21/11/2026", "Cần một ngày, dạng năm-tháng-ngày: 2026-11-21."),
        (date | None, 5, "Cần một ngày, dạng năm-tháng-ngày: 2026-11-21."),
        *(
            (MOMENT, value, f"Cần thời điểm theo RFC 3339, có múi giờ: {SAMPLE}.")
            for value in ("2026-11-21", "2026-11-21T09:00:00", 5)
        ),
    ],
)
def test_reasons_are_said_in_vietnamese(kind, value, sentence):
    """Whoever fills in a form reads their own language."""
    with pytest.raises(Problem) as caught:
        decode(kind, value)
    assert caught.value.errors[0].detail == sentence


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-02T09:00:00+07:00"]
)
def test_every_moment_can_be_stored_and_shown(text):
    stored = from_micros(to_micros(datetime.fromisoformat(text)))
    assert iso(stored)[:3] == text[:3]
    assert iso(stored) == text or text[:4] != "2026"
