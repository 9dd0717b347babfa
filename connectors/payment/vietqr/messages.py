"""VietQR payloads: build and read, pure.

Owns the fields of a NAPAS QR (tags 00 to 64), strict reading, building of the transfer to an
account. Leaves to others: the TLV walk (``tlv.py``), the check sum (``signature.py``), banks'
names (``banks.py``). Follows NAPAS QR Format T&C v1.0 §5 and QR Switching v1.5.2 §6, without
their printed errata (a check sum that holds over a wrong nested length is refused).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.contract import Action, ActionType, Order
from connectors.payment.vietqr import signature
from connectors.payment.vietqr.statuses import Service
from connectors.payment.vietqr.tlv import QrUnreadable, join_tags, split_tags
from connectors.references import toneless

NAPAS = "A000000727"
STATIC, DYNAMIC = "11", "12"
BILL_NUMBER, MEMO = "01", "08"
PAYLOAD_LIMIT = 512
_ANS = "A-Za-z0-9 "
_AMOUNT = re.compile(r"([0-9]{1,13})\.?")


@dataclass(frozen=True, slots=True)
class QrPayload:
    """One VietQR. ``amount_vnd`` None: the payer types it. ``additional`` are tag 62's fields.

    ``other`` keeps tags we do not speak (tip, postal code, templates) as they came.
    """

    bank_bin: str
    account_number: str
    service: str = Service.TO_ACCOUNT
    dynamic: bool = True
    amount_vnd: int | None = None
    merchant_name: str = ""
    merchant_city: str = ""
    mcc: str = ""
    additional: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def memo(self) -> str:
        """Tag 62-08, what the payer's app writes as the transfer's content."""
        return self.additional.get(MEMO, "")


def build(payload: QrPayload) -> str:
    """Write a payload with its check sum.

    Raises:
        QrUnreadable: a value the format cannot carry; what is built can always be read back.
    """
    beneficiary = join_tags([("00", payload.bank_bin), ("01", payload.account_number)])
    account = join_tags([("00", NAPAS), ("01", beneficiary), ("02", payload.service)])
    tags = {
        "01": DYNAMIC if payload.dynamic else STATIC,
        "38": account,
        "52": payload.mcc,
        "53": "704",
        "54": "" if payload.amount_vnd is None else str(payload.amount_vnd),
        "58": "VN",
        "59": payload.merchant_name,
        "60": payload.merchant_city,
        "62": join_tags(sorted(payload.additional.items())),
        **payload.other,
    }
    text = "000201" + join_tags(sorted(tags.items())) + "6304"
    whole = text + signature.check_sum(text)
    if not whole.isascii():
        raise QrUnreadable("content", "only ASCII is safe in a QR")
    parse(whole)
    return whole


def parse(text: str) -> QrPayload:
    """Read a payload strictly.

    Raises:
        QrUnreadable: part ``crc`` when the check sum fails, ``tlv`` when lengths or the order
            of tags are wrong, ``content`` when a value is not what NAPAS allows.
    """
    if len(text) > PAYLOAD_LIMIT:
        raise QrUnreadable("tlv", "the payload is too long")
    if not signature.holds(text):
        raise QrUnreadable("crc", "the check sum does not hold")
    tags = split_tags(text)
    names = list(tags)
    if names[0] != "00" or names[-1] != "63":
        raise QrUnreadable("tlv", "tag 00 comes first and tag 63 last")
    _check_fixed(tags)
    beneficiary, service = _read_account(tags.get("38", ""))
    known = {"00", "01", "38", "52", "53", "54", "58", "59", "60", "62", "63"}
    return QrPayload(
        bank_bin=beneficiary["00"],
        account_number=beneficiary["01"],
        service=service,
        dynamic=tags["01"] == DYNAMIC,
        amount_vnd=_read_amount(tags.get("54")),
        merchant_name=tags.get("59", ""),
        merchant_city=tags.get("60", ""),
        mcc=tags.get("52", ""),
        additional=_read_additional(tags.get("62", "")),
        other={tag: value for tag, value in tags.items() if tag not in known},
    )


def _check_fixed(tags: Mapping[str, str]) -> None:
    allowed = {"00": {"01"}, "01": {STATIC, DYNAMIC}, "53": {"704"}, "58": {"VN"}}
    for tag, values in allowed.items():
        if tags.get(tag) not in values:
            raise QrUnreadable("content", f"tag {tag} is not {' or '.join(sorted(values))}")
    for tag, pattern in (("52", "[0-9]{4}"), ("59", ".{1,25}"), ("60", ".{1,15}")):
        if tag in tags and not re.fullmatch(pattern, tags[tag]):
            raise QrUnreadable("content", f"tag {tag} is not in its form")


def _read_account(text: str) -> tuple[dict[str, str], str]:
    template = split_tags(text)
    if template.get("00") != NAPAS:
        raise QrUnreadable("content", "tag 38 is not NAPAS's")
    beneficiary = split_tags(template.get("01", ""))
    if not re.fullmatch(r"[0-9]{6}", beneficiary.get("00", ""), re.ASCII):
        raise QrUnreadable("content", "the bank is not six digits")
    if not re.fullmatch(r"[A-Za-z0-9]{1,19}", beneficiary.get("01", "")):
        raise QrUnreadable("content", "the account is not 1 to 19 letters and digits")
    service = template.get("02", "")
    if len(service) > 10 or set(template) - {"00", "01", "02"} or len(beneficiary) != 2:
        raise QrUnreadable("content", "tag 38 has what NAPAS does not describe")
    return beneficiary, service


def _read_amount(text: str | None) -> int | None:
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text) if len(text) <= 13 else None
    if found is None or int(found[1]) == 0:
        raise QrUnreadable("content", "tag 54 is not a whole number of đồng")
    return int(found[1])


def _read_additional(text: str) -> dict[str, str]:
    found = split_tags(text)
    for tag, value in found.items():
        if "01" <= tag <= "08" and len(value) > 25:
            raise QrUnreadable("content", f"tag 62-{tag} is longer than 25 characters")
    return found


def pay_action(order: Order, options: Mapping[str, str]) -> Action:
    """What the citizen scans, or copies: account, bank, exact amount and our reference as memo."""
    payload = QrPayload(
        bank_bin=options["bank_bin"],
        account_number=options["account_number"],
        amount_vnd=order.amount_vnd,
        merchant_name=toneless(options["account_name"], _ANS, 25).upper(),
        merchant_city=toneless(options.get("merchant_city", ""), _ANS, 15).upper(),
        mcc=options.get("mcc", ""),
        additional={MEMO: order.reference},
    )
    return Action(
        ActionType.QR,
        qr_payload=build(payload),
        account_number=payload.account_number,
        account_name=options["account_name"],
        bank_bin=payload.bank_bin,
        memo=order.reference,
    )
