"""QR codes for the screen (SVG) and for saving (PNG with its words).

Owns drawing only; the payload is the connector's. Error level M and a 4-module quiet zone
(pages guide §5.2). The saved picture also says to whom, how much, with which memo, until when,
because it will be looked at away from its page.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby

import segno
from markupsafe import Markup
from PIL import Image, ImageDraw, ImageFont

from gateway.foundation.dates import format_moment
from gateway.foundation.money import format_amount
from gateway.frame.catalog import words
from gateway.frame.fonts import font_path
from gateway.frame.formats import nfc

QUIET_ZONE = 4
_WIDTH = 720
_MARGIN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class QrPicture:
    """What the saved picture says."""

    payload: str
    agency: str
    amount: int
    memo: str
    expires_at: datetime
    lang: str = "vi"


def _modules(payload: str) -> list[list[bool]]:
    code = segno.make_qr(payload, error="M", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]


@lru_cache(maxsize=256)  # a waiting citizen reloads the same code; drawing takes 10 ms
def qr_svg(payload: str) -> Markup:
    """Draw the code as one path; the element around it carries the words for screen readers."""
    rows = _modules(payload)
    side = len(rows) + 2 * QUIET_ZONE
    lines = "".join(_strokes(row, y + QUIET_ZONE) for y, row in enumerate(rows))
    return Markup(  # noqa: S704 - digits only
        f'<svg class="code-image" viewBox="0 0 {side} {side}" aria-hidden="true" focusable="false"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path stroke="#000" d="{lines}"/></svg>'
    )


def _strokes(row: Sequence[bool], y: int) -> str:
    """Draw a row as strokes one module wide: where the first begins, then on and off in turn."""
    parts = [f"M{QUIET_ZONE} {y}.5"]
    gap = 0
    for dark, run in groupby(row):
        length = len(list(run))
        if not dark:
            gap = length
            continue
        parts.append(f"m{gap} 0h{length}" if gap else f"h{length}")
    return "".join(parts)


def qr_png(picture: QrPicture) -> bytes:
    """Draw the picture that a citizen saves to the phone and opens in the banking app."""
    code = _code_image(picture.payload)
    lines = _caption(picture)
    height = code.height + sum(advance for _, _, advance in lines) + _MARGIN
    image = Image.new("L", (_WIDTH, height), 255)
    image.paste(code, ((_WIDTH - code.width) // 2, 0))
    draw = ImageDraw.Draw(image)
    y = code.height
    for text, font, advance in lines:
        draw.text((_MARGIN, y), text, fill=0, font=font)
        y += advance
    out = io.BytesIO()
    image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16).save(out, "PNG", optimize=True)
    return out.getvalue()


def _code_image(payload: str) -> Image.Image:
    rows = _modules(payload)
    side = len(rows) + 2 * QUIET_ZONE
    code = Image.new("L", (side, side), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                code.putpixel((x + QUIET_ZONE, y + QUIET_ZONE), 0)
    scale = (_WIDTH - 2 * _MARGIN) // side
    return code.resize((side * scale, side * scale), Image.Resampling.NEAREST)


def _caption(picture: QrPicture) -> list[tuple[str, ImageFont.FreeTypeFont, int]]:
    """Lines of text with their font and the distance to the next line."""
    lang, say = picture.lang, words().plain
    regular = ImageFont.truetype(font_path("NotoSansVN-400.ttf"), 28)
    strong = ImageFont.truetype(font_path("NotoSansVN-700.ttf"), 36)
    entries = [
        (say(lang, "qr_image.amount", amount=format_amount(picture.amount, lang)), strong),
        (say(lang, "qr_image.agency", agency=nfc(picture.agency)), regular),
        (say(lang, "qr_image.memo", memo=nfc(picture.memo)), regular),
        (
            say(lang, "qr_image.expires", time=format_moment(picture.expires_at, lang)),
            regular,
        ),
        (say(lang, "qr_image.note"), regular),
    ]
    return [
        (line, font, int(font.size * 1.5))
        for text, font in entries
        for line in _wrapped(text, font, _WIDTH - 2 * _MARGIN)
    ]


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break text to lines that fit; a single word longer than a line is cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines
