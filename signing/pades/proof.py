"""The check of our own work before it leaves: independent of whatever wrote it.

Reads the appended bytes with nothing but a pattern, a reader of signed messages and cryptography:
the input comes first unchanged; every signature that was announced is there, covers its whole
revision, has the digest of exactly those bytes, is signed by the expected certificate; every
time-stamp is over the bytes before it; the last one covers the whole file; the file's end leads to
its cross-references. Every byte is hashed once for all of this. Trust and time are
``signing.validation``'s.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any, NamedTuple

import msgspec
from cryptography import x509

from signing.evidence.eligibility import encoded
from signing.evidence.messages import (
    SignedMessage,
    bound_certificate,
    read_message,
    without_padding,
)
from signing.evidence.signatures import HASHES, HeldSignatures
from signing.evidence.tokens import Tokens
from signing.evidence.unchecked import verified_signer
from signing.pades.byte_ranges import Foreseen, byte_ranges, foresee, message_in
from signing.pades.failing import failed, failing
from signing.pades.proven_forms import Proven, Statement, proven_with, statement_of
from signing.reading.stretches import read_into

# a revision of validation data: the catalogue names its store, or the store itself is written anew
_VALIDATION_DATA = re.compile(rb"/(?:DSS|Certs|OCSPs|CRLs)\b")
_END = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_CROSS_REFERENCES = re.compile(rb"xref\s|\d+ \d+ obj")


class _Read(msgspec.Struct, frozen=True):
    """One signature dictionary's message: read in full, or of a form that was proved before."""

    encoded: bytes
    message: SignedMessage | None  # None: of a known form, by ``statement``'s bytes
    statement: Statement | None  # None: a time-stamp
    algorithm: str  # by which it speaks of the bytes around it


class _Signed(msgspec.Struct, frozen=True):
    """A message, the digest of what it covers (of the message's own kind), where that ends."""

    digest: bytes
    end: int
    read: _Read


@dataclass(slots=True)
class _Progress:
    """How far a file was read and found right."""

    state: Any  # SHA-256 over the first ``position`` bytes
    position: int
    last: int = 0  # where what the last message covers ends
    of_signatures: list[bytes | None] = field(default_factory=list)  # each one's time-stamp
    archives: list[bytes] = field(default_factory=list)  # document time-stamps
    before_last: int = 0  # how many of them precede the last signature
    foreseen: Foreseen | None = None  # what follows, if it is what was expected


class Proved(NamedTuple):
    """What a proof has found: the file's SHA-256 (hexadecimal) and its new time-stamps."""

    sha256: str
    tokens: Tokens


def prove(
    before: bytes,
    after: bytes,
    certificate: x509.Certificate,
    signatures: int,
    state_before: Any = None,
) -> Proved:
    """Verify a freshly signed file.

    Args:
        before: the file as it came.
        after: the file with our revisions.
        certificate: who must have signed.
        signatures: how many signatures (time-stamps not counted) were made.
        state_before: a SHA-256 state that has read exactly ``before``, where the caller has one
            from before anything was written; it is not changed.

    Raises:
        ProofFailed: code ``self_check_failed``.
    """
    proof = GrowingProof(before, certificate, state_before)
    proof.read(after)
    return proof.finish(signatures)


