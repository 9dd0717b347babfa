"""VNPost HCC messages and tables: what is sent and read, byte for byte, without a network."""

import json
from datetime import UTC, datetime

import pytest

from connectors.contract import (
    MisconfiguredAccount,
    MoneyLane,
    Movement,
    ProviderProtocolError,
    ProviderRejected,
)
from connectors.postal.vnpost_hcc import messages, tracking
from connectors.postal.vnpost_hcc.options import read_options
from tests.connectors.postal.parcels import VECTORS, make_account, make_order, reply

PAYLOADS = VECTORS["payloads"]
FEED = PAYLOADS["ngsp_tracking"]["response"]


def read_page(documents, *, cursor=tracking.BEGINNING, page_size=50, pages=1, **options):
    page = {"_embedded": {"rh:doc": documents}, "_total_pages": pages}
    table = read_options(make_account(**options)).statuses
    return tracking.read_feed(reply(page), cursor, page_size, table)


def test_the_order_is_exactly_the_published_one():
    """Every field of the SDK, no other."""
    body = json.loads(messages.build_order(make_order(), read_options(make_account())))
    expected = PAYLOADS["ngsp_order_post"]["body"]
    assert body == {**expected, "Description": "Trả kết quả; cước người dân trả"}


def test_a_number_of_our_own_range_adds_exactly_two_fields():
    """The provincial variant with an item number in hand."""
    options = read_options(make_account(coded_order_url="https://lgsp.example/coded"))
    body = json.loads(messages.build_order(make_order(item_code="EA123456785VN"), options))
    assert set(body) == set(PAYLOADS["lgsp_order_with_item_code"]["body"])
    assert (body["ItemCode"], body["FlagConfig"]) == ("EA123456785VN", 2)


def test_collecting_a_dossier_is_the_same_order_with_the_parties_as_given():
    """The interface has no other word for it than who sends and who receives."""
    order = make_order(kind="dossier_collection", postage_payer="province")
    swapped = make_order(
        kind="dossier_collection",
        postage_payer="province",
        sender=order.recipient,
        recipient=order.sender,
    )
    body = json.loads(messages.build_order(swapped, read_options(make_account())))
    assert (body["SenderProvince"], body["ReceiverProvince"]) == (16, 10)
    assert body["Description"] == "Thu gom hồ sơ; cước cơ quan trả"


def test_an_unmapped_province_is_refused_before_anything_is_sent():
    """The carrier's codes are never guessed from ours."""
    options = read_options(make_account(province_codes={"30": 16}))
    with pytest.raises(ProviderRejected) as refusal:
        messages.build_order(make_order(), options)
    assert refusal.value.code == "province_not_mapped"


def test_the_price_request_is_exactly_the_published_one():
    """The provincial price service, and its price as text."""
    order = make_order()
    options = read_options(make_account())
    body = messages.build_price(order.sender.address, order.recipient.address, 100, options)
    assert json.loads(body) == PAYLOADS["lgsp_price"]["body"]
    assert messages.read_price(reply(PAYLOADS["lgsp_price"]["response"])) == 30_000


@pytest.mark.parametrize("price", [30000, 30000.0, "30000", "30000.00"])
def test_a_price_in_any_whole_form_is_read(price):
    """Strings and floats that are whole đồng."""
    assert messages.read_price(reply({"content": {"price": price}})) == 30_000


@pytest.mark.parametrize("price", [30000.5, "30.000", "-1", -1, True, None, "NaN", [], "3e4"])
def test_a_price_that_is_not_whole_dong_is_refused(price):
    """A fraction or a separator is never rounded into money."""
    with pytest.raises(ProviderProtocolError):
        messages.read_price(reply({"content": {"price": price}}))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Status": 100}, "100"),
        ({"Status": "101"}, "101"),
        ([{"type": "02"}], "02"),
        *[
            (
                case["response"],
                {"accepted": "00", "pending": "02", "rejected": "01"}[case["expect"]],
            )
            for case in PAYLOADS["vnpost_my_cancel_results"]["cases"]
        ],
    ],
)
def test_a_status_is_read_in_every_form_seen(body, status):
    """String or integer, Status or Type, bare or in a list of one."""
    assert messages.read_status(reply(body)) == status


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'[{"Status":100},{"Status":500}]', b'{"Message":"OK"}', b"5"]
)
def test_an_answer_without_a_status_is_no_answer(body):
    """Garbage is an unknown outcome, not a refusal."""
    with pytest.raises(ProviderProtocolError):
        messages.read_status(reply(body))


def test_the_published_feed_page_is_read():
    """Two events, Vietnamese time, the cursor on the last document."""
    feed = read_page(FEED["_embedded"]["rh:doc"])
    first, last = feed.events
    assert feed.cursor == PAYLOADS["ngsp_tracking"]["expect"]["next_lastId"]
    assert not feed.more
    assert (first.client_ref, first.item_code) == ("H38.17-260901-0001", "EA123456785VN")
    assert first.at == datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
    assert first.at.isoformat() == "2026-09-01T07:00:00+07:00"
    assert (first.code, first.movement, first.place) == ("1", None, "100900")
    assert (last.code, last.movement, last.label) == ("4", Movement.DELIVERED, "Phát thành công")


