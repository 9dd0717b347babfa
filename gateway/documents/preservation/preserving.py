"""What documents ask of the signing service beside signing, and where its reckoning is kept."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.preservation.doubts import Void
from signing.contract import Preserving, Provability, Signatures, SigningError, Watching


class PreservingSignatures(Signatures, Preserving, Protocol):
    """Signs, and keeps what is signed provable."""


class WatchingSignatures(PreservingSignatures, Watching, Protocol):
    """Also looks after the certificates that have signed."""


async def reckon(
    signatures: PreservingSignatures, pdf: bytes, void: Void = ()
) -> Provability | None:
    """Until when a file is provable; None when nobody could say (the calendar asks again).

    ``void``: what its portal reckons without.

    What was signed is published either way: a lost signer process must not cost a signature.
    """
    try:
        return await signatures.provability(pdf, void)
    except SigningError:
        return None


def columns_of(provable: Provability | None) -> dict[str, Any]:
    """The reckoning as columns of a revision."""
    if provable is None:
        return {"provable_until": None, "provable_reason": None}
    return {"provable_until": provable.until, "provable_reason": provable.reason}
