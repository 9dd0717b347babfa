"""Images of handwritten signatures and seals, prepared once a process.

Owns reading a transparent PNG (NĐ 30/2020 Annex I), cutting it down to its ink and to what paper
can show. Leaves how it is stored to ``planes``, and the place to ``placement``.
"""

from __future__ import annotations

import io
import warnings
from functools import cache, cached_property, lru_cache
from pathlib import Path

from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.appearance.planes import Plane, alpha_plane, colour_plane
from signing.contract import CredentialRefused

MAX_SIDE = 3000
_MAX_PIXELS = 25_000_000  # of the file; more is no scan of a seal
_MAX_BYTES = 4 * _MAX_PIXELS
_SOLID = 255
_INK = 8  # of 255: fainter is a scanner's haze
_FINEST = 600  # dots an inch: what offices print with
_MOST_KEPT = 64

Box = tuple[int, int, int, int]


class Picture:
    """A picture cut down to its ink; how it is stored is found when it is first drawn.

    ``png`` is its file, ``ink`` where in it the ink is; ``factor`` of the pixels across and down
    become one.
    """

    def __init__(self, png: bytes, ink: Box, factor: int = 1) -> None:
        self._png = png
        self._ink = ink
        left, top, right, bottom = ink
        self.aspect = (right - left) / (bottom - top)  # width over height
        self.width = max(1, round((right - left) / factor))
        self.height = max(1, round((bottom - top) / factor))

    def printed(self, width: float) -> Picture:
        """The picture in no more dots than paper shows at a width in points."""
        factor = int(self.width * 72 / (width * _FINEST)) if width > 0 else 0
        return self if factor < 2 else _coarser(self._png, self._ink, factor)

    def add_to(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        """Write the image and its soft mask into a document."""
        colours, alpha = self.planes
        mask = writer.add_object(alpha.as_object())
        image = colours.as_object()
        image[pdf_name("/SMask")] = mask
        return writer.add_object(image)

    @cached_property
    def planes(self) -> tuple[Plane, Plane]:
        """Colours and transparency as they are stored."""
        image, size = _decode(self._png).crop(self._ink), (self.width, self.height)
        if image.size != size:  # colours weigh as much as they are seen
            image = image.convert("RGBa").resize(size, Image.Resampling.BOX).convert("RGBA")
        return colour_plane(image), alpha_plane(image)


@lru_cache(maxsize=_MOST_KEPT)
def _coarser(png: bytes, ink: Box, factor: int) -> Picture:
    return Picture(png, ink, factor)


@cache
def load_picture(path: str) -> Picture:
    """Read a configured picture, cut down to its ink.

    Transparent margins go: sizes and overlaps in the law are those of what one sees.

    Raises:
        CredentialRefused: ``image_unreadable``, ``image_too_large``, ``image_empty``,
            ``image_opaque``.
    """
    try:
        with Path(path).open("rb") as opened:
            png = opened.read(_MAX_BYTES + 1)
        if len(png) > _MAX_BYTES:
            raise _too_large()
        image = _decode(png)
    except (OSError, ValueError, SyntaxError) as error:
        raise CredentialRefused(
            "image_unreadable",
            "Không đọc được ảnh chữ ký hoặc con dấu đã cấu hình (cần PNG nền trong suốt).",
            f"the configured picture cannot be read: {type(error).__name__}",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    alpha = image.getchannel("A")
    ink = alpha.point([0] * _INK + [255] * (256 - _INK)).getbbox()
    if ink is None:
        raise CredentialRefused(
            "image_empty",
            "Ảnh chữ ký hoặc con dấu đã cấu hình không có nét nào nhìn thấy được.",
            "the configured picture shows nothing",
        )
    if alpha.getextrema()[0] == _SOLID:
        raise CredentialRefused(
            "image_opaque",
            "Ảnh chữ ký hoặc con dấu đã cấu hình không có nền trong suốt, sẽ che mất chữ bên dưới"
            " (NĐ 30/2020/NĐ-CP, Phụ lục I).",
            "the configured picture is opaque: it would hide what is under it",
        )
    return Picture(png, ink)


def _decode(png: bytes) -> Image.Image:
    """Look at the size before a single row is inflated: a small file may promise a vast picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise _too_large()
            if max(opened.size) > MAX_SIDE:
                opened.thumbnail((MAX_SIDE, MAX_SIDE))  # no seal is printed finer than that
            return opened.convert("RGBA")


def _too_large() -> CredentialRefused:
    return CredentialRefused(
        "image_too_large",
        "Ảnh chữ ký hoặc con dấu đã cấu hình quá lớn (tối đa 25 triệu điểm ảnh).",
        "the configured picture has too many pixels",
    )
