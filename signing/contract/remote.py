"""Keys that their owner confirms elsewhere: on a phone, at a desktop signer, days later.

Such an act has two halves with any time and any number of restarts between them:

1. ``prepare`` checks signer and document and writes the revision with room for the signature. The
   caller stores what it gets (``Prepared``) before anything is sent.
2. ``start`` sends the digests once, under our reference; ``ask`` tells what became of them, also
   after a time-out (same reference, nothing is sent again); ``cancel`` withdraws them.
3. ``finish`` verifies the raw signature against the certificate, embeds it, proves the file.

Plain picklable values; no provider's field name appears here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from signing.contract.orders import SignedFile, SignedPdf, SignOrder


class Confirmation(StrEnum):
    """How the owner of a key agrees to a signature."""

    HERE = "here"  # with a PIN or code given to us: one call signs (files, tokens, CSC)
    ELSEWHERE = "elsewhere"  # in the provider's own application: start, then ask or be told
    HAND_OFF = "hand_off"  # the whole file is signed by a desktop program and comes back


class RemoteState(StrEnum):
    """What a started act is waiting for; from ``DONE`` on nothing changes any more.

    ``UNKNOWN`` (a time-out after sending) is no end: it is asked about, never sent again.
    """

    REQUESTED = "requested"
    WAITING_USER = "waiting_user"
    SIGNING = "signing"
    UNKNOWN = "unknown"
    DONE = "done"
    REJECTED = "rejected"
    EXPIRED = "expired"
    QUOTA = "quota"
    CERTIFICATE_INVALID = "certificate_invalid"
    ERROR = "error"

    @property
    def is_final(self) -> bool:
        """Whether asking again can bring nothing new."""
        return self not in _OPEN


_OPEN = (
    RemoteState.REQUESTED,
    RemoteState.WAITING_USER,
    RemoteState.SIGNING,
    RemoteState.UNKNOWN,
)


# The code of an error that says only this: nobody can be asked any more what became of it.
OUTCOME_UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """One signature asked for: our name for it, and what is signed."""

    item: str  # unique within the ticket; comes back with its signature
    to_be_signed: bytes  # DER of the signed attributes; its SHA-256 is what the key signs
    title: str  # what the owner reads while confirming


@dataclass(frozen=True, slots=True)
class Ticket:
    """A started act, as it must be stored to be asked about after a restart."""

    credential: str
    reference: str  # ours; committed by the caller before ``start``
    state: RemoteState
    provider_reference: str = ""  # theirs; empty while unknown
    detail: str = ""  # Vietnamese, for the official
    expires_at: datetime | None = None
    ask_after_s: float = 5.0
    signatures: Mapping[str, bytes] = field(default_factory=dict)  # item → raw; once DONE
    code: str = ""  # for machines: ``outcome_unknown``, or what the provider called it
    items: tuple[str, ...] = ()  # what was asked for; some providers answer by position alone


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file waiting for one raw signature.

    An act of several signatures (the clerk's four) is prepared one at a time: ``finish`` gives
    the next ``Prepared`` until the last one gives the signed file.
    """

    pdf: bytes  # the whole file with an empty signature; the input's bytes come first
    state: bytes  # everything else ``finish`` needs; opaque, no secret in it
    to_be_signed: bytes
    part: int  # from 1
    parts: int


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """``Prepared`` for a file on the disk."""

    sha256: str
    state: bytes
    to_be_signed: bytes
    part: int  # from 1
    parts: int


@runtime_checkable
class RemoteSignatures(Protocol):
    """The half of the signing service for keys confirmed elsewhere."""

    async def prepare(self, order: SignOrder) -> Prepared:
        """Check everything and write the revision; no key is touched.

        Raises:
            DocumentRefused, CredentialRefused, SigningUnavailable.
        """
        ...

    async def start(self, credential: str, reference: str, items: tuple[RemoteItem, ...]) -> Ticket:
        """Send once. A provider's refusal is a final state, a time-out is ``UNKNOWN``.

        Raises:
            SigningUnavailable: nothing was sent; may be started again under the same reference.
        """
        ...

    async def ask(self, ticket: Ticket) -> Ticket:
        """What became of it; the same ticket when nobody answers."""
        ...

    async def cancel(self, ticket: Ticket) -> Ticket:
        """Withdraw it; the outcome may still be ``DONE``."""
        ...

    async def read_callback(self, credential: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Verify and read what a provider pushed.

        Raises:
            CredentialRefused: code ``callback_refused``; nothing in it is believed.
        """
        ...

    async def finish(self, prepared: Prepared, signature: bytes) -> SignedPdf | Prepared:
        """Embed a raw signature that verifies; the next part, or the proven file.

        Raises:
            CredentialRefused: ``bad_signature`` and everything ``prepare`` raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """A verified callback: which ticket it is about, how that stands, what to answer.

    An open state is a hint and no more: ask. So is every callback of a provider that cannot prove
    who is calling. ``reference`` is empty where the provider repeats only its own, and both are
    where it only wants to be let in: then the reply is all that matters.
    """

    reference: str
    provider_reference: str
    state: RemoteState
    detail: str = ""
    signatures: Mapping[str, bytes] = field(default_factory=dict)
    reply: bytes = b""
    reply_type: str = "application/json"


@runtime_checkable
class HandOffs(Protocol):
    """The half of the signing service for files that a desktop program signs as a whole."""

    async def accept_hand_off(self, order: SignOrder, signed: bytes) -> SignedPdf:
        """Prove that a file which came back is the order's, signed by the order's key.

        The order's bytes come first and unchanged, what follows is signatures only, and the new
        ones hold under the credential's certificate.

        Raises:
            DocumentRefused: not this document, or changed beyond its signatures.
            CredentialRefused: unsigned, or signed by somebody else's key.
            SigningUnavailable: could not be checked.
        """
        ...


@runtime_checkable
class RemoteFiles(Protocol):
    """The same for files too large to be handed about; see ``LargeFiles``.

    ``order.pdf`` is not looked at. On a refusal there is no target file.
    """

    async def prepare_file(self, order: SignOrder, source: Path, target: Path) -> PreparedFile:
        """As ``RemoteSignatures.prepare``, into another file."""
        ...

    async def finish_file(
        self, prepared: PreparedFile, signature: bytes, files: RemoteFilePaths
    ) -> SignedFile | PreparedFile:
        """As ``RemoteSignatures.finish``, into another file.

        Raises:
            DocumentRefused: also where the prepared file does not begin with the original.
        """
        ...

    async def accept_hand_off_file(
        self, order: SignOrder, source: Path, signed: Path
    ) -> SignedFile:
        """As ``HandOffs.accept_hand_off``; ``signed`` is the result, as it came."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteFilePaths:
    """The document as the act began, as it was prepared, and where the result goes."""

    original: Path
    prepared: Path
    target: Path
