"""What a document says already about its number, symbol and date, against what it is given.

Owns the comparison and its sentences: nothing is written over, and a page never says another
number, symbol or year than the register. Leaves reading the page to ``gaps``.
"""

from __future__ import annotations

from datetime import date

from signing.appearance.anchors import skeleton
from signing.contract import DocumentRefused, Letterhead


def issue_date(text: str, number: int) -> date:
    """The day in ISO 8601 that a document is given, with its number from 1.

    Raises:
        DocumentRefused: ``bad_document_number``.
    """
    try:
        issued = date.fromisoformat(text)
    except ValueError:
        issued = None
    if issued is None or number < 1:
        raise DocumentRefused(
            "bad_document_number",
            "Số hoặc ngày văn bản không hợp lệ.",
            "the document's number or date is not valid",
        )
    return issued


def check_written(written: str, value: str) -> None:
    """Digits that are printed already must be those that are given.

    Raises:
        DocumentRefused: ``number_already_written``.
    """
    given = value.split("/", maxsplit=1)[0]
    if int(written) != int(given):
        raise DocumentRefused(
            "number_already_written",
            f"Văn bản đã ghi sẵn “{written}”, khác với số hoặc ngày được cấp “{given}”.",
            f"the document already says {written}, not {given}",
        )


def check_behind(gaps: Letterhead, symbol: str, issued: date) -> None:
    """The symbol and the year that are printed already must be those that are given.

    Raises:
        DocumentRefused: ``symbol_already_written``, ``year_already_written``.
    """
    given = skeleton(symbol).replace(" ", "")
    printed = gaps.number.behind if gaps.number is not None else ""
    if printed[:1].isalnum() and not printed.startswith(given):
        raise DocumentRefused(
            "symbol_already_written",
            f"Sau chỗ ghi số, văn bản đã in sẵn ký hiệu khác với “{symbol}”.",
            "another symbol is printed behind the number",
        )
    year = gaps.month.behind if gaps.month is not None else ""
    if year and int(year) != issued.year:
        raise DocumentRefused(
            "year_already_written",
            f"Văn bản đã in sẵn năm {year}, khác với ngày được cấp {issued:%d/%m/%Y}.",
            f"the document already says the year {year}, not {issued.year}",
        )
