"""Signed messages that differ from a proved one in digest, signature and token only.

Owns remembering, for each certificate, the shape of messages that were read and proved in full:
what stands where, except in the places that change from document to document. A message that is
byte for byte the same around these places reads the same, so comparing bytes says as much as
reading again. What stands in the places is handed out to be checked every time; nothing is
remembered about a document. Leaves those checks to ``proof``.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import msgspec
from cryptography import x509

from signing.evidence.messages import SignedMessage
from signing.evidence.signatures import HeldSignatures
from signing.reading import der
from signing.reading.der import NotDer

_MAX_CERTIFICATES = 64
_MAX_FORMS = 16  # a certificate's: lengths of ECDSA signatures and of tokens vary a little
_SET = b"\x31"
_HEAD = 4  # bytes; they hold the length of nearly every message

Place = tuple[int, int]


class Statement(msgspec.Struct, frozen=True):
    """What somebody's signature says, as far as it is checked against a document."""

    algorithm: str  # "sha256" …
    pss: bool
    salt_length: int | None
    digest: bytes  # as stated
    signed: bytes  # the attributes as they are signed
    signature: bytes
    token: bytes | None  # the signature's time-stamp


@dataclass(frozen=True, slots=True)
class _Form:
    """A proved message without the content of its places."""

    scheme: tuple[str, bool, int | None]  # digest, PSS, its salt
    fixed: tuple[tuple[int, int, bytes], ...]  # begin, end, what stands there
    digest: Place
    signature: Place
    attributes: Place
    token: Place | None

    def read(self, encoded: bytes) -> Statement | None:
        for begin, end, expected in self.fixed:
            if encoded[begin:end] != expected:
                return None
        begin, end = self.attributes
        first, last = self.digest
        start, stop = self.signature
        return Statement(
            *self.scheme,
            encoded[first:last],
            _SET + encoded[begin + 1 : end],
            encoded[start:stop],
            None if self.token is None else encoded[slice(*self.token)],
        )


class Proven:
    """What was proved with one certificate: forms of messages, signatures that hold.

    Both are bounded, the oldest forgotten first.
    """

    def __init__(self, certificate: x509.Certificate) -> None:
        self.held = HeldSignatures(certificate.public_key())
        self._by_head: OrderedDict[bytes, _Form] = OrderedDict()

    def read(self, encoded: bytes) -> Statement | None:
        """The statement of a message whose form was proved before; padding may follow it."""
        form = self._by_head.get(encoded[:_HEAD])
        return None if form is None else form.read(encoded)

    def remember(self, encoded: bytes, message: SignedMessage) -> None:
        """Take note of a message that was proved in full, with this certificate."""
        form = _form(encoded, message)
        if form is not None:
            self._by_head[encoded[:_HEAD]] = form
            if len(self._by_head) > _MAX_FORMS:
                self._by_head.popitem(last=False)


_proven: OrderedDict[x509.Certificate, Proven] = OrderedDict()
_latest: list[tuple[x509.Certificate, Proven]] = []  # one at most: an act asks again and again


def proven_with(certificate: x509.Certificate) -> Proven:
    """What was proved with a certificate so far in this process."""
    if _latest and _latest[0][0] is certificate:  # hashing a certificate takes as long as its form
        return _latest[0][1]
    found = _proven.get(certificate)
    if found is None:
        found = _proven[certificate] = Proven(certificate)
        if len(_proven) > _MAX_CERTIFICATES:
            _proven.popitem(last=False)
    _latest[:] = [(certificate, found)]
    return found


def statement_of(message: SignedMessage) -> Statement:
    """What a message that was read says."""
    return Statement(
        message.digest,
        message.pss,
        message.salt_length,
        message.stated_digest,
        message.signed,
        message.signature,
        message.token,
    )


def _form(encoded: bytes, message: SignedMessage) -> _Form | None:
    """The form; None when it is not DER, or a place cannot be told from the rest."""
    try:
        size = der.read(encoded).end
        inside = der.read(message.token).start if message.token is not None else 0
    except NotDer:
        return None
    set_of = _only(encoded, message.signed[1:])
    digest, signature = _only(encoded, message.stated_digest), _only(encoded, message.signature)
    if set_of is None or digest is None or signature is None:
        return None
    places, token = [digest, signature], None
    if message.token is not None:
        token = _only(encoded, message.token)
        if token is None:
            return None
        places.append((token[0] + inside, token[1]))  # its own tag and length are fixed
    order = [set_of[0], *digest, set_of[1], *(edge for place in places[1:] for edge in place), size]
    if order != sorted(order):
        return None
    return _Form(
        scheme=(message.digest, message.pss, message.salt_length),
        fixed=_around(encoded[:size], places),
        digest=digest,
        signature=signature,
        attributes=(set_of[0] - 1, set_of[1]),
        token=token,
    )


def _only(encoded: bytes, part: bytes) -> Place | None:
    """Where a part stands, if it stands there once."""
    begin = encoded.find(part)
    if not part or begin < 0 or encoded.find(part, begin + 1) >= 0:
        return None
    return begin, begin + len(part)


def _around(encoded: bytes, places: list[Place]) -> tuple[tuple[int, int, bytes], ...]:
    """What stands before, between and after the places."""
    begins = [0, *(end for _, end in places)]
    ends = [*(begin for begin, _ in places), len(encoded)]
    return tuple((b, e, encoded[b:e]) for b, e in zip(begins, ends, strict=True))
