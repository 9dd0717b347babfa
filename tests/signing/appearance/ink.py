"""Where on a page the ink of a colour is, in millimetres as people see it; pages stored oddly."""

from __future__ import annotations

import functools
import io

import pikepdf
import pypdfium2
from pikepdf import Array
from PIL import ImageChops

from tests.signing.pages import SCALE

MM = 72 / 25.4


def _blue(red, green, blue):
    return _more(blue, red, 60), _more(blue, green, 30)


def _red(red, green, blue):
    return _more(red, green, 80), _more(red, blue, 80)


def _dark(red, green, blue):
    return tuple(band.point(lambda v: 255 * (v < 100)) for band in (red, green, blue))


def _more(one, other, least):
    return ImageChops.subtract(one, other).point(lambda v: 255 * (v > least))


BLUE, RED, DARK = _blue, _red, _dark


def shown(pdf, page=0):
    """The page with its signatures, RGB; drawn into the page, so that black text has no fringes."""
    document = pypdfium2.PdfDocument(pdf)
    opened = document[page]
    pypdfium2.raw.FPDFPage_Flatten(opened, pypdfium2.raw.FLAT_NORMALDISPLAY)
    opened.close()
    opened = document[page]
    image = opened.render(scale=SCALE).to_pil().convert("RGB")
    opened.close()
    document.close()
    return image


def ink(pdf, colour, *, before=None, page=0):
    """(left, top, width, height) in mm of what is drawn in a colour; None without any.

    With ``before``, only of what is not in that file's picture.
    """
    image = shown(pdf, page)
    mask = functools.reduce(ImageChops.darker, colour(*image.split()))
    if before is not None:
        bands = ImageChops.difference(image, shown(before, page)).split()
        changed = functools.reduce(ImageChops.lighter, bands).point(lambda v: 255 * (v > 24))
        mask = ImageChops.darker(mask, changed)
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = (value / (SCALE * MM) for value in box)
    return left, top, right - left, bottom - top


def stored(pdf, *, rotate=0, origin=(0.0, 0.0), size=None, margin=0.0, unit=None):
    """The same visible page, stored otherwise.

    ``rotate`` degrees clockwise when shown, ``origin`` of its box, ``size`` of the visible page
    (the content keeps its distance from the top left), ``margin`` of a media box around the crop
    box.
    """
    with pikepdf.open(io.BytesIO(pdf)) as document:
        page = document.pages[0]
        old_height = float(page.MediaBox[3])
        width, height = size or (float(page.MediaBox[2]), old_height)
        x0, y0 = origin
        down = height - old_height  # the content hangs from the top
        turns = {
            0: (1, 0, 0, 1, x0, y0 + down),
            90: (0, 1, -1, 0, x0 + height - down, y0),
            180: (-1, 0, 0, -1, x0 + width, y0 + height - down),
            270: (0, -1, 1, 0, x0 + down, y0 + width),
        }
        across, up = (width, height) if rotate % 180 == 0 else (height, width)
        box = Array([x0, y0, x0 + across, y0 + up])
        matrix = " ".join(f"{value:g}" for value in turns[rotate])
        page.contents_add(document.make_stream(f"q {matrix} cm\n".encode()), prepend=True)
        page.contents_add(document.make_stream(b"\nQ"))
        page.MediaBox = box
        if margin:
            page.CropBox = box
            page.MediaBox = Array(
                [x0 - margin, y0 - margin, x0 + across + margin, y0 + up + margin]
            )
        page.Rotate = rotate
        out = io.BytesIO()
        document.save(out, deterministic_id=True)
    return out.getvalue()
