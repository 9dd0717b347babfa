"""A pool of two signer processes against a pool of one: documents a second, the fast lane, B-B.

Wall time of a batch of orders handed over together, rounds in turn; the parent hands over bytes and
takes them back on the same two cores.
"""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter

from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, bench, document, run
from gateway.foundation.garbage import collect_seldom
from signing.contract import Level, Role, SignOrder
from signing.processes.pool import SignerPool

_BATCH = 300
_ROUNDS = 5


def main() -> list[Ratio]:
    """Two over one."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    order = SignOrder(document(), RSA, Role.INVISIBLE, Level.B_B)
    async with (
        bench() as made,
        SignerPool(made.config, 1) as one,
        SignerPool(made.config, 2) as two,
    ):
        await _batch(one, order, 8)
        await _batch(two, order, 16)
        collect_seldom()  # as ``motcua serve`` does
        rates: dict[str, list[float]] = {"1 worker": [], "2 workers": []}
        for number in range(1, _ROUNDS + 1):
            for name, pool in (("1 worker", one), ("2 workers", two)):
                rates[name].append(_BATCH / await _batch(pool, order, _BATCH))
            told = ", ".join(f"{name} {rate[-1]:.0f}" for name, rate in rates.items())
            print(f"round {number}: documents a second: {told}")
    ratio = statistics.median(rates["2 workers"]) / statistics.median(rates["1 worker"])
    return [Ratio("workers", ratio, 1.7)]


async def _batch(pool: SignerPool, order: SignOrder, count: int) -> float:
    start = perf_counter()
    await asyncio.gather(*(pool.sign(order) for _ in range(count)))
    return perf_counter() - start