class GrowingProof:
    """The same proof of a file that still grows: finished revisions, while more is on its way.

    What was read is not read again: whatever is read later must begin with exactly its bytes.
    Otherwise (a document begun anew) everything is read again from the beginning.
    """

    def __init__(
        self, before: bytes, certificate: x509.Certificate, state_before: Any = None
    ) -> None:
        self._before = before
        self._certificate = certificate
        self._state_before = state_before
        self._read: tuple[bytes, _Progress] | None = None  # what, and how far that goes

    def read(self, after: bytes) -> None:
        """Verify a file that ends with a finished revision.

        Raises:
            ProofFailed: code ``self_check_failed``.
        """
        known, self._read = self._read, None  # a failure leaves nothing half read
        if known is None or not after.startswith(known[0]):
            if not after.startswith(self._before):
                raise failed("the input's bytes were changed")
            given = self._state_before
            state = hashlib.sha256(self._before) if given is None else given.copy()
            known = self._before, _Progress(state, len(self._before))
        progress = known[1]
        if progress.foreseen and not after.startswith(progress.foreseen.tail, progress.position):
            progress.foreseen = None
        with failing():
            _read_on(after, progress, self._certificate)
        self._read = after, progress

    def foresee(self, tail: bytes) -> None:
        """Hash what will follow, up to the next gap; it counts only if it does follow."""
        if self._read is not None:
            progress = self._read[1]
            progress.foreseen = foresee(tail, progress.state)

    def finish(self, signatures: int) -> Proved:
        """Whether that was all; see ``prove``.

        Raises:
            ProofFailed: code ``self_check_failed``.
        """
        if self._read is None:
            raise failed("nothing was read")
        with failing():
            return _ended(self._read[1], signatures)


def prove_appended(
    after: bytes | mmap,
    size_before: int,
    certificate: x509.Certificate,
    signatures: int,
    digest_before: bytes,
) -> Proved:
    """Verify what follows the first ``size_before`` bytes; see ``prove``.

    ``digest_before`` is the SHA-256 that those bytes must have: they are read again.
    """
    state = _read_input(after, size_before, digest_before)
    progress = _Progress(state, size_before)
    with failing():
        _read_on(after, progress, certificate)
        return _ended(progress, signatures)


def prove_extension(
    after: bytes | mmap, size_before: int, stamps: int, digest_before: bytes
) -> Proved:
    """Verify that proof alone was added: ``stamps`` time-stamps; otherwise as ``prove_appended``.

    Where nothing was added, the file is the one that came.
    """
    state = _read_input(after, size_before, digest_before)
    with failing():
        return _prove_extension(after, state, size_before, stamps)


def _read_input(after: bytes | mmap, size: int, digest: bytes) -> Any:
    """A SHA-256 state that has read the file as it came, and found it unchanged."""
    state = hashlib.sha256()
    read_into(state, after, 0, size)
    if not hmac.compare_digest(state.digest(), digest):
        raise failed("the input's bytes were changed")
    return state


def _prove_extension(after: bytes | mmap, state: Any, size_before: int, stamps: int) -> Proved:
    found, position = [], size_before
    with memoryview(after) as view:
        for length, second, end in byte_ranges(after, size_before):
            state.update(view[position:length])
            position, read = length, _read(message_in(after, length, second), None)
            covered = _read_before(state, read.algorithm, view[:length])
            covered.update(view[second:end])
            found.append(_Signed(covered.digest(), end, read))
        state.update(view[position:])
    if len(found) != stamps or not all(one.read.statement is None for one in found):
        raise ValueError(f"{len(found)} signatures found, {stamps} time-stamps made")
    tokens = []
    for one in found:
        tokens.append(_check_timestamp(one))
        _check_end(after, one.end)
    last = max((one.end for one in found), default=size_before)
    if last != len(after):
        if not _VALIDATION_DATA.search(after, last):
            raise ValueError("something else was added")
        _check_end(after, len(after))
    return Proved(state.hexdigest(), Tokens((), tuple(tokens), tuple(tokens)))


