"""Writing one PAdES signature and proving that it holds: ``sign_revision``, ``prove``.

Owns the bytes of a signature and the refusals of documents that cannot carry one. What the
signature looks like is planned in ``signing.appearance``, what it proves with is gathered in
``signing.evidence``, in which order all this happens is ``signing.service``.
"""

from signing.pades.failing import ProofFailed
from signing.pades.proof import prove
from signing.pades.writer import Act, KeptKeySigner, Look, sign_revision

__all__ = ["Act", "KeptKeySigner", "Look", "ProofFailed", "prove", "sign_revision"]
