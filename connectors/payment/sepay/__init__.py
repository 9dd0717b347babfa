"""SePay webhook: money seen on a bank account, reported by SePay.

The passport of this connector. Document: SePay developer guide, "Webhooks" (API-key mode). The
body carries no signature: the key in the header is all there is, so TLS and an address list in
front are part of the set-up.
"""

from connectors.contract import Kind, Spec, Stage

SPEC = Spec(
    name="sepay",
    title="SePay",
    kind=Kind.NOTIFICATION,
    stage=Stage.DOCUMENTED,
    document="SePay Webhooks (API key)",
    version="1",
    callback_legs=("",),
    secrets=("api_key",),
)
