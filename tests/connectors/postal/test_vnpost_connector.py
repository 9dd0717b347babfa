"""VNPost HCC calls: the token, and what each answer means for an outbound call."""

import asyncio
import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.contract import (
    CancelOutcome,
    Movement,
    OutcomeUnknown,
    ParcelAccepted,
    PostageQuotes,
    PostalConnector,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    TrackingFeed,
)
from connectors.postal.vnpost_hcc.connector import VNPostHcc
from tests.connectors.postal.parcels import (
    SECRET,
    START,
    TOKEN,
    VECTORS,
    ScriptedTransport,
    SteppedClock,
    make_account,
    make_order,
    reply,
    token_reply,
)

PAYLOADS = VECTORS["payloads"]
OK = reply({"Status": 100, "Message": "OK"})
EMPTY_PAGE = reply({"_embedded": {"rh:doc": []}, "_total_pages": 0})


def make_connector(*answers, clock=None, **options):
    transport = ScriptedTransport(*answers)
    clock = clock or SteppedClock()
    return VNPostHcc(make_account(**options), transport, clock), transport


def page(number, oid="5b1e2f3a4c5d6e7f80910001"):
    document = {"_id": {"$oid": oid}, "OrderNumber": number, "ItemCode": "EA123456785VN"}
    return reply({"_embedded": {"rh:doc": [document]}, "_total_pages": 1})


def test_it_is_a_carrier_with_a_feed_and_quotes():
    """The protocols its SPEC announces."""
    connector, _ = make_connector()
    for protocol in (PostalConnector, TrackingFeed, PostageQuotes):
        assert isinstance(connector, protocol)


async def test_the_token_is_asked_for_as_published_and_kept():
    """Client credentials with Basic, one token for many calls."""
    connector, transport = make_connector(token_reply(), OK, OK)
    await connector.submit(make_order())
    await connector.submit(make_order(client_ref="H38.17-260901-0001-2"))
    asked, order, _ = transport.sent
    published = PAYLOADS["ngsp_token"]["request"]
    assert asked.method == published["method"]
    assert asked.body.decode() == published["body"]
    assert asked.headers["Content-Type"] == published["headers"]["Content-Type"]
    scheme, _, credentials = asked.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == f"consumer:{SECRET}"
    assert order.headers["Authorization"] == f"Bearer {TOKEN}"
    assert len(transport.sent) == 3


async def test_the_token_is_renewed_before_it_ends():
    """A minute early, so that no order travels with a dying token."""
    clock = SteppedClock()
    connector, transport = make_connector(token_reply(3600), OK, token_reply(3600), OK, clock=clock)
    await connector.submit(make_order())
    clock.advance(seconds=3541)
    await connector.submit(make_order())
    assert [urlsplit(sent.url).path for sent in transport.sent].count("/token") == 2


async def test_a_token_that_died_early_is_renewed_once_and_the_call_repeated():
    """HTTP 401 comes from the API gateway: the order did not get through to VNPost."""
    connector, transport = make_connector(
        token_reply(token="old"), reply({}, 401), token_reply(token="new"), OK
    )
    await connector.submit(make_order())
    assert transport.sent[-1].headers["Authorization"] == "Bearer new"
    assert transport.sent[-1].body == transport.sent[1].body


async def test_a_second_401_is_not_argued_with():
    """Renewed once, still not let in: nothing reached VNPost."""
    connector, transport = make_connector(
        token_reply(), reply({}, 401), token_reply(), reply({}, 401)
    )
    with pytest.raises(ProviderUnavailable):
        await connector.submit(make_order())
    assert transport.answers == []


async def test_many_calls_at_once_ask_for_one_token():
    """A cold start under load does not ask for a token a call."""
    connector, transport = make_connector(token_reply(), OK, OK, OK)
    await asyncio.gather(*(connector.submit(make_order()) for _ in range(3)))
    assert [urlsplit(sent.url).path for sent in transport.sent].count("/token") == 1


@pytest.mark.parametrize(
    "trouble",
    [OutcomeUnknown("timed out"), reply({"fault": {}}, 401), reply(b"<html>"), reply({"a": 1})],
    ids=["time-out", "refused", "garbage", "no token"],
)
async def test_without_a_token_nothing_was_sent(trouble):
    """A token call that timed out leaves nothing unknown about the order."""
    connector, transport = make_connector(trouble)
    with pytest.raises(ProviderUnavailable):
        await connector.submit(make_order())
    assert len(transport.sent) == 1


