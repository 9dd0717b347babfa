"""Casso, webhook v2: money seen on a bank account, reported by Casso.

The passport of this connector. Document: Casso "Webhook V2" and its published signature
sample (recomputed).
"""

from connectors.contract import Kind, Spec, Stage

SPEC = Spec(
    name="casso",
    title="Casso",
    kind=Kind.NOTIFICATION,
    stage=Stage.VERIFIED,
    document="Casso Webhook V2",
    version="2",
    callback_legs=("",),
    optional=("tolerance_s",),
    secrets=("webhook_key",),
)
