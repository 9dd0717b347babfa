"""VNPost HCC: delivery of administrative results through NGSP, or a provincial LGSP.

Follows the order interface that VNPost publishes on NGSP (Thông tư 17/2017/TT-BTTTT Điều 15.2
names NGSP as the channel): fields as in the NGSP SDK 1.0.0 (``vn.mitc.ngsp.sdk``) and two
provincial one-stop systems in service. The tracking code table is not published, so it is the
account's ``statuses`` option; see ``statuses.py`` for what holds without it.

One connector serves both variants. Against NGSP, ``base_url`` and ``token_url`` are enough. A
provincial LGSP gives its own addresses (``order_url``, ``coded_order_url`` for parcels that
already carry an item number, ``price_url`` ...) and often a fixed token instead of OAuth2
(``access = "static_token"``; the token is then the ``secret_key``).
"""

from __future__ import annotations

from typing import Final

from connectors.contract import Capability, Kind, Spec, Stage

SPEC: Final = Spec(
    name="vnpost_hcc",
    title="VNPost HCC (NGSP/LGSP)",
    kind=Kind.POSTAL,
    stage=Stage.DOCUMENTED,
    document="NGSP VNPost order interface, NGSP SDK vn.mitc.ngsp.sdk",
    version="1.0.0 (apiVNPostNGSP/p1.0)",
    capabilities=frozenset(
        {
            Capability.QUERY,
            Capability.CANCEL,
            Capability.TRACKING_FEED,
            Capability.COLLECT_ON_DELIVERY,
            Capability.QUOTE,
        }
    ),
    reference_charset=r"A-Za-z0-9.\-_",
    reference_max=50,
    min_amount_vnd=0,
    callback_legs=(),
    options=("base_url", "customer_code", "province_codes"),
    optional=(
        "access",
        "token_url",
        "consumer_key",
        "order_url",
        "coded_order_url",
        "cancel_url",
        "tracking_url",
        "price_url",
        "district_codes",
        "statuses",
        "refused_statuses",
        "flag_config",
        "page_size",
        "feed_lists_new_orders",
        "feed_delay_s",
    ),
    secrets=("secret_key",),
)