async def test_a_provincial_bus_takes_its_fixed_token():
    """LGSP with a static header and its own addresses."""
    connector, transport = make_connector(
        OK,
        access="static_token",
        token_url=None,
        consumer_key=None,
        coded_order_url="https://lgsp.example/coded",
    )
    accepted = await connector.submit(make_order(item_code="EA123456785VN"))
    assert transport.sent[0].url == "https://lgsp.example/coded"
    assert transport.sent[0].headers["access_token"] == SECRET
    assert accepted.item_code == "EA123456785VN"


async def test_a_number_without_a_service_for_it_is_refused_here():
    """The plain service would drop the number and give another."""
    connector, transport = make_connector()
    with pytest.raises(ProviderRejected, match="no_service_for_item_numbers"):
        await connector.submit(make_order(item_code="EA123456785VN"))
    assert transport.sent == []


async def test_a_repeated_order_is_the_same_order():
    """Older systems added a random number, and every retry became another parcel."""
    connector, transport = make_connector(token_reply(), OK, reply({"Status": "101"}))
    first = await connector.submit(make_order())
    second = await connector.submit(make_order())
    numbers = {json.loads(sent.body)["OrderNumber"] for sent in transport.sent[1:]}
    assert numbers == {"H38.17-260901-0001"}
    assert first.carrier_order_id == second.carrier_order_id == "H38.17-260901-0001"


@pytest.mark.parametrize("item_code", [None, "EA123456785VN"])
@pytest.mark.parametrize("status", [100, "100", 101, "101"])
async def test_created_and_already_there_are_one_rule(status, item_code):
    """With or without an item number: elsewhere 101 was stored and then reported as failed."""
    connector, _ = make_connector(
        token_reply(), reply({"Status": status}), coded_order_url="https://lgsp.example/coded"
    )
    accepted = await connector.submit(make_order(item_code=item_code))
    assert (accepted.item_code, accepted.state["status"]) == (item_code, str(status))


@pytest.mark.parametrize("body", [{"Status": "500"}, {"Status": 7}, {"Message": "OK"}, b"OK"])
async def test_any_other_answer_does_not_count_as_sent(body):
    """Elsewhere any answer marked the dossier as handed to the post; here it stays unknown."""
    connector, _ = make_connector(token_reply(), reply(body))
    with pytest.raises(ProviderProtocolError):
        await connector.submit(make_order())


async def test_a_status_the_province_knows_as_a_refusal_is_one():
    """The table of refusals comes with the contract."""
    connector, _ = make_connector(
        token_reply(), reply({"Status": 102, "Message": "Nguyễn Văn B"}), refused_statuses=["102"]
    )
    with pytest.raises(ProviderRejected) as refusal:
        await connector.submit(make_order())
    assert refusal.value.code == "102"
    assert "Nguyễn" not in str(refusal.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderRejected),
        (403, ProviderRejected),
        (408, OutcomeUnknown),
        (429, ProviderUnavailable),
        (302, OutcomeUnknown),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (504, OutcomeUnknown),
    ],
)
async def test_http_says_what_is_known_about_the_call(status, error):
    """A body that claims success behind an error status is not believed."""
    connector, _ = make_connector(token_reply(), reply({"Status": 100}, status))
    with pytest.raises(error):
        await connector.submit(make_order())


async def test_a_timed_out_order_is_looked_up_and_never_created_again():
    """The search begins shortly before the order, follows pages and finds our own reference."""
    connector, transport = make_connector(
        token_reply(),
        OutcomeUnknown("timed out"),
        page("another", "6a9c00000000000000000001"),
        page("H38.17-260901-0001", "6a9c00000000000000000002"),
        page_size=1,
    )
    with pytest.raises(OutcomeUnknown):
        await connector.submit(make_order())
    found = await connector.find("H38.17-260901-0001", START)
    assert found == ParcelAccepted("H38.17-260901-0001", item_code="EA123456785VN")
    queries = [parse_qs(urlsplit(sent.url).query) for sent in transport.sent[2:]]
    since = int((START - timedelta(minutes=10)).timestamp())
    assert queries[0]["lastId"] == [f"{since:08x}" + "0" * 16]
    assert queries[1]["lastId"] == ["6a9c00000000000000000001"]
    assert [sent.method for sent in transport.sent].count("POST") == 2  # the token, one order


async def test_absence_from_the_feed_proves_nothing_by_itself():
    """A look-up that is only a feed says "unknown", not "never ordered"."""
    clock = SteppedClock(START + timedelta(days=2))
    connector, _ = make_connector(token_reply(), EMPTY_PAGE, clock=clock)
    with pytest.raises(OutcomeUnknown):
        await connector.find("H38.17-260901-0001", START)


