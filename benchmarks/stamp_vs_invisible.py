"""A visible signature with real Vietnamese text against an invisible one, on both paths.

B-B, RSA-2048, CPU time, rounds in turn; every document is another one. The stamp is a block of
three lines (signer, title, time) in an embedded font, at a place the order names and where it may
cover text; the third side also searches the page's text for title and signer's name, in the survey
that the reader made of the page.
"""

from __future__ import annotations

import dataclasses

from benchmarks._ratio import Ratio
from benchmarks._signing import (
    RSA,
    Work,
    bench,
    compare,
    inspected_documents,
    run,
    signing_next,
)
from signing.contract import Level, Placement, Role, SignOrder


def main() -> list[Ratio]:
    """The ordinary path, the lane, the lane with a search for the place."""
    return run(_measure)  # type: ignore[return-value]


async def _measure() -> list[Ratio]:
    invisible = SignOrder(b"", RSA, Role.INVISIBLE, Level.B_B)
    searched = dataclasses.replace(
        invisible, role=Role.PERSON, title="Chủ tịch", signer_name="Nguyễn Văn Mẫu"
    )
    placed = dataclasses.replace(
        searched, placement=Placement(1, (110, 210, 60, 18), over_text=True)
    )
    documents = inspected_documents()
    async with bench() as made:
        made.config = dataclasses.replace(
            made.config,
            keys=tuple(dataclasses.replace(k, image_path=None) for k in made.config.keys),
        )
        sides: dict[str, tuple[Work, int]] = {}
        for path, fast, times in (("ordinary", False, 15), ("lane", True, 100)):
            service = made.service(fast_lane=fast)
            for look, order in (
                ("invisible", invisible), ("placed", placed), ("searched", searched),
            ):  # fmt: skip
                sides[f"{path} {look}"] = (signing_next(service, order, documents), times)
        cost = await compare(sides)
    return [
        Ratio(f"stamp_vs_invisible_{path}{suffix}", ratio, 1.5, at_most=True)
        for path in ("ordinary", "lane")
        for look, suffix in (("placed", ""), ("searched", "_searched"))
        if (ratio := cost[f"{path} {look}"].cpu / cost[f"{path} invisible"].cpu)
    ]
