"""Images of handwritten signatures and seals, prepared once a process.

Owns reading a transparent PNG (NĐ 30/2020 Annex I) and its PDF objects: colours and, apart, the
transparency. Leaves size and place to ``placement``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.contract import CredentialRefused

MAX_SIDE = 3000


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
    """Read a configured picture.

    Raises:
        CredentialRefused: code ``image_unreadable``.
    """
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            if max(opened.size) > MAX_SIDE:
                opened.thumbnail((MAX_SIDE, MAX_SIDE))  # no seal is printed finer than that
            image = opened.convert("RGBA")
    except (OSError, ValueError) as error:
        raise CredentialRefused(
            "image_unreadable",
            "Không đọc được ảnh chữ ký hoặc con dấu đã cấu hình (cần PNG nền trong suốt).",
            f"the configured picture cannot be read: {type(error).__name__}",
        ) from error
    return Picture(
        width=image.width,
        height=image.height,
        colours=zlib.compress(image.convert("RGB").tobytes(), 9),
        alpha=zlib.compress(image.getchannel("A").tobytes(), 9),
    )
