"""Messages put together from prepared pieces, read back by an independent library."""

from __future__ import annotations

from binascii import unhexlify

from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st

from signing.reading.der import OCTETS, SEQUENCE, write, write_oid

SIZES = st.sampled_from([0, 1, 60, 70, 71, 72, 100, 127, 128, 200, 256, 384, 512, 5_000, 70_000])


def _some_content(size):
    """A ContentInfo, as a token is one."""
    inside = write(0xA0, write(OCTETS, bytes([9]) * size))
    return write(SEQUENCE, write_oid("1.2.840.113549.1.7.1"), inside)


@given(signature=SIZES, token=st.none() | SIZES, digest=st.binary(min_size=32, max_size=32))
def test_a_message_of_any_size_is_der_that_says_what_went_in(lane, signature, token, digest):
    template = lane.act.signer.template
    attributes = template.attributes(digest)
    raw = bytes([7]) * signature
    stamp = None if token is None else _some_content(token)
    encoded = unhexlify(template.digits(attributes, raw, stamp))
    message = cms.ContentInfo.load(encoded, strict=True)
    signer = message["content"]["signer_infos"][0]
    assert signer["signature"].native == raw
    assert signer["signed_attrs"].untag().dump() == attributes
    signed = {one["type"].native: one["values"][0] for one in signer["signed_attrs"]}
    assert signed["message_digest"].native == digest
    assert len(message["content"]["certificates"]) == 3
    if stamp is None:
        assert not signer["unsigned_attrs"]
    else:
        (unsigned,) = signer["unsigned_attrs"]
        assert unsigned["type"].native == "signature_time_stamp_token"
        assert unsigned.dump().endswith(stamp)
    assert message.dump(force=True) == encoded  # as the library would write it: DER
