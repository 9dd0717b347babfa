"""What the API takes: a new shipment, a cancellation, an event typed by hand.

Owns the form of each field, with a Vietnamese sentence for what the form alone cannot say; which
carriers there are is the service's knowledge. No identity number is ever asked for.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from gateway.foundation.ids import has_prefix

_MOBILE: Final = r"0[35789]\d{8}"
_LANDLINE: Final = r"02\d{9}"
_HOTLINE: Final = r"1[89]00\d{4,6}"
_PHONE: Final = re.compile(f"(?:{_MOBILE}|{_LANDLINE}|{_HOTLINE})")
_MOST_COLLECTED: Final = 1_000_000_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
ItemCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{3,38}$")]


class AddressBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A two-level address: official codes, and optionally their names for the label."""

    line: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    ward_code: Annotated[str, msgspec.Meta(pattern=r"^\d{5}$")]
    province_code: Annotated[str, msgspec.Meta(pattern=r"^\d{2}$")]
    ward_name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    province_name: Annotated[str, msgspec.Meta(max_length=100)] = ""

    def __post_init__(self) -> None:
        _must_say(self.line, "Địa chỉ")


class PartyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sender or recipient."""

    name: Name
    phone: Annotated[str, msgspec.Meta(max_length=24)]
    address: AddressBody

    def __post_init__(self) -> None:
        _must_say(self.name, "Tên")
        if not _PHONE.fullmatch(plain_phone(self.phone)):
            raise ValueError("phone: không phải số điện thoại Việt Nam.")


class ProxyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may receive instead, by which letter."""

    name: Name
    letter_ref: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ContentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of paper in the envelope."""

    title: Name
    form: Literal["original", "copy", "e-copy"]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1

    def __post_init__(self) -> None:
        _must_say(self.title, "Tên giấy tờ")


class CollectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money to be collected at the door, and the payment it is for."""

    payment_id: str | None = None
    amount: Annotated[int, msgspec.Meta(ge=0, le=_MOST_COLLECTED)] = 0

    def __post_init__(self) -> None:
        if self.payment_id is not None and not has_prefix(self.payment_id, "pay"):
            raise ValueError("payment_id: không phải mã khoản nộp.")
        if self.payment_id is not None and self.amount == 0:
            raise ValueError("amount: phải lớn hơn 0 khi có payment_id.")


class ShipmentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new shipment; without ``carrier`` the first one configured takes it."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    kind: Literal["result_delivery", "dossier_collection", "round_trip"]
    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    sender: PartyBody
    recipient: PartyBody
    proxy: ProxyBody | None = None
    contents: Annotated[list[ContentBody], msgspec.Meta(min_length=1, max_length=50)]
    withdraw: Annotated[list[Name], msgspec.Meta(max_length=20)] = []
    collect: CollectBody = CollectBody()
    postage_payer: Literal["applicant", "province"] = "applicant"
    weight_g: Annotated[int, msgspec.Meta(ge=1, le=30_000)]
    procedure: Text = ""
    note: Text = ""
    item_code: ItemCode | None = None

    def __post_init__(self) -> None:
        _must_say(self.reference, "Mã hồ sơ")


class CancelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a parcel is called back."""

    reason: Text = ""


class EntryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an officer reports of a parcel: an event, its item number, or both."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    item_code: ItemCode | None = None
    amount: Annotated[int, msgspec.Meta(ge=0, le=_MOST_COLLECTED)] | None = None
    place: Annotated[str, msgspec.Meta(max_length=200)] = ""
    note: Text = ""

    def __post_init__(self) -> None:
        if self.code is None and self.item_code is None:
            raise ValueError("Cần code (sự kiện) hoặc item_code (mã bưu gửi).")
        if (self.code is None) != (self.at is None):
            raise ValueError("code và at (thời điểm) đi cùng nhau.")


def plain_phone(text: str) -> str:
    """``+84 912.345.678`` → ``0912345678``; not checked."""
    digits = re.sub(r"[ .()-]", "", text)
    return f"0{digits[3:]}" if digits.startswith("+84") else digits


def plain_item_code(text: str) -> str:
    """As it is printed: upper case, no spaces or hyphens."""
    return re.sub(r"[ -]", "", text).upper()


def stored_party(party: PartyBody) -> dict[str, Any]:
    """The stored form, phone as it is dialled."""
    stored: dict[str, Any] = msgspec.to_builtins(party)
    return {**stored, "phone": plain_phone(party.phone)}


def _must_say(text: str, what: str) -> None:
    if not text.strip():
        raise ValueError(f"{what} không được để trống.")
