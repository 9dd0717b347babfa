"""VNPAY PAY 2.1.0: payment page, IPN, return, querydr, refund.

The passport of this connector. Document: VNPAY "PAY 2.1.0" integration guide and
"querydr & refund" page; signatures recomputed from published samples.
"""

from connectors.contract import Capability, Kind, Spec, Stage

SPEC = Spec(
    name="vnpay",
    title="VNPAY",
    kind=Kind.PAYMENT,
    stage=Stage.VERIFIED,
    document="VNPAY PAY 2.1.0",
    version="2.1.0",
    capabilities=frozenset({Capability.QUERY, Capability.REFUND, Capability.PARTIAL_REFUND}),
    reference_charset="A-Za-z0-9",
    reference_max=100,
    min_amount_vnd=1,
    max_amount_vnd=9_999_999_999,
    amount_factor=100,
    callback_legs=("", "return"),
    options=("tmn_code", "base_url"),
    optional=("pay_url", "api_url", "order_type", "server_ip"),
    secrets=("hash_secret",),
    attempt_expires_s=900,
    starts_locally=True,
)
