"""Keeping signed files provable: raise levels later, renew archive time-stamps, say until when.

Owns what is appended to a file that is already signed, and the reckoning of its end. Needs no key.
Leaves gathering proof to ``signing.evidence`` and judging signatures to ``signing.validation``.
"""

from signing.preservation.extending import Extender
from signing.preservation.lowering import reach, sign_reachable
from signing.preservation.provability import Void, provability_of

__all__ = ["Extender", "Void", "provability_of", "reach", "sign_reachable"]
