"""Looks as raw objects for the fast lane: fonts and pictures turned into bytes once a process.

Owns collecting what a font or a picture would write into a pyHanko document. Leaves the drawing
to ``drawing`` and the writing to ``signing.lane``.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, cast

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from signing.appearance.drawing import Drawing, PreparedStamp
from signing.appearance.pictures import Picture
from signing.appearance.typeface import FontCut
from signing.lane import Prepared, PreparedSet, Resource, Stamp
from signing.pades.writer import Look

_MOST_KEPT = 256
_MARK = b"\x00%d\x00"  # no dictionary's text holds a NUL


def raw_stamp(look: Look) -> Stamp | None:
    """A look for the lane; None when its style is not one of ours."""
    style = look.style
    if not isinstance(style, PreparedStamp) or style.drawing is None:
        return None
    drawing = style.drawing
    return Stamp(
        page_index=look.page_index,
        box=look.box,
        width=drawing.width,
        height=drawing.height,
        upright=style.upright,
        operators=drawing.operators,
        resources=_resources(drawing),
    )


@lru_cache(maxsize=_MOST_KEPT)
def _resources(drawing: Drawing) -> tuple[Resource, ...]:
    """What a drawing's operators name."""
    named: list[Resource] = []
    if drawing.font is not None:
        named.append((b"/Font", b"/F", _prepared(drawing.font)))
    if drawing.picture is not None:
        named.append((b"/XObject", b"/Im", _prepared(drawing.picture)))
    return tuple(named)


@lru_cache(maxsize=_MOST_KEPT)
def _prepared(source: FontCut | Picture) -> PreparedSet:
    """The objects of a font or a picture, which are few and long-lived."""
    collector = _Collector()
    source.add_to(cast("Any", collector))
    return PreparedSet(tuple(_prepare(one) for one in collector.objects))


class _Collector:
    """As much of a pyHanko writer as adding objects takes."""

    def __init__(self) -> None:
        self.objects: list[generic.PdfObject] = []

    def add_object(self, added: generic.PdfObject) -> _Marked:
        self.objects.append(added)
        return _Marked(len(self.objects) - 1, 0, None)  # type: ignore[no-untyped-call]  # pyHanko's is untyped


class _Marked(generic.IndirectObject):
    """A reference that writes itself as a mark."""

    def write_to_stream(self, stream: Any, handler: Any = None, container_ref: Any = None) -> None:
        stream.write(_MARK % self.idnum)


def _prepare(one: generic.PdfObject) -> Prepared:
    out = io.BytesIO()
    stream = b""
    if isinstance(one, generic.StreamObject):
        data = one.encoded_data
        assert data is not None  # as added: compressed when it was prepared
        body = generic.DictionaryObject(one)
        body[pdf_name("/Length")] = generic.NumberObject(len(data))
        body.write_to_stream(out, None)
        stream = b"\nstream\n%s\nendstream" % data
    else:
        one.write_to_stream(out, None)
    # text, number, text, number, text; a stream's data may hold anything
    cuts = out.getvalue().split(b"\x00")
    cuts[-1] += stream
    return tuple(int(cut) if at % 2 else cut for at, cut in enumerate(cuts))
