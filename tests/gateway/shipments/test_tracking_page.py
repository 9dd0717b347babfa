"""The public tracking page: what it tells, what it never tells, and links that lead nowhere."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest

from connectors.contract import Movement
from gateway.foundation.clock import iso
from gateway.foundation.ids import new_token
from gateway.foundation.limits import RateLimiter
from gateway.frame.catalog import words
from gateway.shipments.public import public_place
from gateway.shipments.views import Due, render_tracking, render_unknown, waits_for
from tests.gateway.shipments import page_samples as samples
from tests.gateway.shipments.desk import MANUAL, REQUEST

pytestmark = pytest.mark.long_on_postgresql

HTML, JSON = {"Accept": "text/html,*/*"}, {"Accept": "application/json"}
PERSONAL = ("Nguyễn Văn An", "0912345678", "912 345 678", "Số 5 ngõ 7", "000.00.12.H55-261102")


async def look(desk, path, headers=HTML):
    """What a browser without a key gets."""
    async with desk.session.get(desk.server.make_url(path), headers=headers) as answer:
        said = await (answer.json(content_type=None) if headers is JSON else answer.text())
        return answer.status, said, answer.headers


async def link(desk, shipment):
    return f"/t/{(await desk.row(shipment)).token}"


async def tell(desk, shipment, code, after_s=3600, **more):
    """An officer types what the post says."""
    desk.clock.advance(after_s)
    body = {"code": code, "at": iso(desk.clock.now()), **more}
    status, answer, _ = await desk.portal.post(f"/v1/shipments/{shipment['id']}/events", body)
    assert status == 201, answer


# ---------------------------------------------------------------- the words


def test_every_movement_has_its_words():
    """No parcel is ever at a step that the page cannot name."""
    for lang in ("vi", "en"):
        for movement in Movement:
            page = render_tracking(samples.tracking(lang, movement=movement))
            assert words().text(lang, f"tracking.is_{movement}") in page
            assert page.count("<h1>") == 1
            assert waits_for(movement) in {"", "agency", "post", "recipient"}


@pytest.mark.parametrize("due", list(Due))
def test_every_expectation_is_said_in_words(due):
    page = render_tracking(samples.tracking(due=due))
    assert (f'data-due="{due}"' in page) == (due is not Due.NONE)
    assert ("đã quá ngày dự kiến" in page) == (due is Due.OVERDUE)


def test_a_failed_delivery_says_when_and_what_to_do():
    page = render_tracking(samples.trackings()["failed"])
    assert "Bưu điện chưa phát được lúc" in page
    assert "16:45 ngày 05/11/2026" in page
    assert "Muốn hẹn lại giờ" in page
    assert "data-failed" not in render_tracking(samples.trackings()["delivered"])


def test_a_hostile_place_is_escaped():
    step = samples.Step(at=samples.NOW, movement=Movement.IN_TRANSIT, place="<script>x</script>")
    assert "<script>x" not in render_tracking(samples.tracking(steps=(step,)))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Bưu cục Ba Bể", "Bưu cục Ba Bể"),
        ("263000", "Bưu cục 263000"),
        ("giao tại nhà NGUYEN VAN AN", ""),
        ("số 5  ngõ 7", ""),
        ("gọi 0912.345.678", ""),
        ("nhờ bà Đặng Thị Bé", ""),
        ("  ", ""),
    ],
)
def test_a_place_that_names_a_person_or_a_door_is_left_out(typed, shown):
    """Whatever the spelling: marks and capitals hide nothing."""
    row = SimpleNamespace(
        sender={"name": "UBND phường Mẫu", "address": {"line": "Tổ 1"}},
        recipient=REQUEST["recipient"],
        proxy={"name": "Đặng Thị Bé"},
    )
    assert public_place(typed, row) == shown


# ---------------------------------------------------------------- over HTTP


async def test_a_parcel_is_followed_from_order_to_door(both):
    """Each step with its time and place, the expected day, and then the end."""
    shipment = await both.ordered(carrier=MANUAL, item_code="EH123456785VN")
    path = await link(both, shipment)
    status, page, headers = await look(both, path)
    assert status == 200
    assert (headers["Cache-Control"], headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert "Hồ sơ …0001 đang ở bước: Đã tạo vận đơn" in page
    assert 'data-due="not_yet"' in page
    await tell(both, shipment, "EMA", place="Bưu cục Ba Bể")
    _, page, _ = await look(both, path)
    assert "Bưu cục Ba Bể" in page
    assert 'data-due="expected"' in page
    assert "Đang chờ: <strong>Bưu điện</strong>" in page
    await tell(both, shipment, "EMI")
    _, page, _ = await look(both, path)
    assert "Hồ sơ …0001 đang ở bước: Đã phát thành công" in page
    assert len(re.findall(r"<li[ >]", page)) == 3
    assert "data-due" not in page
    assert "Đang chờ:" not in page


async def test_the_json_tells_the_same_public_facts(both):
    shipment = await both.ordered(carrier=MANUAL)
    await tell(both, shipment, "EMA", place="Bưu cục Ba Bể")
    status, said, headers = await look(both, await link(both, shipment), JSON)
    known = await both.read(shipment)
    assert (status, said["object"], said["reference_tail"]) == (200, "tracking", "0001")
    assert (headers["Cache-Control"], headers["X-Robots-Tag"]) == ("no-store", "noindex")
    assert [(e["at"], e["movement"], e["place"]) for e in said["events"]] == [
        (e["at"], e["movement"], e["place"]) for e in known["events"]
    ]
    assert (said["movement"], said["due_at"]) == (known["movement"], known["due_at"])
    assert said["text"] == words().plain("vi", f"tracking.is_{known['movement']}")


async def test_nothing_personal_is_told(desk):
    """Not in the page, not in the data, whatever the officer typed."""
    proxy = {"name": "Đặng Thị Bé", "letter_ref": "GUQ-1"}
    shipment = await desk.ordered(carrier=MANUAL, proxy=proxy)
    await tell(desk, shipment, "EMA", place="Số 5 ngõ 7", note="ông Nguyễn Văn An nhận")
    for headers in (HTML, JSON):
        _, said, _ = await look(desk, await link(desk, shipment), headers)
        for secret in (*PERSONAL, "Đặng Thị Bé", shipment["id"]):
            assert secret not in str(said)


async def test_a_failed_delivery_is_told_until_something_newer_happens(desk):
    shipment = await desk.ordered(carrier=MANUAL)
    path = await link(desk, shipment)
    await tell(desk, shipment, "EMA")
    await tell(desk, shipment, "EMH")
    _, said, _ = await look(desk, path, JSON)
    _, page, _ = await look(desk, path)
    assert said["failed_attempts"] == 1, said
    assert "data-failed" in page
    await tell(desk, shipment, "EDG")
    _, page, _ = await look(desk, path)
    assert "data-failed" not in page


async def test_a_day_that_has_passed_is_said_so(desk):
    shipment = await desk.ordered(carrier=MANUAL)
    await tell(desk, shipment, "EMA")
    path = await link(desk, shipment)
    assert (await look(desk, path, JSON))[1]["due"] == "expected"
    desk.clock.advance(timedelta(days=60).total_seconds())
    assert (await look(desk, path, JSON))[1]["due"] == "overdue"


async def test_unknown_and_malformed_links_look_the_same(both):
    """Same status, same page: nothing can be learned by trying."""
    shipment = await both.ordered(carrier=MANUAL)
    codes = [new_token(), "x", "%00", "%27%20OR%201", "0" * 500, shipment["id"], "T" * 26]
    answers = [await look(both, f"/t/{code}") for code in codes]
    assert {status for status, _, _ in answers} == {404}
    assert {headers["X-Robots-Tag"] for _, _, headers in answers} == {"noindex"}
    links = re.compile(r'<a class="lang" href="[^"]*"')
    assert len({links.sub("", page) for _, page, _ in answers}) == 1
    told = [await look(both, f"/t/{code}", JSON) for code in codes]
    assert {(status, said["code"]) for status, said, _ in told} == {(404, "not_found")}
    assert len({str({**said, "trace_id": ""}) for _, said, _ in told}) == 1


async def test_english_is_one_link_away(desk):
    path = await link(desk, await desk.ordered(carrier=MANUAL))
    _, page, _ = await look(desk, path, {**HTML, "Accept-Language": "en"})
    assert '<html lang="vi">' in page
    assert f"{path}?lang=en" in page
    _, page, _ = await look(desk, path + "?lang=en")
    assert "Application …0001 is at this step: Registered with the post" in page
    _, said, _ = await look(desk, path + "?lang=en", JSON)
    assert said["text"] == "Registered with the post"


async def test_somebody_who_looks_too_often_is_told_to_wait(desk):
    desk.shipments.tracking._limiter = RateLimiter(desk.clock, None, 3)
    answers = [await look(desk, f"/t/{new_token()}", JSON) for _ in range(5)]
    assert [status for status, _, _ in answers] == [404, 404, 404, 429, 429]


def test_the_page_of_no_parcel_names_none():
    assert "Không tìm thấy bưu phẩm này" in render_unknown(samples.frame())
