"""An act of signing as the signatures it consists of: one, or the clerk's four.

Owns which visible parts a role makes and what each shows (NĐ 30/2020 Annex I; number, day and month
are signatures of their own, as officials' tools make them). Leaves places to ``placement``
and drawing to ``drawing``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import msgspec
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.appearance.covered import refuse_covering
from signing.appearance.drawing import (
    BLUE,
    RED,
    Drawing,
    draw_block,
    draw_line,
    draw_mark,
    draw_picture,
    stamp_style,
    write_time,
)
from signing.appearance.figures import month_digits, two_digits
from signing.appearance.lane_pages import lane_pages
from signing.appearance.pagebox import MM, Rect
from signing.appearance.pictures import Picture, load_picture
from signing.appearance.placement import DEFAULT_SEAL_MM, DEFAULT_SIGNATURE_MM, Spot, Surveyor
from signing.appearance.printed import check_behind, check_written, issue_date
from signing.appearance.surveying import SurveyedPages
from signing.appearance.typeface import Face, stamp_typeface
from signing.contract import (
    Credential,
    DocumentNumber,
    DocumentSurvey,
    Gap,
    KeyConfig,
    Placement,
    Role,
    SignOrder,
)
from signing.lane import LaneFile, NotForTheLane
from signing.pades.refusals import check_not_encrypted
from signing.pades.writer import Look
from signing.reading.opening import stream_of

_NUMBER_SIZE = 13.0
_INITIAL = (42.0, 32.0)  # points: officials' tools draw 25 × 25 to 44 × 45
_NARROWEST = 0.7  # of a value's width, where the dotted place is too short for it

Colour = tuple[float, float, float]


class Part(msgspec.Struct, frozen=True):
    """One signature of an act; an invisible one has no look."""

    prefix: str  # of the field's name
    look: Look | None


class _Scene(msgspec.Struct, frozen=True):
    """What the parts of one act are made from."""

    order: SignOrder
    key: KeyConfig
    signer: str
    signed_at: datetime
    time_style: str  # where the order does not say
    survey: Surveyor

    @property
    def time(self) -> str:
        return write_time(self.signed_at, self.order.text_style or self.time_style)


def signer_name(order: SignOrder, credential: Credential) -> str:
    """The name shown and searched for."""
    return order.signer_name or credential.subject


def plan(
    order: SignOrder,
    key: KeyConfig,
    credential: Credential,
    signed_at: datetime,
    *,
    file: LaneFile | None = None,
    surveyed: SurveyedPages | None = None,
    time_style: str = "",
) -> tuple[Part, ...]:
    """Decide the signatures of an act and where they go.

    ``file`` is the order's document opened as a plain one, when it was found to be; ``surveyed``
    what is known of its pages already, to which what is read here is added; ``time_style`` how
    times are written where the order does not say.

    Raises:
        DocumentRefused: ``number_already_written``, ``bad_document_number``,
            ``text_under_stamp``, ``missing_glyph``, ``page_without_text``.
    """
    if order.role is Role.INVISIBLE:
        return (Part("Invisible", None),)
    scene = partial(_Scene, order, key, signer_name(order, credential), signed_at, time_style)
    pages = lane_pages(file)
    with surveyed or SurveyedPages(order.pdf) as texts:
        if pages is not None:
            try:
                return _plan(scene(Surveyor(texts, pages)))
            except NotForTheLane:  # a page further on is not as plain as the first
                pass
        return _plan(scene(Surveyor(texts, _read_pages(order.pdf))))


def rehearse_number(
    pdf: bytes,
    number: DocumentNumber,
    placement: Placement | None = None,
    survey: DocumentSurvey | None = None,
) -> None:
    """Place number, day and month as the clerk's act will; what is refused now is refused then.

    ``survey`` is what is known of exactly this file's pages. Raises as ``plan`` does.
    """
    order = SignOrder(pdf, "", Role.AGENCY, placement=placement, document_number=number)
    key, never = KeyConfig("", "", ""), datetime.min.replace(tzinfo=UTC)
    with SurveyedPages(pdf, survey) as texts:
        _issue(_Scene(order, key, "", never, "", Surveyor(texts, _read_pages(pdf))))


def _plan(scene: _Scene) -> tuple[Part, ...]:
    role = scene.order.role
    if role is Role.AGENCY:
        return (*_issue(scene), _part("Seal", _seal(scene)))
    return (_part(role.value.capitalize(), _SINGLE[role](scene)),)


def _read_pages(pdf: bytes) -> PdfFileReader:
    reader = PdfFileReader(stream_of(pdf), strict=False)
    check_not_encrypted(reader)
    return reader


def _part(prefix: str, shown: tuple[Spot, Drawing]) -> Part:
    spot, drawing = shown
    style = stamp_style(drawing, spot.page.upright())
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


def _picture(scene: _Scene) -> Picture | None:
    return load_picture(scene.key.image_path) if scene.key.image_path else None


def _signature(scene: _Scene, spot: Spot, colour: Colour) -> tuple[Spot, Drawing]:
    """The configured picture on exactly its own part of the place, or a clean block of text."""
    picture = _picture(scene)
    if picture is not None:
        rect = spot.rect.fitted(picture.aspect)
        return Spot(spot.page, rect), draw_picture(picture, rect.width, rect.height)
    title = " ".join(part for part in (scene.order.capacity, scene.order.title) if part)
    lines = [f"Người ký: {scene.signer}", title, f"Thời gian ký: {scene.time}"]
    width, height = spot.rect.width, spot.rect.height
    return spot, draw_block(lines, width, height, 9.0, colour=colour, framed=True)


def _person(scene: _Scene) -> tuple[Spot, Drawing]:
    default = DEFAULT_SIGNATURE_MM if scene.key.image_path else (60.0, 18.0)
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.person(
        scene.order, _printed_name(scene.signer), _size(scene, default)
    )
    return _clear(scene, _signature(scene, spot, BLUE))


def _printed_name(signer: str) -> str:
    """The name as a document prints it: without what a certificate adds in brackets."""
    return signer.split("(", maxsplit=1)[0].strip() or signer


def _initial(scene: _Scene) -> tuple[Spot, Drawing]:
    spot = scene.survey.explicit(scene.order.placement) or scene.survey.initial(
        scene.order, _INITIAL
    )
    if scene.key.image_path:
        return _clear(scene, _signature(scene, spot, BLUE))
    letters = "".join(word[0] for word in _printed_name(scene.signer).split())
    drawing = draw_line(letters, spot.rect.width, spot.rect.height, 12.0, colour=BLUE)
    return _clear(scene, (spot, drawing))


def _seal(scene: _Scene) -> tuple[Spot, Drawing]:
    """In real size; over a person's signature, or where it is wanted, it may cover text."""
    placement = scene.order.placement
    spot = None if scene.key.image_path else scene.survey.explicit(placement)
    if spot is None:
        size = _size(scene, (DEFAULT_SEAL_MM, DEFAULT_SEAL_MM))
        spot = scene.survey.seal(scene.order, size)
    shown = _signature(scene, spot, RED)
    if placement is not None and (placement.over_text or placement.anchor is not None):
        return shown
    hand = scene.survey.person_widget()
    over_hand = (
        hand is not None and hand.page.index == spot.page.index and hand.rect.meets(shown[0].rect)
    )
    return shown if over_hand else _clear(scene, shown)


