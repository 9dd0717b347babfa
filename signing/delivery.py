"""A signed document put together and proved: in memory, or in a file beside its source.

Owns joining the source with what was appended. Nothing is delivered that does not pass
``signing.pades.proof``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from signing.pades.drafts import Draft, DraftOnDisk
from signing.pades.proof import GrowingProof, Proved, prove_appended
from signing.reading.mapped_files import append_to, mapped

_LOOKED_AT = 8 * 1024 * 1024  # bytes; looking ahead at a larger file would copy it once more


class Delivery(Protocol):
    """A way to deliver a signed document."""

    def look_ahead(self, appended: bytes, known: bytes, certificate: x509.Certificate) -> None:
        """Prove finished revisions while more is on its way; see ``GrowingProof``.

        ``known`` follows them, up to the next signature's message.
        """
        ...

    def draft(self) -> AbstractContextManager[Draft]:
        """The document to be written upon, for an act that proves its result by itself."""
        ...

    def whole(self, draft: Draft) -> bytes:
        """What is given of a draft that was proved: its bytes (or nothing)."""
        ...

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Prove everything that was appended; give the file (or nothing) and what was proved."""
        ...


class InMemory:
    """Deliver the whole file as bytes; ``state`` is a SHA-256 state that has read ``before``."""

    def __init__(self, before: bytes, state: Any = None) -> None:
        self._before = before
        self._state = state
        self._proof: tuple[x509.Certificate, GrowingProof] | None = None

    def look_ahead(self, appended: bytes, known: bytes, certificate: x509.Certificate) -> None:
        """Prove finished revisions of a file that is not large."""
        if len(self._before) + len(appended) <= _LOOKED_AT:
            proof = self._proof_for(certificate)
            proof.read(self._before + appended)
            proof.foresee(known)

    def _proof_for(self, certificate: x509.Certificate) -> GrowingProof:
        known = self._proof
        if known is None or not (known[0] is certificate or known[0] == certificate):
            known = certificate, GrowingProof(self._before, certificate, self._state)
            self._proof = known
        return known[1]

    def draft(self) -> AbstractContextManager[Draft]:
        """In memory."""
        return nullcontext(Draft(self._before))

    def whole(self, draft: Draft) -> bytes:
        """The file itself."""
        return bytes(draft.data)

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Prove and give the file."""
        proof = self._proof_for(certificate)
        after = self._before + appended
        proof.read(after)
        return after, proof.finish(signatures)


@dataclass(frozen=True, slots=True)
class IntoFile:
    """Deliver into a copy of the source, which had this size and SHA-256."""

    target: Path
    size: int
    digest: bytes

    def look_ahead(self, appended: bytes, known: bytes, certificate: x509.Certificate) -> None:
        """Nothing: the file is read once, where it lies."""

    def draft(self) -> AbstractContextManager[Draft]:
        """The copy itself."""
        return DraftOnDisk(self.target)

    def whole(self, draft: Draft) -> bytes:
        """Nothing: it lies where it should."""
        return b""

    def deliver(
        self, appended: bytes, certificate: x509.Certificate, signatures: int
    ) -> tuple[bytes, Proved]:
        """Write, and prove what lies on the disk."""
        append_to(self.target, self.size, appended)
        with mapped(self.target) as after:
            return b"", prove_appended(after, self.size, certificate, signatures, self.digest)
