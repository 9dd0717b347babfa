"""An act of signing as the signatures it consists of: one, or the clerk's four.

Owns which visible parts a role makes and what each shows (NĐ 30/2020 Annex I; number, day and month
are signatures of their own, as officials' tools make them). Leaves places to ``placement``
and drawing to ``drawing``.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from pyhanko.pdf_utils.reader import PdfFileReader

from signing.appearance.anchors import Gap
from signing.appearance.drawing import (
    BLUE,
    RED,
    Drawing,
    PreparedStamp,
    draw_block,
    draw_line,
    draw_picture,
    write_time,
)
from signing.appearance.lane_pages import LanePages, lane_pages
from signing.appearance.pagebox import MM, Rect
from signing.appearance.pictures import load_picture
from signing.appearance.placement import DEFAULT_SEAL_MM, DEFAULT_SIGNATURE_MM, Spot, Surveyor
from signing.contract import Credential, DocumentRefused, KeyConfig, Role, SignOrder
from signing.lane import LaneFile, NotForTheLane
from signing.pades.refusals import check_not_encrypted
from signing.pades.writer import Look

_NUMBER_SIZE = 13.0


@dataclass(frozen=True, slots=True)
class Part:
    """One signature of an act; an invisible one has no look."""

    prefix: str  # of the field's name
    look: Look | None


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the parts of one act are made from."""

    order: SignOrder
    key: KeyConfig
    signer: str
    signed_at: datetime
    survey: Surveyor

    @property
    def time(self) -> str:
        return write_time(self.signed_at, self.order.text_style)


def signer_name(order: SignOrder, credential: Credential) -> str:
    """The name shown and searched for."""
    return order.signer_name or credential.subject


def plan(
    order: SignOrder,
    key: KeyConfig,
    credential: Credential,
    signed_at: datetime,
    file: LaneFile | None = None,
) -> tuple[Part, ...]:
    """Decide the signatures of an act and where they go.

    ``file`` is the order's document opened as a plain one, when it was found to be.

    Raises:
        DocumentRefused: ``number_already_written``, ``bad_document_number``.
    """
    if order.role is Role.INVISIBLE:
        return (Part("Invisible", None),)
    pages = lane_pages(file)
    if pages is not None:
        try:
            return _plan(order, key, credential, signed_at, pages)
        except NotForTheLane:  # a page further on is not as plain as the first
            pass
    return _plan(order, key, credential, signed_at, _read_pages(order.pdf))


def _plan(
    order: SignOrder,
    key: KeyConfig,
    credential: Credential,
    signed_at: datetime,
    pages: PdfFileReader | LanePages,
) -> tuple[Part, ...]:
    survey = Surveyor(order.pdf, pages)
    try:
        scene = _Scene(order, key, signer_name(order, credential), signed_at, survey)
        if order.role is Role.AGENCY:
            return (*_issue(scene), _part("Seal", _seal(scene)))
        return (_part(order.role.value.capitalize(), _SINGLE[order.role](scene)),)
    finally:
        survey.close()


def _read_pages(pdf: bytes) -> PdfFileReader:
    reader = PdfFileReader(io.BytesIO(pdf), strict=False)
    check_not_encrypted(reader)
    return reader


def _part(prefix: str, shown: tuple[Spot, Drawing]) -> Part:
    spot, drawing = shown
    style = PreparedStamp(drawing=drawing, upright=spot.page.upright(), border_width=0)
    return Part(prefix, Look(spot.page.index, spot.page.page_box(spot.rect), style))


def _size(scene: _Scene, default_mm: tuple[float, float]) -> tuple[float, float]:
    """The picture's size in points: configured, or as large as the default allows."""
    width, height = scene.key.image_width_mm, scene.key.image_height_mm
    if scene.key.image_path and (width is None or height is None):
        aspect = load_picture(scene.key.image_path).aspect
        if width is None:
            width = (
                height * aspect
                if height is not None
                else min(default_mm[0], default_mm[1] * aspect)
            )
        height = height if height is not None else width / aspect
    return (width or default_mm[0]) * MM, (height or default_mm[1]) * MM


def _signature(scene: _Scene, rect: Rect, colour: tuple[float, float, float]) -> Drawing:
    """The configured picture, or a clean block of text."""
    if scene.key.image_path:
        return draw_picture(load_picture(scene.key.image_path), rect.width, rect.height)
    title = " ".join(part for part in (scene.order.capacity, scene.order.title) if part)
    lines = [f"Người ký: {scene.signer}", title, f"Thời gian ký: {scene.time}"]
    return draw_block(lines, rect.width, rect.height, 9.0, colour=colour, framed=True)


