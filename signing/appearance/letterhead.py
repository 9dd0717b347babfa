"""A letterhead's dotted places as they are kept with a page's survey.

Owns finding them once, when a document comes in, and taking them again when the page is seen as it
was then. Leaves what the places are to ``gaps`` and what is written on them to ``acts``.
"""

from __future__ import annotations

from signing.appearance.anchors import page_text
from signing.appearance.gaps import date_gaps, number_gap
from signing.appearance.pagebox import PageBox
from signing.contract import Letterhead, PageSurvey


def find_letterhead(survey: PageSurvey, box: PageBox) -> Letterhead:
    """Look for a page's places."""
    text = page_text(survey, box)
    return Letterhead(_seen(box), number_gap(text), *(date_gaps(text) or (None, None)))


def letterhead_of(survey: PageSurvey, box: PageBox) -> Letterhead:
    """A page's places: as they were found before, where it was seen as it is now."""
    known = survey.letterhead
    if known is not None and known.seen_in == _seen(box) and known.consistent:
        return known
    return find_letterhead(survey, box)


def _seen(box: PageBox) -> tuple[float, float, float, float, float, float]:
    return box.x0, box.y0, box.x1, box.y1, float(box.rotation), box.unit
