"""Pictures for the development keys: a blue scrawl and a red round seal, drawn by code.

Generic on purpose: no emblem, no real seal's words.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from signing.fonts import REGULAR

_BLUE = (18, 52, 160, 255)
_RED = (206, 24, 30, 255)
_OVERSAMPLE = 3


def draw_scrawl(path: Path, phase: float) -> None:
    """A handwritten-looking line, transparent PNG, 2:1."""
    width, height = 480 * _OVERSAMPLE, 240 * _OVERSAMPLE
    image = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    points = []
    for step in range(900):
        t = step / 900
        x = 0.08 + 0.8 * t + 0.06 * math.sin(34 * t + phase)
        swing = 0.34 * (1 - 0.75 * t)
        y = 0.5 + swing * math.sin(38 * t + phase) * math.cos(5 * t) - 0.08 * t
        points.append((x * width, y * height))
    for (x0, y0), (x1, y1) in pairwise(points):
        thick = int((3 + 4 * abs(math.sin(x0 / width * 9 + phase))) * _OVERSAMPLE)
        pen.line((x0, y0, x1, y1), fill=_BLUE, width=thick)
    pen.line(
        (0.06 * width, 0.78 * height, 0.93 * width, 0.66 * height),
        fill=_BLUE,
        width=4 * _OVERSAMPLE,
    )
    image.resize((480, 240), Image.Resampling.LANCZOS).save(path)


def draw_seal(path: Path, around: str = "PHÁT TRIỂN ★ KHÔNG CÓ GIÁ TRỊ PHÁP LÝ ★ ") -> None:
    """A round seal with generic words, transparent PNG, square."""
    side = 480 * _OVERSAMPLE
    image = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    for margin, thick in ((8, 9), (24, 3), (108, 3)):
        edge = margin * _OVERSAMPLE
        pen.ellipse((edge, edge, side - edge, side - edge), outline=_RED, width=thick * _OVERSAMPLE)
    letters = around.replace("★", "•")
    for position, letter in enumerate(letters):
        _letter_on_circle(image, letter, 360 * position / len(letters), 182 * _OVERSAMPLE)
    font = ImageFont.truetype(str(REGULAR), 46 * _OVERSAMPLE)
    for line, down in (("CON DẤU", -28), ("MẪU", 32)):
        pen.text((side / 2, side / 2 + down * _OVERSAMPLE), line, font=font, fill=_RED, anchor="mm")
    image.resize((480, 480), Image.Resampling.LANCZOS).save(path)


def _letter_on_circle(image: Image.Image, letter: str, degrees: float, radius: int) -> None:
    size = 60 * _OVERSAMPLE
    font = ImageFont.truetype(str(REGULAR), 36 * _OVERSAMPLE)
    tile = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    ImageDraw.Draw(tile).text((size / 2, size / 2), letter, font=font, fill=_RED, anchor="mm")
    turned = tile.rotate(-degrees, resample=Image.Resampling.BICUBIC)
    angle = math.radians(degrees - 90)
    middle = image.width / 2
    left = int(middle + radius * math.cos(angle) - size / 2)
    top = int(middle + radius * math.sin(angle) - size / 2)
    image.alpha_composite(turned, (left, top))
