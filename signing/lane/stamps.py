"""A visible signature's appearance as raw objects, prepared once and entered many times.

Owns fonts and pictures as numbered pieces of bytes and the form XObject that uses them
(ISO 32000-2, 8.10). What is drawn is ``signing.appearance``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from signing.lane.revision import Revision, stream_body
from signing.lane.syntax import Reference, write_number


@dataclass(frozen=True, slots=True)
class Prepared:
    """One object: its text, cut where other prepared objects are referred to, and its data.

    ``pieces`` are bytes, or the position of an earlier object of the same set.
    """

    pieces: tuple[bytes | int, ...]
    data: bytes | None = None  # of a stream, as stored


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSet:
    """Objects that belong together, such as a font's; the last one is the one that is used."""

    objects: tuple[Prepared, ...]

    def enter(self, revision: Revision) -> Reference:
        """Write the set into a revision."""
        references: list[Reference] = []
        for one in self.objects:
            text = b"".join(
                bytes(references[piece]) if isinstance(piece, int) else piece
                for piece in one.pieces
            )
            body = text if one.data is None else stream_body(text, one.data)
            references.append(revision.new(body))
        return references[-1]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a signature is seen, and how: a rectangle in the page's own units, a drawing."""

    page_index: int
    box: tuple[float, float, float, float]
    width: float  # of the drawing, in points
    height: float
    upright: tuple[int, int, int, int]  # the matrix that undoes the page's rotation
    operators: bytes
    resources: tuple[tuple[bytes, bytes, PreparedSet], ...]  # (b"/Font", b"/F", objects)


def enter_stamp(
    revision: Revision, stamp: Stamp, shared: dict[PreparedSet, Reference]
) -> Reference:
    """Write a stamp's form XObject; sets that the act has written already are used again."""
    resources = []
    for category, name, objects in stamp.resources:
        if objects not in shared:
            shared[objects] = objects.enter(revision)
        resources.append(b"%s<<%s %s>>" % (category, name, bytes(shared[objects])))
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 %s %s]/Matrix[%d %d %d %d 0 0]" % (
        write_number(stamp.width),
        write_number(stamp.height),
        *stamp.upright,
    )
    entries += b"/Resources<<%s>>" % b"".join(resources)
    return revision.new(stream_body(entries, stamp.operators))
