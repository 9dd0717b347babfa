"""A visible signature's appearance as raw objects, prepared once and entered many times.

Owns fonts and pictures as numbered pieces of bytes and the form XObject that uses them
(ISO 32000-2, 8.10). What is drawn is ``signing.appearance``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from signing.lane.revision import Revision, stream_body
from signing.lane.syntax import Reference, write_number

_FORMS = 512  # sizes of drawings: those of days, months and seals come again and again

# One object as it is written, cut where others are referred to: bytes, or the position of an
# earlier object of the same set.
Prepared = tuple[bytes | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSet:
    """Objects that belong together, such as a font's; the last one is the one that is used."""

    objects: tuple[Prepared, ...]

    def enter(self, revision: Revision) -> Reference:
        """Write the set into a revision; what refers to nothing is not even copied."""
        written: list[bytes] = []
        for pieces in self.objects:
            body = pieces[0] if len(pieces) == 1 else None
            if not isinstance(body, bytes):
                body = b"".join([written[p] if isinstance(p, int) else p for p in pieces])
            last = revision.new(body)
            written.append(b"%d 0 R" % last.number)
        return last


Resource = tuple[bytes, bytes, PreparedSet]  # (b"/Font", b"/F", objects)


class Stamp(msgspec.Struct, frozen=True):
    """Where a signature is seen, and how: a rectangle in the page's own units, a drawing."""

    page_index: int
    box: tuple[float, float, float, float]
    width: float  # of the drawing, in points
    height: float
    upright: tuple[int, int, int, int]  # the matrix that undoes the page's rotation
    operators: bytes
    resources: tuple[Resource, ...]


def enter_stamp(
    revision: Revision, stamp: Stamp, shared: dict[PreparedSet, Reference]
) -> Reference:
    """Write a stamp's form XObject; sets that the act has written already are used again."""
    resources = []
    for category, name, objects in stamp.resources:
        if objects not in shared:
            shared[objects] = objects.enter(revision)
        resources.append(b"%s<<%s %s>>" % (category, name, bytes(shared[objects])))
    entries = _form(stamp.width, stamp.height, stamp.upright)
    entries += b"/Resources<<%s>>" % b"".join(resources)
    return revision.new(stream_body(entries, stamp.operators))


@lru_cache(maxsize=_FORMS)
def _form(width: float, height: float, upright: tuple[int, int, int, int]) -> bytes:
    """What a form's dictionary says of its size."""
    return b"/Type/XObject/Subtype/Form/BBox[0 0 %s %s]/Matrix[%d %d %d %d 0 0]" % (
        write_number(width),
        write_number(height),
        *upright,
    )
