"""What a portal may ask to be collected: formats, amounts, addresses.

Owns the checks of a new payment; leaves JSON types to the decoder and words to ``texts``.
Identifier formats follow the domain notes §1 (NĐ 61/2018 art. 26, QĐ 20/2020/QĐ-TTg art. 4):
permissive, because agencies change their codes; a dossier number that has the official shape
must carry a real date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from urllib.parse import urlsplit

from gateway.foundation.money import MAX_AMOUNT_VND, AmountError, check_amount

KINDS = ("fee", "levy", "shipping", "other")
CHANNELS = ("online", "counter", "post")
MAX_LINES = 100
MAX_QUANTITY = 100_000
MIN_EXPIRES_S = 60
MAX_EXPIRES_S = 366 * 24 * 3600

_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,63}")
_DOSSIER = re.compile(r"[A-Z0-9]{1,5}(?:\.[A-Z0-9]{1,5}){0,5}-(\d{2})(\d{2})(\d{2})-\d{4,6}")
_PROCEDURE = re.compile(r"[0-9A-Z][0-9A-Za-z._-]{0,63}")
_AGENCY = re.compile(r"[0-9A-Z](?:[0-9A-Z.]{0,33}[0-9A-Z])?")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,49}")
_PHONE = re.compile(r"(?:0|\+84)(?:[35789]\d{8}|2\d{9})")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_IDENTITY = re.compile(r"[0-9A-Za-z]{5,20}")
# An address nobody can object to; anything else is taken apart.
_PLAIN_URL = re.compile(
    r"https://[0-9A-Za-z][0-9A-Za-z.-]{0,252}(?::[1-9]\d{0,3})?(?:[/?][0-9A-Za-z/._~?&=+-]{0,1500})?"
)
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong: a JSON pointer, a code that ``texts`` can say."""

    pointer: str
    code: str


@dataclass(frozen=True, slots=True)
class Line:
    """One fee line (phí, lệ phí, postage …)."""

    code: str
    name: str
    kind: str
    quantity: int
    unit_amount: int

    @property
    def amount(self) -> int:
        """What the line comes to, in đồng."""
        return self.quantity * self.unit_amount


@dataclass(frozen=True, slots=True)
class Draft:
    """A payment as a portal asks for it, texts already in NFC."""

    reference: str
    procedure_code: str
    agency_code: str
    lines: Sequence[Line]
    payer: Mapping[str, str | None] = field(default_factory=dict)
    description: str = ""
    channel: str = "online"
    method: str | None = None
    return_url: str | None = None
    expires_in: int = 86_400
    locale: str = "vi"
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def amount(self) -> int:
        """The sum of the lines, in đồng; 0 is a lawful result and is *not due*."""
        return sum(line.amount for line in self.lines)


def flaws_in(
    draft: Draft, *, insecure_urls: bool = False, max_amount: int = MAX_AMOUNT_VND
) -> tuple[Flaw, ...]:
    """Everything wrong with a draft at once.

    Args:
        draft: what was asked for.
        insecure_urls: plain http is allowed in ``return_url`` (test mode).
        max_amount: the largest total taken.
    """
    checks: Iterable[Iterable[Flaw]] = (
        _identifier_flaws(draft),
        _line_flaws(draft, max_amount),
        _payer_flaws(draft.payer),
        _option_flaws(draft),
        _metadata_flaws(draft.metadata),
        return_url_flaws(draft.return_url, insecure=insecure_urls),
    )
    return tuple(chain.from_iterable(checks))


def return_url_flaws(
    url: str | None, *, insecure: bool = False, pointer: str = "/return_url"
) -> Iterable[Flaw]:
    """A return address is absolute, https (unless in test mode), without credentials."""
    if url is None or _PLAIN_URL.fullmatch(url):
        return
    if len(url) > 2048 or not url.isascii() or any(symbol in url for symbol in ' <>"\\^`{|}'):
        yield Flaw(pointer, "url_invalid")
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield Flaw(pointer, "url_invalid")
        return
    if _UNSPEAKABLE.search(url) or not host or parts.scheme not in ("https", "http"):
        yield Flaw(pointer, "url_invalid")
    elif parts.username is not None or parts.password is not None:
        yield Flaw(pointer, "url_with_credentials")
    elif parts.scheme == "http" and not insecure:
        yield Flaw(pointer, "url_not_https")


