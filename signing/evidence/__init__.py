"""What a signature's worth rests on: who signs, not revoked, at which time.

Owns the signer's certificate and chain (``eligibility``), revocation by OCSP and CRL
(``revocation``), time-stamps (``timestamps``), the guarded HTTP client for these (``fetching``)
and the check of one raw signature (``signatures``). It is gathered while signing; judging what a
file already carries is ``signing.validation``, which never fetches.
"""
