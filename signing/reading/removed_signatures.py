"""Signatures that a file's bytes still hold whole, and that its newest revision no longer shows.

Owns finding them: an update may skip the revision that was signed (``/Prev``), empty or replace a
field's ``/V`` or leave the field out of the form, and whoever signs then signs a file from which
somebody's signature was taken without a word. A byte range that lies on the file and frames a
message is a trace (ISO 32000-2, 12.8.1); a trace counts only where the message verifies over
exactly these bytes. So neither a signed file attached as a stream (its ranges mean its own bytes)
nor the remains of a signature in a file written anew are taken for one. Leaves what that means to
``signing.inspection`` and ``signing.validation``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from asn1crypto import cms, x509
from pyhanko.sign.validation.generic_cms import (
    extract_certs_for_validation,
    validate_sig_integrity,
)

from signing.reading.ber import is_indefinite, to_definite
from signing.reading.opening import Data, entry
from signing.reading.signature_fields import FoundSignature
from signing.reading.stretches import STRETCH, let_go, read_into
from signing.reading.usage_rights import is_usage_rights

_BYTE_RANGE: Final = re.compile(
    rb"/ByteRange\s{0,64}\[\s{0,64}0\s{1,64}(\d{1,10})\s{1,64}(\d{1,10})\s{1,64}(\d{1,10})\s{0,64}\]"
)
_LONGEST = 400  # bytes of what the pattern matches: stretches overlap by so much
_MIN_MESSAGE = 128  # bytes; no CMS with a signature is shorter
_MAX_MESSAGE = 1024 * 1024
_MAX_TRACES = 64
_HASHES: Final = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class RemovedSignature:
    """A whole signature that nothing shows: over which bytes, by whose certificate."""

    end: int  # where the signed bytes end
    certificate: x509.Certificate
    is_timestamp: bool

    def was_given_again(self, end: int, certificate: x509.Certificate) -> bool:
        """Whether a later signature over all of it is the same signer's: taken back, not taken."""
        mine, other = self.certificate, certificate
        same_key = mine.public_key.dump() == other.public_key.dump()
        same_name = (mine.subject.dump(), mine.issuer.dump()) == (
            other.subject.dump(),
            other.issuer.dump(),
        )
        return end > self.end and (same_key or same_name)


class TooManyTraces(Exception):
    """More byte ranges that no shown signature has than are looked at."""


class _Trace(NamedTuple):
    """A byte range that lies on the file: its gap, and where it ends."""

    first: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Message:
    trace: _Trace
    signer: cms.SignerInfo
    certificate: x509.Certificate
    content: Any  # of a time-stamp, None of a signature
    algorithm: str


def find_removed(
    pdf: Data, shown: Iterable[FoundSignature], check: Check = lambda: None
) -> list[RemovedSignature]:
    """Every whole signature that is not among the shown ones, in the order of the file.

    Args:
        pdf: the file's bytes.
        shown: the signatures of its newest revision.
        check: called between pieces of work; what it raises goes through.

    Raises:
        TooManyTraces: nobody but who floods a file writes so many.
    """
    known = {_spans(signature) for signature in shown}
    traces = sorted(set(_traces(pdf, check)) - known)
    if len(traces) > _MAX_TRACES:
        raise TooManyTraces
    messages = [message for trace in traces if (message := _read(pdf, trace)) is not None]
    return _whole(pdf, messages, check) if messages else []


def _spans(signature: FoundSignature) -> _Trace | None:
    spans = entry(signature.value, "/ByteRange")
    try:
        _, first, start, length = (int(number) for number in spans)
    except (TypeError, ValueError):
        return None
    return _Trace(first, start, start + length)


def _traces(pdf: Data, check: Check) -> Iterator[_Trace]:
    """Byte ranges whose gap holds one hexadecimal string that could be a message."""
    size = len(pdf)
    for begin in range(0, size, STRETCH):
        check()
        stop = min(begin + STRETCH + _LONGEST, size)
        for match in _BYTE_RANGE.finditer(pdf, begin, stop):
            first, start, length = (int(number) for number in match.groups())
            held = (start - first) // 2 - 1
            if start + length > size or not _MIN_MESSAGE <= held <= _MAX_MESSAGE:
                continue
            if pdf[first : first + 2] != b"<3" or pdf[start - 1 : start] != b">":
                continue
            trace = _Trace(first, start, start + length)
            # what stands outside the bytes that it claims is a copy: nobody signed it there
            if match.start() < trace.end and not is_usage_rights(pdf, match.start()):
                yield trace
        let_go(pdf, begin, stop)


def _read(pdf: Data, trace: _Trace) -> _Message | None:
    try:
        contents = bytes.fromhex(pdf[trace.first + 1 : trace.start - 1].decode("ascii"))
        if is_indefinite(contents):
            contents = to_definite(contents)
        message = cms.ContentInfo.load(contents)["content"]
        (signer,) = message["signer_infos"]
        certificate = extract_certs_for_validation(message).signer_cert
        wrapped = message["encap_content_info"]
        is_stamp = wrapped["content_type"].native == "tst_info"
        content = wrapped["content"] if is_stamp else None
        algorithm = str(signer["digest_algorithm"]["algorithm"].native)
        if content is not None:
            imprint = content.parsed["message_imprint"]["hash_algorithm"]
            algorithm = str(imprint["algorithm"].native)
    except Exception:  # digits of anything; asn1crypto and pyHanko share no errors
        return None
    if algorithm not in _HASHES:
        return None
    return _Message(trace, signer, certificate, content, algorithm)


def _whole(pdf: Data, messages: list[_Message], check: Check) -> list[RemovedSignature]:
    """Those that verify over their bytes; every byte is hashed once for each algorithm."""
    running = {message.algorithm: hashlib.new(message.algorithm) for message in messages}
    at = dict.fromkeys(running, 0)
    found = []
    for message in messages:  # in the order of their gaps
        check()
        name, (first, start, end) = message.algorithm, message.trace
        read_into(running[name], pdf, at[name], first)
        at[name] = first
        state = running[name].copy()
        read_into(state, pdf, start, end)
        if _verifies(message, state.digest()):
            stamp = message.content is not None
            found.append(RemovedSignature(end, message.certificate, stamp))
    return found


def _verifies(message: _Message, digest: bytes) -> bool:
    try:
        signed, expected = digest, "data"
        if message.content is not None:
            if message.content.parsed["message_imprint"]["hashed_message"].native != digest:
                return False
            own = str(message.signer["digest_algorithm"]["algorithm"].native)
            signed = hashlib.new(own, bytes(message.content)).digest()
            expected = "tst_info"
        intact, valid = validate_sig_integrity(
            message.signer,
            message.certificate,
            expected_content_type=expected,
            actual_digest=signed,
        )
    except Exception:  # see ``_read``
        return False
    return bool(intact and valid)
