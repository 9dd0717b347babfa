"""Reads signed pages as people see them: pictures and the places of signatures."""

from __future__ import annotations

import io

import pypdfium2
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

SCALE = 2.0


def picture(pdf, page=0):
    """The page with its signatures drawn, RGB."""
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    shown = document[page]
    image = shown.render(scale=SCALE, may_draw_forms=True).to_pil().convert("RGB")
    shown.close()
    document.close()
    return image


def rects(pdf):
    """Field name → rectangle in the page's own coordinates."""
    reader = PdfFileReader(io.BytesIO(pdf), strict=False)
    return {
        name: tuple(float(v) for v in field.get_object()["/Rect"])
        for name, _, field in enumerate_sig_fields(reader)
    }


def counted(image, box, wanted):
    """How many pixels of a visible box (points from top left) a test accepts."""
    left, top, width, height = (round(value * SCALE) for value in box)
    part = image.crop((left, top, left + width, top + height))
    return sum(1 for pixel in part.get_flattened_data() if wanted(*pixel))


def is_blue(r, g, b):
    return b > r + 60 and b > g + 30


def is_red(r, g, b):
    return r > g + 80 and r > b + 80


def is_dark(r, g, b):
    return r < 100 and g < 100 and b < 100
