"""Usage rights: a value that enables a form in a reader, and is nobody's signature.

Owns recognising one by what is written around its byte range (ISO 32000-1, 12.8.2.3; withdrawn in
ISO 32000-2). It stands in the catalog's ``/Perms`` and in no field, verifies like a signature, and
says only that a program allowed another one to save the form.
"""

from __future__ import annotations

import re
from typing import Final

from signing.reading.stretches import Data

_TRANSFORM: Final = re.compile(rb"/TransformMethod\s{0,64}/UR3?(?![A-Za-z0-9])")
_BEFORE, _AFTER = 64 * 1024, 1024 * 1024  # bytes of a dictionary, on either side


def is_usage_rights(pdf: Data, place: int) -> bool:
    """Whether the object around a place, that of a byte range, is a value for usage rights."""
    begin = max(pdf.rfind(b"obj", max(place - _BEFORE, 0), place), 0)
    end = pdf.find(b"endobj", place, place + _AFTER)
    return _TRANSFORM.search(pdf[begin : end if end >= 0 else place]) is not None
