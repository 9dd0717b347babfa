"""What a file is and what speaks against signing it: ``inspect_pdf``.

Owns the look at a file before anybody signs it, the repair of a broken one that nobody signed yet,
and the findings' codes and Vietnamese words. Opening the file and finding its signatures is
``signing.reading``; judging signatures is ``signing.validation``.
"""

from signing.inspection.document import inspect_file, inspect_pdf

__all__ = ["inspect_file", "inspect_pdf"]