def _identifier_flaws(draft: Draft) -> Iterable[Flaw]:
    if not _REFERENCE.fullmatch(draft.reference):
        yield Flaw("/reference", "reference_invalid")
    elif not _has_real_date(draft.reference):
        yield Flaw("/reference", "reference_date")
    if not _PROCEDURE.fullmatch(draft.procedure_code):
        yield Flaw("/procedure_code", "procedure_invalid")
    if not _AGENCY.fullmatch(draft.agency_code):
        yield Flaw("/agency_code", "agency_invalid")


def _has_real_date(reference: str) -> bool:
    shaped = _DOSSIER.fullmatch(reference)
    if not shaped:
        return True
    year, month, day = (int(part) for part in shaped.groups())
    try:
        date(2000 + year, month, day)
    except ValueError:
        return False
    return True


def _line_flaws(draft: Draft, max_amount: int) -> Iterable[Flaw]:
    if not draft.lines:
        yield Flaw("/items", "items_required")
    if len(draft.lines) > MAX_LINES:
        yield Flaw("/items", "too_many_items")
        return
    for index, line in enumerate(draft.lines):
        yield from _one_line_flaws(f"/items/{index}", line, max_amount)
    if draft.amount > max_amount:
        yield Flaw("/items", "total_too_large")


def _one_line_flaws(at: str, line: Line, max_amount: int) -> Iterable[Flaw]:
    if not _CODE.fullmatch(line.code):
        yield Flaw(f"{at}/code", "code_invalid")
    if not is_spoken(line.name, 250):
        yield Flaw(f"{at}/name", "text_invalid")
    if line.kind not in KINDS:
        yield Flaw(f"{at}/kind", "choice_invalid")
    if not _is_within(line.quantity, 1, MAX_QUANTITY):
        yield from _amount_flaws(f"{at}/quantity", line.quantity, 1, MAX_QUANTITY)
    if not _is_within(line.unit_amount, 0, max_amount):
        yield from _amount_flaws(f"{at}/unit_amount", line.unit_amount, 0, max_amount)


def _is_within(value: int, minimum: int, maximum: int) -> bool:
    return type(value) is int and minimum <= value <= maximum


def _amount_flaws(pointer: str, value: int, minimum: int, maximum: int) -> Iterable[Flaw]:
    try:
        check_amount(value, minimum=minimum, maximum=maximum)
    except AmountError as error:
        yield Flaw(pointer, error.code)


def _payer_flaws(payer: Mapping[str, str | None]) -> Iterable[Flaw]:
    name, phone = payer.get("name"), payer.get("phone")
    email, identity = payer.get("email"), payer.get("identity_number")
    if name is not None and not is_spoken(name, 200):
        yield Flaw("/payer/name", "text_invalid")
    if phone is not None and not _PHONE.fullmatch(re.sub(r"[ .-]", "", phone)):
        yield Flaw("/payer/phone", "phone_invalid")
    if email is not None and not _EMAIL.fullmatch(email):
        yield Flaw("/payer/email", "email_invalid")
    if identity is not None and not _IDENTITY.fullmatch(identity):
        yield Flaw("/payer/identity_number", "identity_invalid")


def _option_flaws(draft: Draft) -> Iterable[Flaw]:
    if draft.description and not is_spoken(draft.description, 255):
        yield Flaw("/description", "text_invalid")
    if draft.method is not None and not _CODE.fullmatch(draft.method):
        yield Flaw("/method", "choice_invalid")
    if draft.channel not in CHANNELS:
        yield Flaw("/channel", "choice_invalid")
    if draft.locale not in ("vi", "en"):
        yield Flaw("/locale", "choice_invalid")
    if not _is_within(draft.expires_in, MIN_EXPIRES_S, MAX_EXPIRES_S):
        yield from _amount_flaws("/expires_in", draft.expires_in, MIN_EXPIRES_S, MAX_EXPIRES_S)


def _metadata_flaws(metadata: Mapping[str, str]) -> Iterable[Flaw]:
    if len(metadata) > 50:
        yield Flaw("/metadata", "too_many_entries")
        return
    for name, value in metadata.items():
        if not _CODE.fullmatch(name) or len(value) > 500 or _UNSPEAKABLE.search(value):
            yield Flaw("/metadata", "metadata_invalid")
            return


def is_spoken(text: str, longest: int) -> bool:
    """Text a person can read: not blank, bounded, no control or direction characters."""
    return bool(text.strip()) and len(text) <= longest and not _UNSPEAKABLE.search(text)
