"""The clerk's four signatures in one act against four key operations and what time-stamps take.

Number, day, month and seal over one document, RSA-2048, the fast lane; every act is on another
document, inspected and surveyed before. B-B by CPU time. B-T by wall time, under either policy
(``signing.timestamps.of_an_act``), each against the trips it cannot do without:

- ``each``: every later signature covers the bytes of the earlier time-stamp, so its digest is not
  known before that is there. Four trips stand in a row, and the floor is four times a key operation
  and a trip.
- ``one``: one document time-stamp after the last signature. The floor is four key operations and
  one trip, which is also what four trips side by side would take.

Floors are measured in one go over the same HTTP client, answers unread. The authority is as fast as
can be, which is the hardest case: a slower one hides more of our own work behind the wait.
"""

from __future__ import annotations

import dataclasses

from benchmarks._ratio import Ratio
from benchmarks._signing import (
    CLERK,
    Bench,
    Work,
    bench,
    compare,
    inspected_documents,
    run,
    signing_next,
)
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
    async with bench() as made, Fetcher(made.config) as fetcher:
        each, one = (
            made.service(fast_lane=True, timestamps_of_an_act=policy) for policy in ("each", "one")
        )
        sign, sign_each = (signing_next(each, asked, documents) for asked in (order, stamped))
        sign_one = signing_next(one, stamped, documents)
        key = await made.key(CLERK)
        cost = await compare(
            {
                "key": (lambda: key.sign_raw(bytes(300)), 200),
                "keys, four trips": (await _floor(made, fetcher, trips=_SIGNATURES), 40),
                "keys, one trip": (await _floor(made, fetcher, trips=1), 60),
                "B-B": (sign, 60),
                "B-T each": (sign_each, 40),
                "B-T one": (sign_one, 60),
            }
        )
        for act in (sign, sign_each, sign_one):
            await _check(act)
    four, once = cost["keys, four trips"], cost["keys, one trip"]
    return [
        Ratio("clerk_vs_keys", cost["B-B"].cpu / (_SIGNATURES * cost["key"].cpu), 1.5, True),
        Ratio("clerk_each_vs_keys_and_four_trips", cost["B-T each"].wall / four.wall, 1.5, True),
        Ratio("clerk_one_vs_keys_and_one_trip", cost["B-T one"].wall / once.wall, 1.5, True),
    ]


async def _floor(made: Bench, fetcher: Fetcher, *, trips: int) -> Work:
    """Four key operations and so many trips, one after the other."""
    key, url = await made.key(CLERK), made.config.timestamp_urls[0]
    request = write_request(bytes(32), "sha256", 2**63)

    async def floor() -> None:
        for _ in range(_SIGNATURES):
            await key.sign_raw(bytes(300))
        for _ in range(trips):
            await fetcher.post(url, request, _HEADERS, 10)

    return floor


async def _check(sign: Work) -> None:
    """Whether acts are what they should be; tell where the time of one goes."""
    signed = await sign()
    assert isinstance(signed, SignedPdf)
    assert len(signed.field_names) == _SIGNATURES
    told = ", ".join(f"{k} {v:.2f}" for k, v in signed.timings_ms.items())
    print(f"stages of one act at {signed.level}, ms: {told}")
