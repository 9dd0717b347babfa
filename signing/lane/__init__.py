"""The fast lane: signatures appended to plain documents, nearly at the cost of the key.

Owns an append-only writer over raw bytes and a signed message from prepared DER, for unencrypted
documents that do not forbid another signature: classic cross-reference tables, hybrid files and
cross-reference streams. Everything else is ``NotForTheLane`` and goes to ``signing.pades``. Leaves
who may sign, time-stamping and the check of the result to ``signing.service``.
"""

from signing.lane.acts import LaneAct, LanePart, LaneSigner, sign_in_lane
from signing.lane.authority import LaneAuthority
from signing.lane.cms import CmsTemplate
from signing.lane.extending import LaneExtension, extend_in_lane
from signing.lane.file import LaneFile, open_plain
from signing.lane.proof_data import ProofData
from signing.lane.refusal import NotForTheLane
from signing.lane.stamps import Prepared, PreparedSet, Resource, Stamp

__all__ = [
    "CmsTemplate",
    "LaneAct",
    "LaneAuthority",
    "LaneExtension",
    "LaneFile",
    "LanePart",
    "LaneSigner",
    "NotForTheLane",
    "Prepared",
    "PreparedSet",
    "ProofData",
    "Resource",
    "Stamp",
    "extend_in_lane",
    "open_plain",
    "sign_in_lane",
]
