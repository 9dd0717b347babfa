"""Postal item numbers: UPU standard S10 (two letters, eight digits, a check digit, a country).

Owns normalising, checking and making numbers. Leaves to the caller what a bad number means:
a number taken from the province's own pre-allocated range must hold; a number that a carrier
reports is only ever warned about, because domestic carriers print numbers outside S10 (VNPost's
own documentation sample ``BK990032289VN`` fails the check).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_SEPARATORS = re.compile(r"[\s\-]+")

# ISO 3166-1 alpha-2, the country codes S10 takes its last two letters from.
_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
    ZW
"""
_COUNTRIES = frozenset(_ISO_3166.split())


class ItemNumberProblem(StrEnum):
    """Why a number is not an S10 number."""

    LENGTH = "length"
    SERVICE_INDICATOR = "service_indicator"
    SERIAL = "serial"
    COUNTRY = "country"
    CHECK_DIGIT = "check_digit"


@dataclass(frozen=True, slots=True)
class ItemNumber:
    """The four parts of a valid number."""

    service: str
    serial: str
    check: int
    country: str

    def __str__(self) -> str:
        return f"{self.service}{self.serial}{self.check}{self.country}"


def normalise(text: str) -> str:
    """Strip spaces and hyphens, raise to upper case: how people type a printed number."""
    return _SEPARATORS.sub("", text).upper()


def check_digit(serial: str) -> int:
    """The S10 check digit of eight decimal digits.

    Raises:
        ValueError: ``serial`` is not eight ASCII digits.
    """
    if not _is_digits(serial, 8):
        msg = "an S10 serial is eight digits"
        raise ValueError(msg)
    remainder = sum(w * int(d) for w, d in zip(_WEIGHTS, serial, strict=True)) % 11
    return {0: 5, 1: 0}.get(remainder, 11 - remainder)


def find_problem(text: str) -> ItemNumberProblem | None:
    """What keeps ``text`` (normalised first) from being an S10 number; None = it is one."""
    number = normalise(text)
    if len(number) != 13:
        return ItemNumberProblem.LENGTH
    service, serial, check, country = number[:2], number[2:10], number[10], number[11:]
    if not (service.isascii() and service.isalpha()):
        return ItemNumberProblem.SERVICE_INDICATOR
    if not _is_digits(serial + check, 9):
        return ItemNumberProblem.SERIAL
    if country not in _COUNTRIES:
        return ItemNumberProblem.COUNTRY
    if int(check) != check_digit(serial):
        return ItemNumberProblem.CHECK_DIGIT
    return None


def parse(text: str) -> ItemNumber | None:
    """The number in its parts, or None when it is not an S10 number."""
    if find_problem(text) is not None:
        return None
    number = normalise(text)
    return ItemNumber(number[:2], number[2:10], int(number[10]), number[11:])


def make(service: str, serial: int, country: str = "VN") -> ItemNumber:
    """The number of one serial in a pre-allocated range.

    Raises:
        ValueError: the parts do not make an S10 number.
    """
    digits = f"{serial:08d}"
    number = ItemNumber(service, digits, check_digit(digits), country)
    problem = find_problem(str(number))
    if problem is not None:
        raise ValueError(problem.value)
    return number


def _is_digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()
