"""Whole đồng: what an amount may be, how it is written in figures and in words.

Owns the checks and the formatters of amounts; leaves dates to ``dates`` and every provider's
own unit (VNPAY's ×100) to that provider's connector. Money is ``int`` everywhere; a float or a
bool is refused, never rounded. Words follow Vietnamese accounting practice: *mốt*, *tư* kept as
*bốn*, *lăm*, *linh*, an empty hundreds digit spoken after a higher group.
"""

from __future__ import annotations

NBSP = "\u00a0"

MAX_AMOUNT_VND = 10_000_000_000
"""The largest single amount taken from a request: ten billion đồng, no provider goes higher."""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu")
_BILLION = 10**9


class AmountError(ValueError):
    """Not an amount of đồng; ``code`` is the stable name used in problems."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_amount(value: object, *, minimum: int = 0, maximum: int = MAX_AMOUNT_VND) -> int:
    """Give back ``value`` if it is a whole number of đồng within bounds.

    Raises:
        AmountError: ``not_an_integer`` (floats, strings and booleans too), ``too_small`` or
            ``too_large``.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise AmountError("not_an_integer", "an amount is a whole number of đồng")
    if value < minimum:
        raise AmountError("too_small", f"an amount is at least {minimum} đồng")
    if value > maximum:
        raise AmountError("too_large", f"an amount is at most {maximum} đồng")
    return value


def format_number(amount: int) -> str:
    """``1234567`` → ``1.234.567``: table cells under a header that says đồng."""
    return f"{amount:,}".replace(",", ".")


def format_vi(amount: int) -> str:
    """``1.234.567 đồng`` for sentences; the space never breaks."""
    return f"{format_number(amount)}{NBSP}đồng"


def format_en(amount: int) -> str:
    """``VND 1,234,567`` for English sentences; the space never breaks."""
    return f"VND{NBSP}{amount:,}"


def format_amount(amount: int, language: str) -> str:
    """The sentence form in ``vi`` or ``en``; any other language reads Vietnamese."""
    return format_en(amount) if language == "en" else format_vi(amount)


def amount_in_words(amount: int, *, zero_tens: str = "linh") -> str:
    """Write an amount in Vietnamese words: ``125000`` → *Một trăm hai mươi lăm nghìn đồng*.

    Args:
        amount: whole đồng, not negative.
        zero_tens: the word for an empty tens digit, *linh* (north) or *lẻ* (south).

    Raises:
        AmountError: a negative amount has no words.
    """
    check_amount(amount, maximum=10**18)
    words = " ".join(_number_words(amount, zero_tens=zero_tens)) or _DIGITS[0]
    return f"{words[0].upper()}{words[1:]} đồng"


def _number_words(number: int, *, zero_tens: str, follows: bool = False) -> list[str]:
    """Words of ``number``; ``follows`` says that a higher group was spoken before it."""
    words: list[str] = []
    billions, rest = divmod(number, _BILLION)
    if billions:
        words += [*_number_words(billions, zero_tens=zero_tens, follows=follows), "tỷ"]
        follows = True
    for power in (2, 1, 0):
        group = rest // 1000**power % 1000
        if group:
            words += _group_words(group, zero_tens=zero_tens, follows=follows)
            words += [_GROUPS[power]] if power else []
            follows = True
    return words


def _group_words(group: int, *, zero_tens: str, follows: bool) -> list[str]:
    """Words of three digits; after a higher group the hundreds are spoken even when empty."""
    hundreds, low = divmod(group, 100)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or follows else []
    tens, units = divmod(low, 10)
    if tens == 1:
        words.append("mười")
    elif tens:
        words += [_DIGITS[tens], "mươi"]
    elif units and words:
        words.append(zero_tens)
    if units:
        words.append(_unit_word(tens, units))
    return words


def _unit_word(tens: int, units: int) -> str:
    """The last digit: *mốt* after hai mươi and above, *lăm* after any ten."""
    if units == 1 and tens > 1:
        return "mốt"
    if units == 5 and tens:
        return "lăm"
    return _DIGITS[units]
