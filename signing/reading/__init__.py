"""Reading files from strangers, for every room that must: the lowest one, imports no other.

Owns opening a PDF within limits (``opening``), finding its signatures (``signature_fields``), the
names in certificates (``names``) and keeping the libraries' log lines, which hold personal data,
out of ours (``quiet_libraries``). What is found is judged in ``signing.inspection`` and
``signing.validation``.
"""