def test_an_inferred_meaning_says_that_it_is_unconfirmed():
    """Code 4 comes from systems in service, not from a document; every other code is unknown."""
    first, last = read_page(FEED["_embedded"]["rh:doc"]).events
    assert first.facts["certainty"] == "unknown"
    assert last.facts["certainty"] == "unconfirmed"


def test_the_provinces_own_table_is_believed():
    """What the contract with VNPost says replaces what we infer."""
    table = {"1": "picked_up", "4": "delivered money:collected", "21": "money:remitted"}
    first, last = read_page(FEED["_embedded"]["rh:doc"], statuses=table).events
    assert (first.movement, first.facts["certainty"]) == (Movement.PICKED_UP, "configured")
    assert (last.movement, last.money) == (Movement.DELIVERED, MoneyLane.COLLECTED)


def test_one_unreadable_document_does_not_stop_the_others():
    """Older systems left their loop at the first bad dossier; the rest was skipped in silence."""
    good = FEED["_embedded"]["rh:doc"][1]
    bad = {"_id": {"$oid": "5b1e2f3a4c5d6e7f80910001"}, "EventTime": "hôm qua", "StatusCode": []}
    feed = read_page([bad, "?", good])
    assert [event.movement for event in feed.events] == [None, None, Movement.DELIVERED]
    assert feed.events[0].facts["unreadable"] == "EventTime,StatusCode"
    assert feed.events[0].at == datetime(2018, 6, 11, 8, 13, 46, tzinfo=UTC)
    assert feed.events[1].event_key.startswith("sha256:")
    assert feed.cursor == "5b1e2f3a4c5d6e7f80910002"


@pytest.mark.parametrize(
    "time",
    [
        1788220800000,
        "1788220800000",
        {"$date": 1788220800000},
        {"$date": {"$numberLong": "1788220800000"}},
    ],
)
def test_a_time_is_read_in_every_json_form_of_the_database_behind(time):
    """RESTHeart shows MongoDB's dates in several ways."""
    (event,) = read_page([{**FEED["_embedded"]["rh:doc"][0], "EventTime": time}]).events
    assert event.at == datetime(2026, 9, 1, tzinfo=UTC)


def test_a_collected_amount_is_whole_dong_or_nothing():
    """A fraction is noted, never rounded."""
    document = FEED["_embedded"]["rh:doc"][0]
    table = {"1": "money:collected"}
    (whole,) = read_page([{**document, "CODAmount": 50000.0}], statuses=table).events
    (broken,) = read_page([{**document, "CODAmount": 50000.5}], statuses=table).events
    assert whole.amount_vnd == 50_000
    assert broken.amount_vnd is None
    assert broken.facts["unreadable"] == "CODAmount"


def test_more_is_promised_only_when_the_cursor_moved():
    """A feed that repeats itself must not spin a worker."""
    documents = FEED["_embedded"]["rh:doc"]
    assert read_page(documents, page_size=2).more
    assert read_page(documents, pages=3).more
    assert not read_page(documents, page_size=2, cursor="5b1e2f3a4c5d6e7f80910002").more
    assert not read_page([]).more
    assert read_page([]).cursor == tracking.BEGINNING


@pytest.mark.parametrize("body", [{}, {"_embedded": {}}, {"_embedded": {"rh:doc": [{"_id": 7}]}}])
def test_a_page_that_would_hold_the_cursor_is_refused(body):
    """Not a page, or documents without an identity."""
    with pytest.raises(ProviderProtocolError):
        tracking.read_feed(reply(body), tracking.BEGINNING, 50, {})


def test_a_cursor_can_be_made_from_a_time():
    """An ObjectId begins with its creation time in seconds."""
    assert tracking.cursor_at(datetime(2018, 6, 11, 8, 13, 46, tzinfo=UTC)) == "5b1e2f3a" + "0" * 16
    assert tracking.cursor_at(datetime(1960, 1, 1, tzinfo=UTC)) == tracking.BEGINNING


def test_every_problem_of_an_account_is_named_at_once():
    """An operator corrects the file once."""
    account = make_account(
        secret=("",),
        customer_code="",
        base_url="http://ngsp.example/api",
        token_url=None,
        consumer_key=None,
        access="oauth2",
        page_size=5000,
        province_codes={"01": "ten"},
        district_codes=[],
        statuses={"4": "teleported", "5": ""},
        refused_statuses="102",
        feed_lists_new_orders="yes",
        hash_secret="?",
    )
    with pytest.raises(MisconfiguredAccount) as refusal:
        read_options(account)
    named = {problem.partition(":")[0] for problem in refusal.value.problems}
    assert named == {
        *("secret_key", "customer_code", "base_url", "token_url", "consumer_key", "page_size"),
        *("province_codes.01", "district_codes", "statuses.4", "statuses.5", "refused_statuses"),
        *("feed_lists_new_orders", "hash_secret"),
    }
