"""The manual carrier: an officer hands the parcel over and types what the post says.

For a province without a connection to VNPost, and for the days when the connection is down. It
needs no network: the parcel's order is our own record, the officer types the item number printed
by the post office and, later, each event, in the codes of UPU EMSEVT v3.
"""

from __future__ import annotations

from typing import Final

from connectors.contract import Capability, Kind, Spec, Stage

SPEC: Final = Spec(
    name="manual",
    title="Gửi thủ công tại bưu cục",
    kind=Kind.POSTAL,
    stage=Stage.VERIFIED,
    document="UPU S10 (item numbers), UPU EMSEVT v3 (event codes)",
    version="S10-12, EMSEVT v3",
    capabilities=frozenset({Capability.QUERY, Capability.CANCEL, Capability.COLLECT_ON_DELIVERY}),
    reference_charset=r"A-Za-z0-9.\-_",
    reference_max=50,
    min_amount_vnd=0,
    callback_legs=(),
    optional=("strict_item_numbers",),
)
