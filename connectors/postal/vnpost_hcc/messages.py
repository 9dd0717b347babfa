"""VNPost HCC messages: built and read, pure.

Owns the JSON of NGSP's order interface (PascalCase fields of the NGSP SDK 1.0.0) and the LGSP
price request; leaves tokens to ``access.py`` and the meaning of codes to ``statuses.py``. Every
time on the wire is milliseconds since 1970 or Vietnamese wall-clock time (+07).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from connectors.contract import (
    Address,
    HttpReply,
    ParcelOrder,
    ProviderProtocolError,
    ProviderRejected,
)
from connectors.payloads import Unreadable, read_object, text_of, whole_dong
from connectors.postal.vnpost_hcc.options import Options

_PURPOSE: Final = {
    "result_delivery": "Trả kết quả",
    "dossier_collection": "Thu gom hồ sơ",
    "round_trip": "Thu gom hồ sơ và trả kết quả",
}
_PAYER: Final = {"applicant": "cước người dân trả", "province": "cước cơ quan trả"}
_LONGEST_ANSWER: Final = 4 * 1024 * 1024  # a full page of the tracking feed


# ------------------------------------------------------------------ building


def build_order(order: ParcelOrder, options: Options) -> bytes:
    """The body of ``POST /order/post``; with an item number, also that and ``FlagConfig``.

    The order number is the shipment's own stable reference and nothing else, so that a repeated
    order is the same order to VNPost.
    """
    fields: dict[str, Any] = {
        "CustomerCode": options.customer_code,
        "OrderNumber": order.client_ref,
        "CODAmount": order.collect_vnd,
        **_party("Sender", order.sender.name, order.sender.phone, order.sender.address, options),
        "SenderDesc": "; ".join(order.contents),
        "Description": _describe(order),
        **_party(
            "Receiver",
            order.recipient.name,
            order.recipient.phone,
            order.recipient.address,
            options,
        ),
    }
    if order.item_code:
        fields |= {"ItemCode": order.item_code, "FlagConfig": options.flag_config}
    return _encode(fields)


def build_cancel_url(client_ref: str, options: Options) -> str:
    """``GET /order/cancel``: a GET that changes state, see the connector for what follows."""
    query = urlencode({"CustomerCode": options.customer_code, "OrderNumber": client_ref})
    return f"{options.cancel_url}?{query}"


def build_tracking_url(last_id: str, options: Options) -> str:
    """``GET /order/tracking`` after one document id."""
    query = urlencode({"pagesize": options.page_size, "lastId": last_id})
    return f"{options.tracking_url}?{query}"


def build_price(sender: Address, recipient: Address, weight_g: int, options: Options) -> bytes:
    """The body of the LGSP price request (service HCC)."""
    return _encode(
        {
            "weight": weight_g,
            "mainSrv": "HCC",
            "isreturn": 1,
            "sender": _place(sender, options),
            "receiver": _place(recipient, options),
        }
    )


def _party(side: str, name: str, phone: str, address: Address, options: Options) -> dict[str, Any]:
    places = (address.line, address.ward_name, address.province_name)
    return {
        f"{side}Province": _province(address, options),
        f"{side}District": options.districts.get(address.ward_code, 0),
        f"{side}Address": ", ".join(part for part in places if part),
        f"{side}Name": name,
        f"{side}Email": None,
        f"{side}Tel": phone,
    }


def _place(address: Address, options: Options) -> dict[str, int]:
    return {
        "provCode": _province(address, options),
        "distCode": options.districts.get(address.ward_code, 0),
    }


def _province(address: Address, options: Options) -> int:
    try:
        return options.provinces[address.province_code]
    except KeyError:
        raise ProviderRejected("province_not_mapped", address.province_code) from None


def _describe(order: ParcelOrder) -> str:
    parts = (_PURPOSE.get(order.kind, order.kind), _PAYER.get(order.postage_payer, ""), order.note)
    return "; ".join(part for part in parts if part)


def _encode(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


# ------------------------------------------------------------------ reading


def read_status(reply: HttpReply) -> str:
    """The ``Status`` of an answer to an order or a cancellation, as text.

    It comes as string or integer; VNPost's other order interface, behind some provincial
    adaptors, names it ``Type``.

    Raises:
        ProviderProtocolError: there is no such answer in the reply.
    """
    body = read_answer(reply)
    for name in ("Status", "status", "Type", "type"):
        status = text_of(body.get(name)).strip()
        if status:
            return status
    raise ProviderProtocolError(f"no status in the answer (HTTP {reply.status})")


def read_price(reply: HttpReply) -> int:
    """The provisional postage in đồng.

    Raises:
        ProviderProtocolError: no price, or one that is not whole đồng.
    """
    content = read_answer(reply).get("content")
    price = whole_dong(content.get("price")) if isinstance(content, dict) else None
    if price is None or price < 0:
        raise ProviderProtocolError("no price in whole đồng")
    return price


def read_answer(reply: HttpReply) -> dict[str, Any]:
    """The one JSON object of a reply, bare or in a list of one.

    Raises:
        ProviderProtocolError: anything else.
    """
    body = reply.body.strip()
    if body.startswith(b"[") and body.endswith(b"]"):
        body = body[1:-1]
    try:
        return read_object(body, _LONGEST_ANSWER)
    except Unreadable as error:
        raise ProviderProtocolError(f"{error} (HTTP {reply.status})") from None
