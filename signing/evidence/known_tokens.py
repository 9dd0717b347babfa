"""Answers of one authority that differ from a checked one in a few places only.

Owns remembering how an authority's answers look: what stands where, except the content of the
elements that change from answer to answer (imprint, serial number, time, nonce, message digest,
signing time, signature). An answer that is byte for byte the same around these places, each as long
as before, is the same tree of elements, so it reads as the full reader would read it; only the
places are taken out. What they say is checked every time by the same code, whichever way a token
was read. A form is learnt from nothing but a token that was read and checked in full, and reads
that one back first. Everything else goes to ``messages``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from signing.evidence.messages import (
    MESSAGE_DIGEST,
    SignedMessage,
    attribute_values,
    message_parts,
    read_message,
    remember,
)
from signing.evidence.stamp_messages import TimeStamp, read_moment, read_response, stamp_parts
from signing.reading import der
from signing.reading.der import Element, NotDer, write_oid

_MAX_SIZES, _MAX_FORMS = 16, 4  # lengths of answers, and forms of one length
_LONGEST, _LONGEST_FRAME = 32_768, 512  # bytes of what is worth remembering; usual: 5,000, 20
_TRIES = 32  # forms learnt in a row of which none came again: this authority's all differ
_SIGNING_TIME = write_oid("1.2.840.113549.1.9.5")
_TIMES = (0x17, 0x18)  # UTCTime, GeneralizedTime
_SET = b"\x31"

Place = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Form:
    """A checked token without the content of its places."""

    fixed: tuple[tuple[int, bytes], ...]  # where something begins, and what it is
    learnt_from: SignedMessage
    content: Place  # the TSTInfo
    attributes: Place
    values: tuple[tuple[bytes, Place], ...]  # attributes that change: kind, value
    stated_digest: Place
    signature: Place
    algorithm: str  # of the imprint
    imprint: Place
    moment: Place
    nonce: Place | None

    def read(self, token: bytes) -> SignedMessage | None:
        """The message, as the full reader reads it; None when the token is of another form."""
        for begin, expected in self.fixed:
            if not token.startswith(expected, begin):
                return None
        try:
            moment = read_moment(token[slice(*self.moment)])
        except ValueError:
            return None
        first, begin, end = self.learnt_from, *self.attributes
        changed = {kind: token[start:stop] for kind, (start, stop) in self.values}
        message = SignedMessage(
            first.content_type,
            token[slice(*self.content)],
            first.certificates,
            first.serial,
            first.digest,
            {**first.attributes, **changed},
            _SET + token[begin + 1 : end],
            token[slice(*self.signature)],
            first.pss,
            first.salt_length,
            first.token,
        )
        # what would be read from it when it is first asked for
        vars(message).update(
            signers=first.signers,
            stated_digest=token[slice(*self.stated_digest)],
            time_stamp=TimeStamp(
                self.algorithm, token[slice(*self.imprint)], moment, self._nonce_in(token)
            ),
        )
        return message

    def _nonce_in(self, token: bytes) -> int | None:
        if self.nonce is None:
            return None
        return int.from_bytes(token[slice(*self.nonce)], "big", signed=True)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A granted response around its token, whose tag and length still belong to it."""

    status: int
    begins: bytes
    token: int  # where it begins


