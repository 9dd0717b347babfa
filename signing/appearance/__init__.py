"""What an act of signing shows on the page, and where: ``plan``.

Owns the roles' visible parts (``acts``), their places (``placement``, with the text read by
``anchors`` and the page's geometry in ``pagebox``) and their drawing (``drawing``; ``typeface``
with ``glyphs``, ``pictures`` with ``planes``), after NĐ 30/2020, Annex I. Writing them into the
file is ``signing.pades``.
"""

from signing.appearance.acts import Part, plan, signer_name

__all__ = ["Part", "plan", "signer_name"]
