"""A picture's colours and transparency as they are stored: as few bytes as nobody can see.

Every signature and its proof hash what a stamp adds to a document, so that a byte less is time
saved on each document and room saved in each archive. Owns the loss nobody sees (no shade that
reaches the paper moves by more than two of 255 for the colours and two for the transparency) and
the choice between a palette and plain samples (ISO 32000-2, 8.6.6.3 and 8.9.5). Leaves reading and
size to ``pictures``.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass

from PIL import Image, ImageChops
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

_UNSEEN = 2  # of 255, on paper: far less than a screen or a printer tells apart
_SHADES = 2 * _UNSEEN + 1  # colours this far apart are at most that far from one of them
_LEVELS = 63  # of transparency above none: at most two of 255 from what it was
_HALF = 128  # of 255: more is ink, less its edge
_MOST_COLOURS = 256  # of a palette


@dataclass(frozen=True, slots=True)
class Plane:
    """An image's samples, compressed; with a palette they are positions in it."""

    width: int
    height: int
    space: str  # "/DeviceGray" or "/DeviceRGB"
    data: bytes
    palette: bytes = b""

    def as_object(self) -> generic.StreamObject:
        """An image XObject."""
        entries: dict[generic.NameObject, generic.PdfObject] = {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Image"),
            pdf_name("/Width"): generic.NumberObject(self.width),
            pdf_name("/Height"): generic.NumberObject(self.height),
            pdf_name("/ColorSpace"): self._colour_space(),
            pdf_name("/BitsPerComponent"): generic.NumberObject(8),
            pdf_name("/Filter"): pdf_name("/FlateDecode"),
        }
        return generic.StreamObject(entries, encoded_data=self.data)

    def _colour_space(self) -> generic.PdfObject:
        if not self.palette:
            return pdf_name(self.space)
        highest = generic.NumberObject(len(self.palette) // 3 - 1)
        lookup = generic.ByteStringObject(self.palette)
        return generic.ArrayObject([pdf_name("/Indexed"), pdf_name(self.space), highest, lookup])


def colour_plane(image: Image.Image) -> Plane:
    """The colours of an RGBA image: of its ink, where ink is."""
    colours = _settled(image.convert("RGB"), image.getchannel("A"))
    return _indexed(colours) or _plain(colours, "/DeviceRGB")


def alpha_plane(image: Image.Image) -> Plane:
    """The transparency of an RGBA image; what is opaque or not there stays so."""
    steps = [round(round(v * _LEVELS / 255) * 255 / _LEVELS) for v in range(256)]
    return _plain(image.getchannel("A").point(steps), "/DeviceGray")


def _settled(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    """One colour for all that looks like the ink on paper, few shades for the rest.

    A thin edge may be stored in any colour that makes the same mark. Where nothing is drawn it is
    the ink's: viewers that scale colours and transparency apart show no fringe then.
    """
    ink = _ink(colours, alpha)
    flat = Image.new("RGB", colours.size, ink)
    differs = functools.reduce(
        ImageChops.lighter,
        (_marks_apart(*bands, alpha) for bands in zip(colours.split(), flat.split(), strict=True)),
    )
    shades = [
        band.point([_shade(v, middle) for v in range(256)])
        for band, middle in zip(colours.split(), ink, strict=True)
    ]
    return Image.composite(Image.merge("RGB", shades), flat, differs)


def _ink(colours: Image.Image, alpha: Image.Image) -> tuple[int, ...]:
    """The colour in the middle of all that is more ink than edge."""
    highest = alpha.getextrema()[1]
    assert isinstance(highest, int | float)
    least = min(_HALF, highest)
    inked = alpha.point([255 * (v >= least) for v in range(256)])
    return tuple(_median(band.histogram(inked)) for band in colours.split())


def _median(counts: list[int]) -> int:
    half, seen = sum(counts) / 2, 0
    for value, count in enumerate(counts):
        seen += count
        if seen >= half:
            return value
    return len(counts) - 1


def _marks_apart(one: Image.Image, other: Image.Image, alpha: Image.Image) -> Image.Image:
    """Where two colours, drawn this transparent, differ on paper."""
    apart = ImageChops.difference(
        ImageChops.multiply(one, alpha), ImageChops.multiply(other, alpha)
    )
    return apart.point([255 * (v > _UNSEEN) for v in range(256)])


def _shade(value: int, middle: int) -> int:
    """The nearest of the shades around the ink's."""
    return min(max(middle + round((value - middle) / _SHADES) * _SHADES, 0), 255)


def _indexed(colours: Image.Image) -> Plane | None:
    """The colours as positions in a palette; None where there are too many."""
    found = colours.getcolors(_MOST_COLOURS)
    if found is None:
        return None
    positions = colours.convert("P", palette=Image.Palette.ADAPTIVE, colors=len(found))
    if ImageChops.difference(positions.convert("RGB"), colours).getbbox() is not None:
        return None
    palette = bytes(positions.getpalette() or ())[: 3 * len(found)]
    return _plain(positions, "/DeviceRGB", palette)


def _plain(image: Image.Image, space: str, palette: bytes = b"") -> Plane:
    """Samples of eight bits."""
    return Plane(*image.size, space, zlib.compress(image.tobytes(), 9), palette)