@pytest.mark.parametrize(("waited_s", "proves"), [(899, False), (900, True)])
async def test_absence_proves_something_where_the_feed_lists_every_order(waited_s, proves):
    """Confirmed by VNPost, and after the delay it needs."""
    clock = SteppedClock(START + timedelta(seconds=waited_s))
    connector, _ = make_connector(
        token_reply(), EMPTY_PAGE, clock=clock, feed_lists_new_orders=True
    )
    if proves:
        assert await connector.find("H38.17-260901-0001", START) is None
    else:
        with pytest.raises(OutcomeUnknown):
            await connector.find("H38.17-260901-0001", START)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (100, CancelOutcome.ACCEPTED),
        ("00", CancelOutcome.ACCEPTED),
        ("02", CancelOutcome.WAITING),
        ("01", CancelOutcome.REFUSED),
        ("103", CancelOutcome.REFUSED),
    ],
)
async def test_a_cancellation_is_told_as_it_was_answered(status, outcome):
    """Waiting for approval is not cancelled."""
    connector, transport = make_connector(
        token_reply(), reply({"Status": status}), refused_statuses=["103"]
    )
    assert await connector.cancel(ParcelAccepted("H38.17-260901-0001"), "rút hồ sơ") is outcome
    sent = transport.sent[-1]
    assert (sent.method, sent.headers["Cache-Control"]) == ("GET", "no-store")
    assert parse_qs(urlsplit(sent.url).query) == {
        "CustomerCode": ["cthh"],
        "OrderNumber": ["H38.17-260901-0001"],
    }


async def test_an_unknown_answer_to_a_cancellation_is_unknown():
    """Neither cancelled nor refused."""
    connector, _ = make_connector(token_reply(), reply({"Status": 555}))
    with pytest.raises(OutcomeUnknown):
        await connector.cancel(ParcelAccepted("H38.17-260901-0001"), "")


async def test_the_feed_is_read_on_from_the_cursor():
    """One reader a customer code, from the beginning the first time."""
    published = reply(PAYLOADS["ngsp_tracking"]["response"])
    connector, transport = make_connector(token_reply(), published, EMPTY_PAGE, page_size=50)
    feed = await connector.events_since("")
    after = await connector.events_since(feed.cursor)
    first, second = (urlsplit(sent.url) for sent in transport.sent[1:])
    path = PAYLOADS["ngsp_tracking"]["path"].removeprefix("GET ")
    assert f"{first.path}?{first.query}" == path
    assert parse_qs(second.query)["lastId"] == [feed.cursor]
    assert feed.events[-1].movement is Movement.DELIVERED
    assert after.events == ()
    assert after.cursor == feed.cursor


async def test_a_quote_needs_a_price_service():
    """Only some provincial buses have one."""
    order = make_order()
    addresses = order.sender.address, order.recipient.address
    without, _ = make_connector()
    with pytest.raises(ProviderRejected, match="no_price_service"):
        await without.quote(*addresses, 100)
    answer = reply(PAYLOADS["lgsp_price"]["response"])
    url = "https://lgsp.example/vnpost?service=getPrice"
    priced, transport = make_connector(token_reply(), answer, price_url=url)
    assert await priced.quote(*addresses, 100) == 30_000
    assert transport.sent[-1].url == url


@pytest.mark.parametrize("reference", ["", "a b", "hồ-sơ", "x" * 51, "a\n"])
async def test_a_reference_the_wire_cannot_carry_is_refused_here(reference):
    """Never shortened, never rewritten."""
    connector, transport = make_connector()
    with pytest.raises(ProviderRejected, match="reference_not_allowed"):
        await connector.submit(make_order(client_ref=reference))
    assert transport.sent == []


async def test_no_error_tells_a_secret_or_a_person():
    """Errors are logged; names, phones, keys and tokens are not."""
    answers = [reply({"Status": 9, "Message": f"{SECRET} Nguyễn Văn B"}), reply({}, 400)]
    told = []
    for answer in answers:
        connector, _ = make_connector(token_reply(), answer)
        with pytest.raises(Exception) as error:
            await connector.submit(make_order())
        told.append(repr(error.value) + str(error.value.__cause__))
    refused, _ = make_connector(reply({"error": SECRET}, 401))
    with pytest.raises(ProviderUnavailable) as error:
        await refused.submit(make_order())
    told.append(repr(error.value))
    told.append(repr(make_account()))
    for secret in (SECRET, TOKEN, "Nguyễn", "0900000001"):
        assert secret not in "".join(told)
