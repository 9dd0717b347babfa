"""What the codes of Viettel MySign (vtss) mean here.

From the integration document of the vtss interface, version 1.9 (February 2025), "requests/status"
and the webhook. Codes of refused calls (58007, 58008, 59033, 86024, 86002 …) are seen in public
integrations without their meaning, so they mean unknown.
"""

from __future__ import annotations

from signing.contract import RemoteState

BY_CODE = {
    "1": RemoteState.DONE,
    "4000": RemoteState.WAITING_USER,
    "6000": RemoteState.SIGNING,
    "4001": RemoteState.EXPIRED,
    "4002": RemoteState.REJECTED,
    "4004": RemoteState.ERROR,
    "4005": RemoteState.QUOTA,
    "13004": RemoteState.CERTIFICATE_INVALID,
    "50000": RemoteState.UNKNOWN,  # a fault of the service's own says nothing of the signature
}
NOT_ACCEPTED = (400, 401, 403)  # HTTP statuses of a call that was refused as a whole
ASYNC = {"wait": 0, "poll": 1, "callback": 3}
EC, RSA, SHA256 = "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.1", "2.16.840.1.101.3.4.2.1"
