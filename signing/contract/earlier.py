"""What a validation means for a file that is to be signed once more.

Owns which earlier signatures forbid a further one. An inspection reads their structure only;
here the file's own validation speaks: a signature whose bytes were changed, or that was followed
by what must not follow, is broken whoever signed it. Whether it is trusted, or still in force, is
another question, and forbids nothing.
"""

from __future__ import annotations

import dataclasses

from signing.contract.inspection import Finding, Inspection, Severity
from signing.contract.validation import SignatureVerdict, Validation, Verdict

BROKEN_SIGNATURE = "broken_signature"


def with_earlier_signatures(inspection: Inspection, validation: Validation) -> Inspection:
    """The inspection with a blocking finding for each signature that is not whole any more."""
    broken = tuple(_finding(s) for s in validation.signatures if _is_broken(s))
    return dataclasses.replace(inspection, findings=(*inspection.findings, *broken))


def _is_broken(signature: SignatureVerdict) -> bool:
    return signature.verdict is Verdict.INVALID and not signature.integrity


def _finding(signature: SignatureVerdict) -> Finding:
    why = signature.messages[0] if signature.messages else signature.indication
    where = f"trường {signature.field_name}"
    return Finding(BROKEN_SIGNATURE, Severity.BLOCK, where, f"Chữ ký có sẵn bị hỏng: {why}")
