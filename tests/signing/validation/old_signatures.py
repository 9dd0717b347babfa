"""Signatures as older Vietnamese software writes them: BER, no signing-time attribute."""

from __future__ import annotations

import re

from asn1crypto import cms

_CONSTRUCTED = 0x20
_SET_OF_SIGNED_ATTRIBUTES = 0xA0


def in_ber(pdf):
    """The file with its first signature's CMS in BER with indefinite lengths, as iTextSharp 5.5.

    The signed bytes stay the same: only what lies between the two spans is written anew.
    """
    start, end = _first_value(pdf)
    message = cms.ContentInfo.load(bytes.fromhex(pdf[start:end].decode()))
    attributes = message["content"]["signer_infos"][0]["signed_attrs"].dump()
    ber = indefinite(message.dump(), keep=attributes)
    digits = ber.hex().encode().ljust(end - start, b"0")
    assert len(digits) == end - start
    return pdf[:start] + digits + pdf[end:]


def indefinite(der, keep=b""):
    """DER with every constructed element's length left open, except in ``keep``.

    Octet strings in the content of time-stamps are cut in two pieces.
    """
    if keep and der == keep:
        return der
    tag, body = der[:1], der[_header(der) :]
    if tag == b"\x04" and len(body) > 100:
        half = len(body) // 2
        return b"\x24\x80" + _piece(body[:half]) + _piece(body[half:]) + b"\x00\x00"
    if not tag[0] & _CONSTRUCTED:
        return der
    parts, place = [], 0
    while place < len(body):
        size = _size(body[place:])
        parts.append(indefinite(body[place : place + size], keep))
        place += size
    return tag + b"\x80" + b"".join(parts) + b"\x00\x00"


def _first_value(pdf):
    found = re.search(rb"/Contents <([0-9A-Fa-f]+)>", pdf)
    return found.span(1)


def _piece(data):
    length = bytes([len(data)]) if len(data) < 128 else b"\x82" + len(data).to_bytes(2, "big")
    return b"\x04" + length + data


def _header(der):
    return 2 if der[1] < 128 else 2 + (der[1] & 0x7F)


def _size(der):
    if der[1] < 128:
        return 2 + der[1]
    digits = der[2 : 2 + (der[1] & 0x7F)]
    return _header(der) + int.from_bytes(digits, "big")
