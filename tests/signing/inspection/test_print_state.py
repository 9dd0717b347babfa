"""What paper and screen show must be the same, or it is told with its page and object."""

from __future__ import annotations

import pytest

from signing.contract import Severity
from signing.inspection import inspect_pdf
from tests.signing.validation.signing_kit import make_pdf, sign

FORM = """8 0 obj
<< /Type /XObject /Subtype /Form /BBox [0 0 340 40] /Length 24 >>
stream
0 0 0 rg 0 0 340 40 re f
endstream
endobj"""
CODES = {"print_only", "screen_only", "layer_prints_differently"}


def told(pdf):
    """Severity, code and place of what differs."""
    return [(f.severity, f.code, f.where) for f in inspect_pdf(pdf).findings if f.code in CODES]


def note(flags, kind="Square", appearance="/AP << /N 8 0 R >>", rect="60 690 400 730"):
    """A page whose text a black box may lie over, by its flags."""
    annotation = f"/Type /Annot /Subtype /{kind} /Rect [{rect}] /F {flags} {appearance}"
    return make_pdf(
        page="/Annots [6 0 R]",
        extra=f"6 0 obj\n<< {annotation} >>\nendobj%%next\n7 0 obj\nnull\nendobj%%next\n{FORM}",
    )


def layer(usage, default="", group="7 0 R"):
    """A page whose text lies under a layer."""
    return make_pdf(
        catalog=f"/OCProperties << /OCGs [7 0 R] /D << {default} >> >>",
        page="/Annots [6 0 R]",
        extra=f"6 0 obj\n<< /Type /Annot /Subtype /Square /Rect [60 690 400 730] /F 4 "
        f"/AP << /N 8 0 R >> /OC {group} >>\nendobj%%next\n"
        f"7 0 obj\n<< /Type /OCG /Name (Lop) {usage} >>\nendobj%%next\n{FORM}",
    )


def test_a_box_that_only_paper_shows_is_told_with_its_page_and_object():
    (found,) = told(note(4 | 32))
    assert found == (Severity.WARN, "print_only", "trang 1, đối tượng 6")


def test_a_box_that_only_the_screen_shows_is_mentioned():
    (found,) = told(note(0))
    assert found == (Severity.INFO, "screen_only", "trang 1, đối tượng 6")


@pytest.mark.parametrize(
    "pdf",
    [
        note(4),
        note(2),
        note(2 | 4),
        note(32),
        note(0, kind="Link"),
        note(0, kind="Popup"),
        note(4 | 32, appearance=""),
        note(4 | 32, rect="60 690 60 690"),
        note(4 | 32, rect="(a)"),
        make_pdf(),
        make_pdf(page="/Annots [99 0 R 7 null (a)]"),
    ],
)
def test_what_both_show_or_neither_does_is_nothing(pdf):
    assert not told(pdf)


@pytest.mark.long
@pytest.mark.parametrize(
    ("usage", "default", "differs"),
    [
        ("/Usage << /Print << /PrintState /OFF >> >>", "", True),
        ("/Usage << /Print << /PrintState /ON >> >>", "", False),
        ("/Usage << /Print << /PrintState /ON >> >>", "/OFF [7 0 R]", True),
        ("/Usage << /Print << /PrintState /OFF >> >>", "/OFF [7 0 R]", False),
        ("/Usage << /Print << /PrintState /ON >> >>", "/BaseState /OFF", True),
        ("/Usage << /Print << /PrintState /ON >> >>", "/BaseState /OFF /ON [7 0 R]", False),
        ("/Usage << /Print << /PrintState /ON >> /View << /ViewState /OFF >> >>", "", True),
        ("/Usage << /Print << /PrintState /Other >> >>", "", False),
        ("/Usage (a)", "", False),
        ("", "", False),
    ],
)
def test_a_layer_that_prints_differently_is_told_with_its_page_and_object(usage, default, differs):
    found = told(layer(usage, default))
    expected = [(Severity.WARN, "layer_prints_differently", "trang 1, đối tượng 7")]
    assert found == (expected if differs else [])


def test_a_layer_in_a_group_of_layers_is_found_on_its_page():
    usage = "/Usage << /Print << /PrintState /OFF >> >>"
    for group in ("<< /Type /OCMD /OCGs 7 0 R >>", "<< /Type /OCMD /OCGs [7 0 R] >>"):
        ((_, _, where),) = told(layer(usage, group=group))
        assert where == "trang 1, đối tượng 7"


def test_our_own_signatures_print_as_they_are_seen():
    assert not told(sign(make_pdf(), box=(300, 100, 400, 150)))
