"""The fast lane at B-LTA: wall time against one key operation and two time-stamping round trips.

RSA-2048; the authority is in its own process on loopback, once as fast as can be and once one that
builds its answers with a library, as authorities do. The floor is one key operation and two
requests with their answers over the same HTTP client, unread, one after the other. Every document
is another one, inspected before. OCSP and CRL come from the cache, as in daily work.
"""

from __future__ import annotations

from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, bench, compare, inspected_documents, run, signing_next
from signing.contract import Level, Role, SignOrder
from signing.evidence.fetching import Fetcher
from signing.evidence.stamp_messages import write_request

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


def main() -> list[Ratio]:
    """Wall time over the floor, against either authority."""
    return run(_both)  # type: ignore[return-value]


async def _both() -> list[Ratio]:
    return [
        await _measure("lta_vs_floor", fastest=True),
        await _measure("lta_vs_floor_library_authority", fastest=False),
    ]


async def _measure(name: str, *, fastest: bool) -> Ratio:
    order = SignOrder(b"", RSA, Role.INVISIBLE, Level.B_LTA)
    documents = inspected_documents()
    request = write_request(bytes(32), "sha256", 2**63)
    async with bench(fastest_authority=fastest) as made, Fetcher(made.config) as fetcher:
        service, key = made.service(fast_lane=True), await made.key(RSA)
        url = made.config.timestamp_urls[0]

        async def floor() -> None:
            await key.sign_raw(bytes(300))
            for _ in range(2):
                await fetcher.post(url, request, _HEADERS, 10)

        costs = await compare(
            {"floor": (floor, 80), "B-LTA": (signing_next(service, order, documents), 80)}
        )
    return Ratio(name, costs["B-LTA"].wall / costs["floor"].wall, 1.5, at_most=True)
