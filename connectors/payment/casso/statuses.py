"""Casso's words and what they mean to us: a table.

Casso reports settled lines of an account, so there is one good meaning; ``error`` other than 0
is a message about Casso, not about money. Casso Webhook V2, field table.
"""

from __future__ import annotations

from connectors.contract import Meaning

MESSAGE_ERRORS = {0: Meaning.SUCCEEDED}

# data.id of the message that Casso's own "send a test" button produces.
TEST_ID = "0"


def message_meaning(error: object) -> Meaning:
    """The meaning of the ``error`` field; anything but the number 0 is unknown."""
    if isinstance(error, bool) or not isinstance(error, int):
        return Meaning.UNKNOWN
    return MESSAGE_ERRORS.get(error, Meaning.UNKNOWN)
