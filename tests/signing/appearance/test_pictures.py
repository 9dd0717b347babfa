"""What is stored of a signature's or seal's picture looks as the picture does, in fewer bytes."""

from __future__ import annotations

import io
import random

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageDraw
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, StreamObject
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from signing.appearance.drawing import PreparedStamp, draw_picture
from signing.appearance.pagebox import MM
from signing.appearance.pictures import load_picture
from signing.appearance.raw_objects import raw_stamp
from signing.devpki.images import draw_scrawl, draw_seal
from signing.pades.writer import Look

UNSEEN = 5  # of 255: two for the colour, two for the transparency, rounding
RED = (206, 24, 30)


def flat(path):
    image = Image.new("RGBA", (300, 300), (*RED, 0))
    ImageDraw.Draw(image).ellipse((20, 20, 280, 280), outline=(*RED, 255), width=9)
    image.save(path)


def scanned(path):
    """A seal as scanners see it: every pixel of another red, its edge of any colour."""
    draw_seal(path)
    with Image.open(path) as image:
        chance = random.Random(7)
        pixels = [
            (*(min(255, max(0, v + chance.randrange(-40, 40))) for v in colour), alpha)
            for *colour, alpha in image.get_flattened_data()
        ]
        image.putdata(pixels)
        image.save(path)


def shaded(path):
    """Every colour and every transparency."""
    image = Image.merge(
        "RGBA",
        [
            Image.linear_gradient("L"),
            Image.linear_gradient("L").rotate(90),
            Image.radial_gradient("L"),
            Image.linear_gradient("L").rotate(180),
        ],
    )
    image.save(path)


PICTURES = {
    "seal": draw_seal,
    "hand": lambda path: draw_scrawl(path, 0.4),
    "flat": flat,
    "scanned": scanned,
    "shaded": shaded,
}


@pytest.fixture(params=PICTURES)
def drawn(request, tmp_path):
    """(picture, its ink as it lies in its file)."""
    path = tmp_path / f"{request.param}.png"
    PICTURES[request.param](path)
    with Image.open(path) as image:
        alpha = image.getchannel("A")
        box = alpha.point([0] * 8 + [255] * 248).getbbox()
        return load_picture(str(path)), image.crop(box)


def stamped(drawing, *, at=50, side=400.0):
    """A white page that shows a drawing; its colours and transparency as they are stored."""
    writer = PdfFileWriter()
    image = drawing.picture.add_to(writer)
    moved = b"q 1 0 0 1 %d %d cm " % (at, at) + drawing.operators + b" Q"
    contents = writer.add_object(StreamObject(stream_data=moved))
    page = PageObject(contents=contents, media_box=(0, 0, side, side))
    images = DictionaryObject({NameObject("/Im"): image})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): images})
    writer.insert_page(page)
    out = io.BytesIO()
    writer.write(out)
    with pikepdf.open(out) as document:
        shown = document.pages[0].Resources.XObject.Im
        colours = pikepdf.PdfImage(shown).as_pil_image().convert("RGB")
        alpha = pikepdf.PdfImage(shown.SMask).as_pil_image().convert("L")
    return out.getvalue(), colours, alpha


def on_paper(image, paper):
    sheet = Image.new("RGBA", image.size, (*paper, 255))
    sheet.alpha_composite(image)
    return sheet.convert("RGB")


def apart(one, other):
    """The largest difference of any sample."""
    return max(high for _, high in ImageChops.difference(one, other).getextrema())


@pytest.mark.parametrize("paper", [(255, 255, 255), (0, 0, 0), (250, 240, 200)])
def test_on_any_paper_no_shade_moves_by_more_than_nobody_sees(drawn, paper):
    picture, original = drawn
    _, colours, alpha = stamped(draw_picture(picture, 36 * MM, 36 * MM))
    assert colours.size == alpha.size == original.size
    stored = colours.copy()
    stored.putalpha(alpha)
    assert apart(on_paper(stored, paper), on_paper(original, paper)) <= UNSEEN


def test_a_page_at_288_dots_an_inch_shows_the_picture_pixel_by_pixel(drawn):
    """One dot a pixel, so that no viewer has to guess between two."""
    picture, original = drawn
    width, height = original.width / 4, original.height / 4
    pdf, _, _ = stamped(draw_picture(picture, width, height), at=48, side=480.0)
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=4).to_pil().convert("RGB")
    left, low = 4 * 48, 4 * (480 - 48)
    shown = page.crop((left, low - original.height, left + original.width, low))
    assert apart(shown, on_paper(original, (255, 255, 255))) <= UNSEEN


def test_the_colour_where_nothing_is_drawn_is_the_inks(tmp_path):
    """Viewers that scale colours and transparency apart would show it as a fringe."""
    path = tmp_path / "fringed.png"
    flat(path)
    with Image.open(path) as image:
        white = Image.new("RGBA", image.size, (255, 255, 255, 0))
        white.paste(image, mask=image.getchannel("A"))
        white.save(path)
    _, colours, _ = stamped(draw_picture(load_picture(str(path)), 36 * MM, 36 * MM))
    assert colours.getcolors() == [(colours.width * colours.height, RED)]


def test_a_seal_of_one_colour_costs_little_more_than_its_outline(tmp_path):
    path = tmp_path / "flat.png"
    flat(path)
    look = Look(0, (0, 0, 1, 1), PreparedStamp(drawing=draw_picture(load_picture(str(path)), 9, 9)))
    mask, image = raw_stamp(look).resources[0][2].objects
    assert len(b"".join(image[::2])) < 600 < len(b"".join(mask))


@pytest.mark.parametrize(("side_mm", "dots"), [(36, (850, 1000)), (100, (2950, 2950))])
def test_a_picture_has_as_many_dots_as_print_has_in_its_size(tmp_path, side_mm, dots):
    """From 600 an inch on, only as many more as whole pixels are put together."""
    path = tmp_path / "large.png"
    image = Image.new("RGBA", (3000, 3000), (*RED, 0))
    ImageDraw.Draw(image).ellipse((25, 25, 2974, 2974), outline=(*RED, 255), width=90)
    image.save(path)
    _, colours, alpha = stamped(draw_picture(load_picture(str(path)), side_mm * MM, side_mm * MM))
    assert colours.size == alpha.size
    assert dots[0] <= colours.width <= dots[1]
    ring = alpha.getbbox()
    assert ring == (0, 0, alpha.width, alpha.height)
    middle, edge = alpha.width // 2, round(alpha.width * 45 / 2950)
    assert alpha.getpixel((edge, middle)) == 255
    assert alpha.getpixel((middle, middle)) == 0
