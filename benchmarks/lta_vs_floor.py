"""The fast lane at B-LTA: wall time against one key operation and two time-stamping round trips.

RSA-2048; the authority is a stub in its own process on loopback; a round trip is one request with
its answer over the same HTTP client, unread. Every document is another one, inspected before. OCSP
and CRL come from the cache, as in daily work.
"""

from __future__ import annotations

from benchmarks._ratio import Ratio
from benchmarks._signing import RSA, bench, compare, inspected_documents, run, signing_next
from signing.contract import Level, Role, SignOrder
from signing.evidence.fetching import Fetcher
from signing.evidence.messages import write_request

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


def main() -> list[Ratio]:
    """Wall time over the floor."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    order = SignOrder(b"", RSA, Role.INVISIBLE, Level.B_LTA)
    documents = inspected_documents()
    request = write_request(bytes(32), "sha256", 2**63)
    async with bench() as made, Fetcher(made.config) as fetcher:
        service, key = made.service(fast_lane=True), await made.key(RSA)
        url = made.config.timestamp_urls[0]
        costs = await compare(
            {
                "key": (lambda: key.sign_raw(bytes(300)), 100),
                "round trip": (lambda: fetcher.post(url, request, _HEADERS, 10), 100),
                "B-LTA": (signing_next(service, order, documents), 60),
            }
        )
    floor = costs["key"].wall + 2 * costs["round trip"].wall
    print(f"floor {floor:.2f} ms, B-LTA {costs['B-LTA'].wall:.2f} ms wall")
    return [Ratio("lta_vs_floor", costs["B-LTA"].wall / floor, 1.5, at_most=True)]
