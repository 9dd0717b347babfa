"""Decisions on the way to a portal: subscriptions, targets, retries, disabling."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.rules import (
    EVENT_TYPES,
    FAILING_LIMIT,
    RETRY_SCHEDULE_S,
    Answer,
    DeliveryState,
    DisabledReason,
    TargetRefused,
    in_flight_cap,
    is_addressed_to,
    judge,
    read_retry_after,
    read_target,
    retry_delay_s,
    unknown_patterns,
    wanted_types,
    wants,
)

MAX_ATTEMPTS = len(RETRY_SCHEDULE_S)
NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


def _judge(answer, *, attempt=1, failing_since=None, jitter=0.5):
    return judge(answer, attempt=attempt, failing_since=failing_since, now=NOW, jitter=jitter)


# ------------------------------------------------------------------ subscriptions


@pytest.mark.parametrize(
    ("patterns", "event_type", "expected"),
    [
        (["*"], "payment.paid", True),
        (["payment.*"], "payment.paid", True),
        (["payment.paid"], "payment.paid", True),
        (["payment.*"], "refund.succeeded", False),
        (["payment.paid"], "payment.partially_paid", False),
        (["refund.*", "payment.paid"], "payment.paid", True),
        ([], "payment.paid", False),
    ],
)
def test_endpoint_gets_what_it_subscribed_to(patterns, event_type, expected):
    assert wants(patterns, event_type) is expected


def test_subscription_that_can_never_match_is_named():
    asked = ["*", "payment.*", "shipment.delivered", "payment.payed", "pay.*", "*.paid", ""]
    assert unknown_patterns(asked) == ["payment.payed", "pay.*", "*.paid", ""]


@given(st.sampled_from(sorted(EVENT_TYPES)))
def test_every_event_type_is_its_own_valid_subscription(event_type):
    assert not unknown_patterns([event_type])
    assert wants([event_type], event_type)


def test_subscriptions_spell_out_to_exact_types():
    assert wanted_types(["refund.succeeded", "receipt.*", "endpoint.test"]) == [
        "receipt.cancelled",
        "receipt.issued",
        "receipt.replaced",
        "refund.succeeded",
    ]
    assert set(wanted_types(["*"])) == EVENT_TYPES - {"endpoint.test"}


def test_a_test_goes_to_the_tested_endpoint_alone_and_bad_news_to_the_others():
    assert is_addressed_to("whe_1", ["payment.*"], "endpoint.test", "whe_1")
    assert not is_addressed_to("whe_2", ["*"], "endpoint.test", "whe_1")
    assert not is_addressed_to("whe_1", ["*"], "endpoint.disabled", "whe_1")
    assert is_addressed_to("whe_2", ["*"], "endpoint.disabled", "whe_1")
    assert is_addressed_to("whe_2", ["payment.*"], "payment.paid", "pay_1")
    assert not is_addressed_to("whe_2", ["refund.*"], "payment.paid", "pay_1")


# ------------------------------------------------------------------ targets


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://portal.example/hook", "portal.example", 443),
        ("https://portal.example.:8443/a?b=c", "portal.example", 8443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        ("https://[2001:4860:4860::8888]:443/", "2001:4860:4860::8888", 443),
    ],
)
def test_ordinary_target_is_read(url, host, port):
    target = read_target(url, test_mode=False)
    assert (target.url, target.host, target.port) == (url, host, port)


def test_plain_http_is_for_test_keys_only():
    assert read_target("http://portal.example/", test_mode=True).port == 80
    with pytest.raises(TargetRefused) as caught:
        read_target("http://portal.example/", test_mode=False)
    assert caught.value.code == "https_required"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_invalid"),
        ("portal.example/hook", "url_invalid"),
        ("ftp://portal.example/", "url_invalid"),
        ("file:///etc/passwd", "url_invalid"),
        ("https://", "url_invalid"),
        ("https://user:pw@portal.example/", "url_invalid"),
        ("https://@portal.example/", "url_invalid"),
        ("https://portal.example/#part", "url_invalid"),
        ("https://portal.example\\@127.0.0.1/", "url_invalid"),
        ("https://portal.example/a b", "url_invalid"),
        ("https://portal.example/\r\nX: y", "url_invalid"),
        ("https://cổng.example/", "url_invalid"),
        ("https://portal.example:99999/", "url_invalid"),
        ("https://[::1/", "url_invalid"),
        ("https://portal.example/" + "a" * 2000, "url_invalid"),
        ("https://2130706433/", "url_invalid"),
        ("https://127.1/", "url_invalid"),
        ("https://0x7f000001/", "url_invalid"),
        ("https://0177.0.0.1/", "url_invalid"),
        ("https://portal.example:25/", "port_not_allowed"),
        ("https://portal.example:22/", "port_not_allowed"),
        ("https://portal.example:0/", "port_not_allowed"),
    ],
)
def test_what_is_no_target_is_refused_with_its_code(url, code):
    with pytest.raises(TargetRefused) as caught:
        read_target(url, test_mode=True)
    assert caught.value.code == code


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered_and_ends_a_failing_stretch(status):
    verdict = _judge(Answer(status), failing_since=NOW - timedelta(hours=200))
    assert verdict.state is DeliveryState.DELIVERED
    assert verdict.failing_since is None
    assert verdict.disable is None


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 404, 500, 503, None])
def test_everything_else_comes_again_after_five_seconds(status):
    verdict = _judge(Answer(status, None if status else "timeout"))
    assert verdict.state is DeliveryState.PENDING
    assert verdict.next_at == NOW + timedelta(seconds=5)
    assert verdict.failing_since == NOW
    assert verdict.throttled_until is None


def test_the_schedule_is_the_published_one_and_ends():
    waits = [retry_delay_s(n, 0.5) for n in range(1, MAX_ATTEMPTS)]
    assert [0, *waits] == list(RETRY_SCHEDULE_S)
    assert retry_delay_s(MAX_ATTEMPTS, 0.5) is None
    assert _judge(Answer(500), attempt=MAX_ATTEMPTS).state is DeliveryState.FAILED


@given(st.integers(1, MAX_ATTEMPTS - 1), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_twenty_percent(attempt, jitter):
    wait = retry_delay_s(attempt, jitter)
    assert 0.8 * RETRY_SCHEDULE_S[attempt] <= wait <= 1.2 * RETRY_SCHEDULE_S[attempt]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("999999", 86_400),
        ("9" * 5000, 86_400),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 86_400),
        ("Mon, 02 Nov 2026 02:01:00 -0000", 60),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_clamped_to_a_day(header, seconds):
    assert read_retry_after(header, NOW) == seconds


def test_retry_after_delays_but_never_hastens():
    later = _judge(Answer(500, retry_after="3600"))
    assert later.next_at == NOW + timedelta(hours=1)
    sooner = _judge(Answer(500, retry_after="1"), attempt=3)
    assert sooner.next_at == NOW + timedelta(seconds=1_800)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, None, 60), (429, "600", 600), (502, None, 60), (504, "5", 60), (503, "600", 600)],
)
def test_overloaded_endpoint_is_left_alone_as_a_whole(status, header, seconds):
    verdict = _judge(Answer(status, retry_after=header))
    assert verdict.throttled_until == NOW + timedelta(seconds=seconds)
    assert verdict.next_at == verdict.throttled_until


def test_gone_disables_at_once_and_holds_the_delivery():
    verdict = _judge(Answer(410))
    assert verdict.disable is DisabledReason.GONE
    assert verdict.state is DeliveryState.HELD


def test_nothing_but_failures_for_120_hours_disables_and_holds():
    almost = _judge(Answer(500), failing_since=NOW - FAILING_LIMIT + timedelta(seconds=1))
    assert almost.disable is None
    over = _judge(Answer(500), failing_since=NOW - FAILING_LIMIT, attempt=MAX_ATTEMPTS)
    assert over.disable is DisabledReason.FAILING
    assert over.state is DeliveryState.HELD


def test_sporadic_failures_of_a_quiet_endpoint_do_not_add_up():
    verdict = _judge(Answer(500), failing_since=NOW - timedelta(days=30))
    assert verdict.disable is None
    assert verdict.failing_since == NOW


@given(
    st.one_of(st.none(), st.integers(100, 599)),
    st.integers(1, MAX_ATTEMPTS + 2),
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=30))),
    st.floats(0, 1, exclude_max=True),
    st.one_of(st.none(), st.text(max_size=12)),
)
def test_a_verdict_always_says_when_or_that_it_is_over(status, attempt, age, jitter, header):
    since = None if age is None else NOW - age
    verdict = judge(
        Answer(status, retry_after=header),
        attempt=attempt,
        failing_since=since,
        now=NOW,
        jitter=jitter,
    )
    assert (verdict.state is DeliveryState.PENDING) == (verdict.next_at is not None)
    assert (verdict.failing_since is None) == (verdict.state is DeliveryState.DELIVERED)
    if verdict.next_at is not None:
        assert verdict.next_at > NOW
    if verdict.disable is not None:
        assert verdict.state is DeliveryState.HELD


def test_a_failing_endpoint_occupies_fewer_places():
    assert in_flight_cap(8, None) == 8
    assert in_flight_cap(8, NOW) == 2
    assert in_flight_cap(1, NOW) == 1


def test_the_operators_own_schedule_is_followed():
    verdict = judge(
        Answer(500), attempt=1, failing_since=None, now=NOW, jitter=0.5, schedule=(0, 60)
    )
    assert verdict.next_at == NOW + timedelta(seconds=60)
    again = judge(Answer(500), attempt=2, failing_since=NOW, now=NOW, jitter=0.5, schedule=(0, 60))
    assert again.state is DeliveryState.FAILED
