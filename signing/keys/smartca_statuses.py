"""What VNPT SmartCA's codes mean here.

From "Tài liệu tích hợp VNPT SMARTCA" §3.1 (status codes) and §3.3–3.5 (messages). The document
names no message for a refusal by the user: those at the end are what public integrations mention,
and whatever is not listed is unknown.
"""

from __future__ import annotations

from signing.contract import RemoteState

SUCCESS = (200, 0)  # the document says 200; implementations answer 0 as well

# status_code of an answer to sign that is not a success: nothing was accepted, but for the last
STARTED = {
    400: RemoteState.ERROR,  # BAD_REQUEST
    401: RemoteState.ERROR,  # SP_CREDENTIAL_INVALID: the partner's account, or the user
    403: RemoteState.CERTIFICATE_INVALID,  # CREDENTIAL_STATUS_INVALID
    500: RemoteState.UNKNOWN,  # SERVER_INTERNAL_ERROR: it may have begun nevertheless
}

# status_code of an answer to status: most say something about the question, not the transaction
ASKED = {
    400: RemoteState.UNKNOWN,
    401: RemoteState.UNKNOWN,
    403: RemoteState.CERTIFICATE_INVALID,
    500: RemoteState.UNKNOWN,
}

# message of a success, in capitals
BY_MESSAGE = {
    "SUCCESS": RemoteState.DONE,
    "SIG_WAIT_FOR_USER_CONFIRM": RemoteState.WAITING_USER,
    "": RemoteState.WAITING_USER,  # before the user has answered
    "EXPIRED": RemoteState.EXPIRED,
    "REJECTED": RemoteState.REJECTED,
    "USER_REJECTED": RemoteState.REJECTED,
}
