"""The clerk's four signatures in one act against four key operations, and what time-stamps add.

Number, day, month and seal over one document, RSA-2048, the fast lane; B-B by CPU time. Every act
is on another document, inspected and surveyed before. At B-T each later signature covers the bytes
of the earlier time-stamps, so its digest is not known before they are there: the four round trips
cannot overlap, and the wall time says so. Only the documents of a batch can be stamped side by
side.
"""

from __future__ import annotations

import dataclasses

from benchmarks._ratio import Ratio
from benchmarks._signing import CLERK, bench, compare, inspected_documents, run, signing_next
from signing.contract import DocumentNumber, Level, Placement, Role, SignedPdf, SignOrder
from signing.evidence.fetching import Fetcher
from signing.evidence.stamp_messages import write_request

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_SIGNATURES = 4


def main() -> list[Ratio]:
    """Four signatures over four key operations at B-B; over keys and trips at B-T."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    number = DocumentNumber(5, "QĐ-UBND", "2026-02-09")
    seal = Placement(1, (90, 210, 36, 36), over_text=True)
    order = SignOrder(b"", CLERK, Role.AGENCY, Level.B_B, document_number=number, placement=seal)
    stamped = dataclasses.replace(order, level=Level.B_T)
    documents = inspected_documents()
    request = write_request(bytes(32), "sha256", 2**63)
    async with bench() as made, Fetcher(made.config) as fetcher:
        service, key = made.service(fast_lane=True), await made.key(CLERK)
        url = made.config.timestamp_urls[0]
        sign = signing_next(service, order, documents)
        signed = await sign()
        assert isinstance(signed, SignedPdf)
        assert len(signed.field_names) == _SIGNATURES
        cost = await compare(
            {
                "key": (lambda: key.sign_raw(bytes(300)), 200),
                "round trip": (lambda: fetcher.post(url, request, _HEADERS, 10), 100),
                "B-B": (sign, 60),
                "B-T": (signing_next(service, stamped, documents), 40),
            }
        )
        last = await sign()
        assert isinstance(last, SignedPdf)
        stages = last.timings_ms
    print("stages of one act, ms: " + ", ".join(f"{k} {v:.2f}" for k, v in stages.items()))
    trips = _SIGNATURES * (cost["key"].wall + cost["round trip"].wall)
    return [
        Ratio("clerk_vs_keys", cost["B-B"].cpu / (_SIGNATURES * cost["key"].cpu), 1.5, True),
        Ratio("clerk_vs_keys_and_trips", cost["B-T"].wall / trips, 1.5, True),
    ]
