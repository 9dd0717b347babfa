"""VietQR (NAPAS QR, EMVCo merchant-presented): the bank transfer the citizen makes alone.

The passport of this connector. VietQR has no callback and no enquiry of its own: money is
reported by a bank-notification connector or a statement, matched by memo and account. That is
why ``Capability.QUERY`` is not announced. Documents: NAPAS "QR Format T&C v1.0" (09/2021) and
"Technical Specifications on NAPAS QR Switching v1.5.2".
"""

from connectors.contract import Kind, Spec, Stage

SPEC = Spec(
    name="vietqr",
    title="VietQR (NAPAS)",
    kind=Kind.PAYMENT,
    stage=Stage.VERIFIED,
    document="NAPAS QR Format T&C v1.0; NAPAS QR Switching v1.5.2",
    version="1.5.2",
    reference_charset="A-Za-z0-9",
    reference_max=25,
    min_amount_vnd=1,
    max_amount_vnd=9_999_999_999_999,
    callback_legs=(),
    options=("bank_bin", "account_number", "account_name"),
    optional=("merchant_city", "mcc", "any_bin"),
    attempt_expires_s=900,
    starts_locally=True,
)
