"""Images of handwritten signatures and seals, prepared once a process.

Owns reading a transparent PNG (NĐ 30/2020 Annex I) and its PDF objects: colours and, apart, the
transparency. Leaves size and place to ``placement``.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from functools import cache

from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.contract import CredentialRefused

MAX_SIDE = 3000
_MAX_PIXELS = 25_000_000  # of the file; more is no scan of a seal
_SOLID = 255
_INK = 8  # of 255: fainter is a scanner's haze


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as compressed planes."""

    width: int
    height: int
    colours: bytes
    alpha: bytes

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width / self.height

    def add_to(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        """Write the image and its soft mask into a document."""
        mask = self._plane("/DeviceGray", self.alpha)
        image = self._plane("/DeviceRGB", self.colours)
        image[pdf_name("/SMask")] = writer.add_object(mask)
        return writer.add_object(image)

    def _plane(self, space: str, data: bytes) -> generic.StreamObject:
        return generic.StreamObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Image"),
                pdf_name("/Width"): generic.NumberObject(self.width),
                pdf_name("/Height"): generic.NumberObject(self.height),
                pdf_name("/ColorSpace"): pdf_name(space),
                pdf_name("/BitsPerComponent"): generic.NumberObject(8),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
            },
            encoded_data=data,
        )


@cache
def load_picture(path: str) -> Picture:
    """Read a configured picture, cut down to its ink.

    Transparent margins go: sizes and overlaps in the law are those of what one sees.

    Raises:
        CredentialRefused: ``image_unreadable``, ``image_too_large``, ``image_empty``,
            ``image_opaque``.
    """
    try:
        image = _read(path)
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
    image, alpha = image.crop(ink), alpha.crop(ink)
    return Picture(
        width=image.width,
        height=image.height,
        colours=zlib.compress(image.convert("RGB").tobytes(), 9),
        alpha=zlib.compress(alpha.tobytes(), 9),
    )


def _read(path: str) -> Image.Image:
    """Look at the size before a single row is inflated: a small file may promise a vast picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=("PNG",)) as opened:
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
