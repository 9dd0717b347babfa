"""What we put in the libraries' place answers as they do."""

from __future__ import annotations

import importlib.util
import io

import pytest
from asn1crypto import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic

from signing.reading import hex_strings, name_cache
from signing.reading.opening import HOSTILE_INPUT_ERRORS

FEW = settings(max_examples=200, deadline=None)
NAMES = st.dictionaries(
    st.sampled_from(["common_name", "organization_name", "organizational_unit_name"]),
    st.text(alphabet="aA bB\tĐđé", min_size=1, max_size=12).filter(str.strip),
    min_size=1,
)


def untouched(module):
    """A second copy of a library module, as it was before we changed anything in it."""
    spec = importlib.util.find_spec(module)
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


THEIRS = untouched("asn1crypto.x509")


def outcome(read, data):
    stream = io.BytesIO(data)
    try:
        value = read(stream)
    except HOSTILE_INPUT_ERRORS as error:
        return type(error).__name__
    return type(value).__name__, value.original_bytes, stream.tell()


@FEW
@given(st.text(alphabet="0123456789abcdefABCDEF \r\n\t\x00>%g", max_size=400))
def test_hexadecimal_strings_are_read_as_the_library_reads_them(text):
    data = b"<" + text.encode() + b"> rest"
    assert outcome(hex_strings.read_hex_string, data) == outcome(hex_strings._theirs, data)


@pytest.mark.parametrize("digits", [b"", b"0", b"ab" * 5_000, b"a" * 9_999, b"%c\n>ab"])
@pytest.mark.parametrize("end", [b">", b"> trailer", b""])
def test_long_odd_and_unended_strings_are_read_alike(digits, end):
    data = b"<" + digits + end
    assert outcome(hex_strings.read_hex_string, data) == outcome(hex_strings._theirs, data)


def test_the_library_reads_through_the_shortcut():
    assert generic.read_hex_string_from_stream is hex_strings.read_hex_string


@FEW
@given(NAMES, NAMES)
def test_names_are_equal_when_the_library_says_so(one, other):
    """Case and spaces are not told apart (RFC 5280, 7.1)."""
    name_cache.install()
    ours = [x509.Name.build(n) for n in (one, other)]
    theirs = [THEIRS.Name.load(n.dump()) for n in ours]
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert (ours[0].hashable == ours[1].hashable) == (theirs[0].hashable == theirs[1].hashable)
    assert ours[0].hashable == theirs[0].hashable
    assert ours[0] != "a name"


def test_a_name_inside_a_choice_equals_the_same_name_outside():
    name = x509.Name.build({"common_name": "Nguyễn Văn Ổn"})
    tagged = x509.GeneralName(name="directory_name", value=name)
    assert x509.GeneralName.load(tagged.dump()).chosen == name
