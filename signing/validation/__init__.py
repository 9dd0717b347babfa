"""Whether the signatures in a file hold, offline and in Vietnamese: ``validate_pdf``.

Owns the judgement of one signature (integrity, later changes, algorithm, trust, time), the file's
verdict over all of them and the sentences people read. Finding the signatures is
``signing.reading``; what can be learned without a signature is ``signing.inspection``.
"""

from signing.validation.configured import validate_as_configured
from signing.validation.document import validate_pdf

__all__ = ["validate_as_configured", "validate_pdf"]