def _mark(scene: _Scene, lines: list[str]) -> tuple[Spot, Drawing]:
    """A text at the top right of page 1, or at the right of the place the order names."""
    named = scene.survey.explicit(scene.order.placement)
    if named is None:
        drawing = draw_mark(lines, scene.survey.page(1).width / 2)
        spot = scene.survey.corner(scene.order, (drawing.width, drawing.height))
        return _clear(scene, (spot, drawing))
    drawing = draw_mark(lines, named.rect.width)
    left = named.rect.x + named.rect.width - drawing.width
    rect = named.page.clamp(Rect(left, named.rect.y, drawing.width, drawing.height))
    return _clear(scene, (Spot(named.page, rect), drawing))


def _copy(scene: _Scene) -> tuple[Spot, Drawing]:
    form = scene.order.reason or "SAO Y"
    return _mark(scene, [form, scene.signer, f"Thời gian ký: {scene.time}"])


def _annex(scene: _Scene) -> tuple[Spot, Drawing]:
    number = scene.order.document_number
    lines = [f"Thời gian ký: {scene.time}"]
    if number is not None:
        lines.insert(0, f"Số: {_code(number)}")
    return _mark(scene, lines)


def _code(number: DocumentNumber) -> str:
    """Number and symbol: “05/QĐ-UBND”."""
    return f"{two_digits(number.number)}/{number.symbol}"