class KnownTokens:
    """The forms of one authority's answers; bounded, and begun anew when there are too many."""

    def __init__(self) -> None:
        self._forms: dict[int, list[_Form]] = {}  # by a token's length
        self._frames: dict[int, _Frame] = {}  # by a response's length
        self._tries = _TRIES
        self._latest: SignedMessage | None = None  # that was read by its form

    def forget(self) -> None:
        """Begin anew: the authority is another one now."""
        self._forms.clear()
        self._frames.clear()
        self._tries, self._latest = _TRIES, None

    def response(self, raw: bytes) -> tuple[int, bytes | None]:
        """As ``read_response``."""
        frame = self._frames.get(len(raw))
        if frame is not None and raw.startswith(frame.begins):
            return frame.status, raw[frame.token :]
        status, token = read_response(raw)
        frame = _frame(raw)
        if frame is not None:
            _put(self._frames, len(raw), frame)
        return status, token

    def read(self, token: bytes) -> SignedMessage:
        """As ``read_message``."""
        for form in self._forms.get(len(token), ()):
            message = form.read(token)
            if message is not None:
                remember(token, message)
                self._tries, self._latest = _TRIES, message
                return message
        return read_message(token)

    def learn(self, token: bytes, message: SignedMessage) -> None:
        """Take note of a token that was checked in full; ``message`` is what ``read`` gave."""
        if message is self._latest or len(token) > _LONGEST:
            return
        known = self._forms.get(len(token), [])
        is_known = any(message.certificates is one.learnt_from.certificates for one in known)
        if is_known or not self._tries:
            return
        form = _form(token, message)
        if form is not None:
            self._tries -= 1
            _put(self._forms, len(token), [form, *known[: _MAX_FORMS - 1]])


def _put(kept: dict[int, T], size: int, one: T) -> None:
    if len(kept) >= _MAX_SIZES and size not in kept:
        kept.clear()
    kept[size] = one


def _frame(raw: bytes) -> _Frame | None:
    """What precedes the body of a response's token, where that is the last thing in it."""
    try:
        whole = der.read(raw).expect(der.SEQUENCE)
        status, token = whole.children()
        code = status.expect(der.SEQUENCE).children()[0].integer()
    except (ValueError, IndexError):
        return None
    if not whole.end == token.end == len(raw) or token.start > _LONGEST_FRAME:
        return None
    return _Frame(code, raw[: token.start], token.begin)


def _form(token: bytes, message: SignedMessage) -> _Form | None:
    """The form; None where the token is not DER, or does not read by it as it was read."""
    try:
        form = _taken_apart(token, message)
    except (ValueError, LookupError):
        return None
    if form is None:
        return None
    again = form.read(token)
    alike = again == message and again is not None and again.time_stamp == message.time_stamp
    return form if alike else None


def _taken_apart(token: bytes, message: SignedMessage) -> _Form | None:
    whole = der.read(token)
    parts = message_parts(whole)
    if parts.content is None or whole.end != len(token):
        return None
    stamp = stamp_parts(der.read(token, parts.content.start, parts.content.end))
    values = dict(attribute_values(parts.attributes))
    changing = {MESSAGE_DIGEST: values[MESSAGE_DIGEST].expect(der.OCTETS)}
    if _SIGNING_TIME in values and values[_SIGNING_TIME].tag in _TIMES:
        changing[_SIGNING_TIME] = values[_SIGNING_TIME]
    places = [stamp.imprint, stamp.moment, parts.signature, *changing.values()]
    places += [one for one in (stamp.serial, stamp.nonce) if one and one.tag == der.INTEGER]
    return _Form(
        fixed=_around(token, places),
        learnt_from=message,
        content=_inside(parts.content),
        attributes=(parts.attributes.begin, parts.attributes.end),
        values=tuple((kind, (one.begin, one.end)) for kind, one in changing.items()),
        stated_digest=_inside(changing[MESSAGE_DIGEST]),
        signature=_inside(parts.signature),
        algorithm=message.time_stamp.digest,
        imprint=_inside(stamp.imprint),
        moment=_inside(stamp.moment),
        nonce=None if stamp.nonce is None else _inside(stamp.nonce),
    )


def _inside(element: Element) -> Place:
    return element.start, element.end


def _around(token: bytes, places: list[Element]) -> tuple[tuple[int, bytes], ...]:
    """What stands before, between and after the contents of the places, which lie apart."""
    inside = sorted(map(_inside, places))
    begins, ends = [0, *(e for _, e in inside)], [*(b for b, _ in inside), len(token)]
    if any(begin > end for begin, end in zip(begins, ends, strict=True)):
        raise NotDer("places that lie in each other")
    return tuple((b, token[b:e]) for b, e in zip(begins, ends, strict=True))
