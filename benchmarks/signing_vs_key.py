"""The fast lane at B-B against the bare key: documents a second over raw signatures a second.

Both with the key kept open, CPU time, rounds in turn. The lane's side holds everything the service
does: certificate, chain and cached revocation checked, the raw signature verified, the result
proved; every document of a round is another one, inspected before. P-256 signs in some 20 µs
and verifies in twice that: its ratio says how much of an act is not the key.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable

from benchmarks._ratio import Ratio
from benchmarks._signing import EC, RSA, Work, bench, compare, document, run
from signing.contract import Level, Role, SignOrder

_SIGNED_BYTES = 300  # about the size of the signed attributes
_DOCUMENTS = 150


def main() -> list[Ratio]:
    """RSA-2048, then P-256."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    documents = itertools.cycle([document(number) for number in range(1, _DOCUMENTS + 1)])
    async with bench() as made:
        service = made.service(fast_lane=True)
        sides: dict[str, tuple[Work, int]] = {}
        for name in (RSA, EC):
            key = await made.key(name)

            def sign(name: str = name) -> Awaitable[object]:
                order = SignOrder(next(documents), name, Role.INVISIBLE, Level.B_B)
                return service.sign(order, inspected=True)

            sides[f"{name} key"] = (lambda key=key: key.sign_raw(bytes(_SIGNED_BYTES)), 300)  # type: ignore[misc]
            sides[f"{name} lane"] = (sign, _DOCUMENTS)
        costs = await compare(sides)
    return [
        Ratio(f"signing_vs_key_{kind}", costs[f"{name} key"].cpu / costs[f"{name} lane"].cpu, 0.5)
        for kind, name in (("rsa2048", RSA), ("p256", EC))
    ]
