"""How each kind of configured key is used: where its owner confirms, who keeps it.

Part of the wiring; what follows from it is decided by ``gateway.documents``.
"""

from __future__ import annotations

from gateway.documents.rules import KeyUse
from gateway.signing_settings import SigningKey
from signing.contract import Confirmation
from signing.key_config import REMOTE_KINDS

_CONFIRMED = {
    "smartca": Confirmation.ELSEWHERE,
    "mysign": Confirmation.ELSEWHERE,
    "hook": Confirmation.ELSEWHERE,
    "vgca": Confirmation.HAND_OFF,
}


def use_of(key: SigningKey) -> KeyUse:
    """How documents are signed with a key."""
    confirmation = _confirmation(key)
    return KeyUse(
        confirmation,
        key.kind,
        key.most_at_once,
        asks_each=key.kind == "mysign",
        at_service=confirmation is Confirmation.HERE and key.kind in REMOTE_KINDS,
        takes_otp=key.kind == "csc",
    )


def _confirmation(key: SigningKey) -> Confirmation:
    """Where the key's owner confirms; MySign's CSC dialect waits within the call itself."""
    if key.kind == "mysign" and key.remote.api == "csc":
        return Confirmation.HERE
    return _CONFIRMED.get(key.kind, Confirmation.HERE)
