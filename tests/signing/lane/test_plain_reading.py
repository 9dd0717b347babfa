"""Plain dictionaries and arrays are taken apart at once: the same as token by token."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signing.lane.refusal import NotForTheLane
from signing.lane.syntax import Reference, array_items, read_dictionary, read_object

PIECES = [
    b"/A", b"/B", b"/C#20", b"/", b" ", b"\r\n", b"1", b"-2", b"+3", b"1.5", b".5", b"5.", b"true",
    b"null", b"2 0 R", b"3  0 R", b"4 0 Rx", b"12345678901 0 R", b"1 123456 R", b"(s)", b"(s\\))",
    b"(%)", b"<ab>", b"<", b"[1 2]", b"[/X(%)]", b"<</Q 1>>", b"<</Q<</Z 1>>>>", b"%c /D 1\n",
    b"%c>>\n", b"%c", b"/T/Y", b">>", b"]", b"R", b"0", b"\0",
]  # fmt: skip
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=10).map(b"".join)
COMMENT = b"%\n"  # wherever it stands, what is written around it is read token by token


def told(read, raw):
    """What a reader says, so that it can be compared; offsets from the end."""
    try:
        found = read(raw)
    except NotForTheLane as refusal:
        return refusal.reason
    if isinstance(found, list):
        return found
    entries, end = found
    return [(name, entries.get(name)) for name in entries.names()], bytes(entries), len(raw) - end


@given(WRITTEN, st.sampled_from([b"", b"\nendobj", b"/E 1>>", b"%e"]))
def test_a_plain_dictionary_reads_as_token_by_token(inside, after):
    raw = b"<<" + inside + b">>" + after
    assert told(read_dictionary, raw) == told(read_dictionary, b"<<" + COMMENT + raw[2:])


@given(WRITTEN)
def test_a_plain_array_reads_as_token_by_token(inside):
    raw = b"[" + inside + b"]"
    assert told(array_items, raw) == told(array_items, b"[" + COMMENT + raw[1:])


@given(WRITTEN, st.sampled_from([b"\nendobj", b"stream\n", b"%", b"", b" 7"]))
def test_a_plain_object_holds_the_same_dictionary(inside, after):
    """What the short way reads, the long way reads as well; an object that does not end is none."""
    raw = b"<<" + inside + b">>" + after
    found = read_object(b"7 0 obj" + raw, 0, Reference(7, 0))
    if found is not None:
        assert bytes(found) == bytes(read_dictionary(raw)[0])
        assert after not in (b"", b" 7") or b"%" in inside or b">>" in inside
    assert read_object(b"7 0 obj" + raw, 0, Reference(7, 1)) is None
