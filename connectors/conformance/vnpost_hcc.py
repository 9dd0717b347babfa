"""VNPost HCC's published messages, checked through the connector's own pure functions.

Owns: what it means for one NGSP or LGSP sample message to hold. Part of the postal suite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Account, Address, CancelOutcome, HttpReply, ParcelOrder, Party
from connectors.postal.vnpost_hcc import access, messages, statuses, tracking
from connectors.postal.vnpost_hcc.options import Options, read_options

Vector = Mapping[str, Any]

_BASE = "https://carrier.invalid"
_ACCOUNT: Mapping[str, Any] = {
    "base_url": f"{_BASE}/apiVNPostNGSP/p1.0",
    "token_url": f"{_BASE}/token",
    "consumer_key": "consumerKey",
    "customer_code": "cthh",
    "page_size": 50,
}


def _options(*provinces: int) -> Options:
    codes = {str(code): code for code in provinces or (0,)}
    secrets = {"secret_key": ("secretKey",)}
    account = Account("vectors", "vnpost_hcc", {**_ACCOUNT, "province_codes": codes}, secrets)
    return read_options(account)


def _http(body: object) -> HttpReply:
    return HttpReply(200, {}, json.dumps(body).encode())


def _party(body: Vector, side: str) -> Party:
    address = Address(body[f"{side}Address"], "", str(body[f"{side}Province"]))
    return Party(body[f"{side}Name"], body[f"{side}Tel"], address)


def _order(sample: Vector) -> str | None:
    """Every published field with the published value; the free texts are ours."""
    body = sample["body"]
    order = ParcelOrder(
        client_ref=body["OrderNumber"],
        dossier=body["OrderNumber"],
        kind="result_delivery",
        sender=_party(body, "Sender"),
        recipient=_party(body, "Receiver"),
        contents=(body["SenderDesc"],),
        weight_g=0,
        collect_vnd=int(body["CODAmount"]),
        postage_payer="",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        item_code=body.get("ItemCode"),
    )
    options = _options(body["SenderProvince"], body["ReceiverProvince"])
    built = json.loads(messages.build_order(order, options))
    ours = {"CustomerCode", "Description", "SenderEmail", "ReceiverEmail"}
    problem = _differs("fields", sorted(built), sorted(body))
    for key in sorted(set(body) - ours):
        problem = problem or _differs(key, built.get(key), body[key])
    known = statuses.CREATED | statuses.ALREADY_THERE
    for answer in sample["responses"]:
        status = messages.read_status(_http(answer))
        expected = str(answer["Status"]) in {"100", "101"}
        problem = problem or _differs(f"{status} accepted", status in known, expected)
    return problem


def _token(sample: Vector) -> str | None:
    request = access.build_token_request(f"{_BASE}/token", "consumerKey", "secretKey")
    published, answer = sample["request"], sample["response"]
    token = access.read_token(_http(answer), datetime(2026, 1, 1, tzinfo=UTC))
    header = f"{answer['token_type']} {answer['access_token']}"
    return (
        _differs("method", request.method, published["method"])
        or _differs("body", request.body.decode(), published["body"])
        or _differs("shown as", dict(token.header), {"Authorization": header})
    )


def _tracking(sample: Vector) -> str | None:
    options = _options()
    page = _http(sample["response"])
    feed = tracking.read_feed(page, tracking.BEGINNING, options.page_size, options.statuses)
    documents = sample["response"]["_embedded"]["rh:doc"]
    url = messages.build_tracking_url(tracking.BEGINNING, options)
    return (
        _differs("call", "GET " + url.removeprefix(_BASE), sample["path"])
        or _differs("cursor", feed.cursor, sample["expect"]["next_lastId"])
        or _differs(
            "events", [e.code for e in feed.events], [str(d["StatusCode"]) for d in documents]
        )
        or _differs(
            "times",
            [e.at.timestamp() * 1000 for e in feed.events],
            [d["EventTime"] for d in documents],
        )
    )


def _price(sample: Vector) -> str | None:
    body = sample["body"]
    sender, receiver = body["sender"]["provCode"], body["receiver"]["provCode"]
    options = _options(sender, receiver)
    places = Address("", "", str(sender)), Address("", "", str(receiver))
    built = json.loads(messages.build_price(*places, body["weight"], options))
    price = messages.read_price(_http(sample["response"]))
    return _differs("request", built, body) or _differs(
        "price", price, int(sample["response"]["content"]["price"])
    )


def _cancellations(sample: Vector) -> str | None:
    """The codes VNPost's two order interfaces share."""
    words = {
        "accepted": CancelOutcome.ACCEPTED,
        "pending": CancelOutcome.WAITING,
        "rejected": CancelOutcome.REFUSED,
    }
    for case in sample["cases"]:
        status = messages.read_status(_http(case["response"]))
        problem = _differs(status, statuses.CANCELLATIONS.get(status), words[case["expect"]])
        if problem:
            return problem
    return None


PAYLOADS: Mapping[str, Callable[[Vector], str | None]] = {
    "ngsp_token": _token,
    "ngsp_order_post": _order,
    "ngsp_tracking": _tracking,
    "lgsp_order_with_item_code": _order,
    "lgsp_price": _price,
    "vnpost_my_cancel_results": _cancellations,
}


def _differs(what: str, ours: object, theirs: object) -> str | None:
    return None if ours == theirs else f"{what}: {ours!r} is not {theirs!r}"