def _clear(scene: _Scene, shown: tuple[Spot, Drawing]) -> tuple[Spot, Drawing]:
    """What is shown, unless it would cover the document's text and nobody asked for that.

    Raises:
        DocumentRefused: ``text_under_stamp``.
    """
    spot = shown[0]
    placement = scene.order.placement
    if placement is not None and placement.over_text:
        return shown
    refuse_covering(scene.survey.text(spot.page), spot.page.index + 1, spot.rect)
    return shown


_SINGLE: dict[Role, Callable[[_Scene], tuple[Spot, Drawing]]] = {
    Role.PERSON: _person,
    Role.CERTIFIER: _person,
    Role.INITIAL: _initial,
    Role.COPY: _copy,
    Role.ANNEX: _annex,
}


def _issue(scene: _Scene) -> list[Part]:
    """Number, day and month, unless the act is only the seal."""
    number = scene.order.document_number
    if number is None:
        return []
    issued = issue_date(number.date, number.number)
    if not (scene.order.placement and scene.order.placement.over_text):
        scene.survey.refuse_scan_for_number()
    gaps = scene.survey.first_page_gaps()
    check_behind(gaps, number.symbol, issued)
    day, month = two_digits(issued.day), month_digits(issued.month)
    code = two_digits(number.number)
    if gaps.number is not None and not gaps.number.symbol_follows:
        code = _code(number)
    parts = (
        _on_paper(scene, "Number", gaps.number, code, (f"Số: {_code(number)}", 0.2)),
        _on_paper(scene, "Day", gaps.day, day, (f"ngày {day}", 0.6)),
        _on_paper(scene, "Month", gaps.month, month, (f"tháng {month}", 0.72)),
    )
    return [part for part in parts if part is not None]


def _on_paper(
    scene: _Scene, prefix: str, gap: Gap | None, value: str, spare: tuple[str, float]
) -> Part | None:
    """One value on its dotted place; without one, in words at a share of the page's width."""
    if gap is None:
        return _part(prefix, _clear(scene, _spare(scene, *spare)))
    if gap.written:
        check_written(gap.written, value)
        return None  # already printed in the document: nothing to write over
    face = Face.SERIF_ITALIC if gap.italic and value.isdigit() else Face.SERIF
    rect, size = _on_gap(gap, value, face)
    drawing = draw_line(value, rect.width, rect.height, size, face=face)
    return _part(prefix, _clear(scene, (Spot(scene.survey.page(1), rect), drawing)))


def _spare(scene: _Scene, words: str, share: float) -> tuple[Spot, Drawing]:
    """A value with its word, where the letterhead ends and nothing stands yet."""
    page = scene.survey.page(1)
    width = stamp_typeface(Face.SERIF).width(words, _NUMBER_SIZE) + 2
    height = 1.4 * _NUMBER_SIZE
    tops = [36 * MM + row * height for row in range(6)]
    places = [Rect(page.width * share, top, width, height) for top in tops]
    rect = scene.survey.first_free(page, places)
    drawing = draw_line(words, rect.width, rect.height, _NUMBER_SIZE, face=Face.SERIF)
    return Spot(page, rect), drawing


def _on_gap(gap: Gap, value: str, face: Face) -> tuple[Rect, float]:
    """A rectangle on a dotted place, its text on the line's own baseline and in its size."""
    size = min(max(gap.font_size, 9.0), 15.0)
    need = stamp_typeface(face).width(value, size) + 2
    room = gap.right - gap.left
    if not gap.symbol_follows:  # nothing is printed behind it: as wide as it needs
        return Rect(gap.left + 2, gap.baseline - 1.1 * size, need, 1.4 * size), size
    width = need if need <= room else max(room, need * _NARROWEST)
    left = (gap.left + gap.right - width) / 2
    return Rect(left, gap.baseline - 1.1 * size, width, 1.4 * size), size
