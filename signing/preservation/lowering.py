"""Signing at the level that can be reached now, when the order allows it.

Owns which level is tried after which failure. Leaves signing to the caller's attempt and raising
the level afterwards to ``extending``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from signing.contract import Level, SignedPdf, SigningUnavailable, SignOrder
from signing.keys.contract import KeyUnavailable, OpenedKey

T = TypeVar("T")

# what failed → the highest level that does not need it
_WITHOUT = {
    "revocation_unavailable": Level.B_T,
    "timestamp_authority_status": Level.B_T,
    "timestamp_unavailable": Level.B_B,
    "timestamp_untrusted": Level.B_B,
}


def level_without(level: Level, failure: str) -> Level | None:
    """The level to try after a failure at ``level``; None when a lower one is no help."""
    lower = _WITHOUT.get(failure)
    return lower if lower is not None and lower.rank < level.rank else None


async def reach(
    order: SignOrder,
    attempt: Callable[[Level], Awaitable[T]],
    may_repeat: Callable[[], bool] = lambda: True,
) -> tuple[T, str]:
    """Attempt at the order's level, then lower and lower while services are down.

    ``may_repeat``: whether a failed attempt has used up nothing that another one needs.

    Gives what ``attempt`` gave, and the first failure's code (empty: nothing had failed).

    Raises:
        Whatever ``attempt`` raises, once no lower level is left or accepted.
    """
    level, shortfall = order.level, ""
    while True:
        try:
            return await attempt(level), shortfall
        except KeyUnavailable:
            raise
        except SigningUnavailable as error:
            lower = level_without(level, error.code)
            if lower is None or not order.accept_lower or not may_repeat():
                raise
            shortfall = shortfall or error.code
            level = lower


async def sign_reachable(
    order: SignOrder, key: OpenedKey, attempt: Callable[[SignOrder], Awaitable[SignedPdf]]
) -> SignedPdf:
    """Sign as ordered, or at a level that can be reached while the order accepts it.

    A key whose confirmation is used up is not asked again: its owner confirmed one signature.

    Raises:
        Whatever ``attempt`` raises, once no lower level is left or accepted.
    """
    signed, shortfall = await reach(
        order,
        lambda level: attempt(order if level is order.level else replace(order, level=level)),
        lambda: not key.spent,
    )
    return replace(signed, shortfall=shortfall) if shortfall else signed
