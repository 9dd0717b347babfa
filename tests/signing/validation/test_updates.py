"""Where objects begin in an update, whoever lists them."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from signing.validation.updates import _HEADER, _headers

_PIECES = [
    b"1", b"23", b"0", b" ", b"\n", b"\0", b"\t\r", b"obj", b"object", b"endobj", b"x", b"-",
    b"0" * 12, b" 5 0 obj", b"7  00001\nobj<<", b"12345678901 0 obj", b"1 123456 obj",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25), st.integers(0, 6), st.integers(0, 6))
@example([b"1 0 obj"], 0, 0)
@example([b"9", b"1 0 obj"], 1, 0)
def test_headers_are_found_backwards_as_they_are_read_forwards(pieces, first, last):
    data = b"".join(pieces)
    begin, end = min(first, len(data)), max(len(data) - last, 0)
    forwards = [match.start() for match in _HEADER.finditer(data, begin, end)]
    assert list(_headers(data, begin, end)) == forwards