def _person(scene: _Scene) -> tuple[Spot, Drawing]:
    default = DEFAULT_SIGNATURE_MM if scene.key.image_path else (60.0, 18.0)
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.person(
        scene.order, _printed_name(scene.signer), _size(scene, default)
    )
    return spot, _signature(scene, spot.rect, BLUE)


def _printed_name(signer: str) -> str:
    """The name as a document prints it: without what a certificate adds in brackets."""
    return signer.split("(", maxsplit=1)[0].strip() or signer


def _initial(scene: _Scene) -> tuple[Spot, Drawing]:
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.initial(
        scene.order, (30.0, 30.0)
    )
    if scene.key.image_path:
        return spot, _signature(scene, spot.rect, BLUE)
    letters = "".join(word[0] for word in _printed_name(scene.signer).split())
    return spot, draw_line(letters, spot.rect.width, spot.rect.height, 12.0, BLUE)


def _seal(scene: _Scene) -> tuple[Spot, Drawing]:
    size = _size(scene, (DEFAULT_SEAL_MM, DEFAULT_SEAL_MM))
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.seal(scene.order, size)
    return spot, _signature(scene, spot.rect, RED)


def _copy(scene: _Scene) -> tuple[Spot, Drawing]:
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.corner(scene.order)
    lines = [scene.order.reason or "SAO Y", scene.signer, f"Thời gian ký: {scene.time}"]
    return spot, draw_block(lines, spot.rect.width, spot.rect.height, 10.0, right=True)


def _annex(scene: _Scene) -> tuple[Spot, Drawing]:
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.corner(scene.order)
    number = scene.order.document_number
    lines = [f"Thời gian ký: {scene.time}"]
    if number is not None:
        lines.insert(0, f"Số: {two_digits(number.number)}/{number.symbol}")
    return spot, draw_block(lines, spot.rect.width, spot.rect.height, 10.0, right=True)


_SINGLE: dict[Role, Callable[[_Scene], tuple[Spot, Drawing]]] = {
    Role.PERSON: _person,
    Role.CERTIFIER: _person,
    Role.INITIAL: _initial,
    Role.COPY: _copy,
    Role.ANNEX: _annex,
}


def two_digits(number: int) -> str:
    """A document number or a day: below 10 with a leading zero (NĐ 30/2020 Annex I §II.3, 4)."""
    return f"{number:02d}"


def month_digits(month: int) -> str:
    """A month: January and February with a leading zero, the others without."""
    return f"{month:02d}" if month < 3 else str(month)


def _issue(scene: _Scene) -> list[Part]:
    """Number, day and month, unless the act is only the seal."""
    number = scene.order.document_number
    if number is None:
        return []
    issued = _issue_date(number.date, number.number)
    gaps = scene.survey.first_page_gaps()
    day, month = two_digits(issued.day), month_digits(issued.month)
    code = two_digits(number.number)
    parts = (
        _on_paper(scene, "Number", gaps.number, code, ("Số:", 0.2)),
        _on_paper(scene, "Day", gaps.day, day, ("ngày", 0.6)),
        _on_paper(scene, "Month", gaps.month, month, ("tháng", 0.72)),
    )
    return [part for part in parts if part is not None]


def _on_paper(
    scene: _Scene, prefix: str, gap: Gap | None, value: str, spare: tuple[str, float]
) -> Part | None:
    """One value on its dotted place; without one, after a word at a share of the page's width."""
    word, share = spare
    page = scene.survey.page(1)
    if gap is None:
        rect = page.clamp(Rect(page.width * share, 36 * MM, 64.0, 18.0))
        drawing = draw_line(f"{word} {value}", rect.width, rect.height, _NUMBER_SIZE)
    elif gap.written:
        _check_written(gap.written, value)
        return None  # already printed in the document: nothing to write over
    else:
        rect, size = _on_gap(gap)
        drawing = draw_line(value, rect.width, rect.height, size)
    return _part(prefix, (Spot(page, rect), drawing))


def _issue_date(text: str, number: int) -> date:
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


def _check_written(written: str, value: str) -> None:
    if int(written) != int(value):
        raise DocumentRefused(
            "number_already_written",
            f"Văn bản đã ghi sẵn “{written}”, khác với số hoặc ngày được cấp “{value}”.",
            f"the document already says {written}, not {value}",
        )


def _on_gap(gap: Gap) -> tuple[Rect, float]:
    """A rectangle on a dotted place, its text on the line's own baseline."""
    size = min(max(gap.font_size, 9.0), 15.0)
    width = max(gap.right - gap.left, size * 1.6)
    left = (gap.left + gap.right - width) / 2
    return Rect(left, gap.baseline + 0.3 * size - 1.4 * size, width, 1.4 * size), size