def _read_on(after: bytes | mmap, progress: _Progress, certificate: x509.Certificate) -> None:
    """Read and check what follows what was read; the file must end with a finished revision."""
    state, position, search = progress.state, progress.position, None
    if progress.foreseen is not None:
        tail, state, first = progress.foreseen
        position, search = position + len(tail), position + first
    proven, found = proven_with(certificate), []
    with memoryview(after) as view:
        for length, second, end in byte_ranges(after, position, search):
            state.update(view[position:length])
            position = length
            read = _read(message_in(after, length, second), proven)
            covered = _read_before(state, read.algorithm, view[:length])
            covered.update(view[second:end])
            found.append(_Signed(covered.digest(), end, read))
        state.update(view[position:])
    for one in found:
        if one.read.statement is None:
            progress.archives.append(_check_timestamp(one))
        else:
            _check_signature(one, one.read.statement, certificate, proven.held)
            progress.of_signatures.append(one.read.statement.token)
            progress.before_last = len(progress.archives)
        _check_end(after, one.end)
        progress.last = max(progress.last, one.end)
    _check_last(after, progress)
    progress.state, progress.position, progress.foreseen = state, len(after), None
    for one in found:
        if one.read.statement is not None and one.read.message is not None:
            proven.remember(one.read.encoded, one.read.message)


def _ended(progress: _Progress, signatures: int) -> Proved:
    made = tuple(progress.of_signatures)
    if len(made) != signatures:
        raise ValueError(f"{len(made)} signatures found, {signatures} made")
    archives = tuple(progress.archives)
    return Proved(
        progress.state.hexdigest(), Tokens(made, archives, archives[progress.before_last :])
    )


def _read(encoded: bytes, proven: Proven | None) -> _Read:
    """A message: its form where that was proved before, else in full."""
    statement = None if proven is None else proven.read(encoded)
    if statement is not None:
        return _Read(encoded, None, statement, statement.algorithm)
    message = read_message(encoded)
    if message.is_timestamp:
        name = message.time_stamp.digest
    else:
        name, statement = message.digest, statement_of(message)
    if name not in HASHES:
        raise ValueError("the digest is none of SHA-256, SHA-384, SHA-512")
    return _Read(encoded, message, statement, name)


def _read_before(state: Any, algorithm: str, before: memoryview) -> Any:
    """A hash that has read what precedes a message: nearly always the one that runs along."""
    return state.copy() if algorithm == "sha256" else hashlib.new(algorithm, before)


def _check_last(after: bytes | mmap, progress: _Progress) -> None:
    if not progress.last:
        raise ValueError("nothing was signed")
    # A B-LT file ends with a revision of validation data only, after the signature.
    if progress.last != len(after):
        if not _VALIDATION_DATA.search(after, progress.last):
            raise ValueError("something follows the last signature")
        _check_end(after, len(after))


def _check_end(after: bytes | mmap, end: int) -> None:
    """A revision must end with the way to its own cross-references."""
    tail = _END.search(after[max(0, end - 64) : end])
    if tail is None or _CROSS_REFERENCES.match(after, int(tail[1])) is None:
        raise ValueError("a signature does not cover its whole revision")


def _check_signature(
    one: _Signed, statement: Statement, certificate: x509.Certificate, held: HeldSignatures
) -> None:
    if not hmac.compare_digest(statement.digest, one.digest):
        raise ValueError("the digest is not the document's")
    if one.read.message is not None:  # of a known form: it names this certificate, byte for byte
        name, fingerprint = bound_certificate(one.read.message)
        if not hmac.compare_digest(fingerprint, hashlib.new(name, encoded(certificate)).digest()):
            raise ValueError("the signature names another certificate")
    if not held.holds(
        statement.signature,
        statement.signed,
        HASHES[statement.algorithm],
        pss=statement.pss,
        salt_length=statement.salt_length,
    ):
        raise ValueError("the signature does not hold")


def _check_timestamp(one: _Signed) -> bytes:
    """Whether a document time-stamp holds and is about the bytes before it; gives its token."""
    message = one.read.message
    if message is None:
        raise ValueError("a time-stamp was not read")
    verified_signer(message)
    if not hmac.compare_digest(message.time_stamp.imprint, one.digest):
        raise ValueError("the time-stamp is about other bytes")
    return without_padding(one.read.encoded)
