"""A time-stamp that was answered and is not checked yet.

Owns that every answer is judged once, or given up, and that its authority hears of it either way:
the check of one token may share the wait for the next. Leaves the judgement to the authority's
client.
"""

from __future__ import annotations

from typing import Protocol

from cryptography import x509
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.evidence.messages import NotSigned, SignedMessage
from signing.evidence.signatures import UNREADABLE


class TokenRefused(TimestampRequestError):
    """An authority answered, but its token proves nothing."""


def verified_signer(message: SignedMessage) -> x509.Certificate:
    """Verify a token's own signature; give the certificate that made it.

    Raises:
        TokenRefused.
    """
    try:
        return message.verified_signer
    except NotSigned as error:
        raise TokenRefused(str(error)) from None


class Asked(Protocol):
    """The client that an answer came to."""

    def read(self, token: bytes) -> SignedMessage:
        """What a token says; raises when it is none."""
        ...

    def judge(self, token: SignedMessage, digest: bytes, md_algorithm: str, nonce: int) -> None:
        """Raises when a token does not answer the question truly."""
        ...

    def failed(self, error: TimestampRequestError, started: float) -> None:
        """Take note of a failure."""
        ...

    def learn(self, token: bytes, message: SignedMessage, md_algorithm: str) -> None:
        """Keep what later requests need to know of a judged token; raises when it cannot."""
        ...

    def proved(self, started: float, answered: float) -> None:
        """Take note of a token that was checked."""
        ...

    def given_up(self) -> None:
        """Nobody wants to know."""
        ...


class UncheckedToken:
    """A token (DER) as its authority has answered; to be checked before anybody gets it.

    The authority's breaker learns of the answer by ``check``; ``drop`` gives up without a verdict.
    """

    __slots__ = ("_answered", "_asked", "_client", "_open", "_started", "token")

    def __init__(
        self,
        client: Asked,
        token: bytes,
        asked: tuple[bytes, str, int],
        started: float,
        answered: float,
    ) -> None:
        self.token = token
        self._client = client
        self._asked = asked  # digest, its algorithm, nonce
        self._started, self._answered = started, answered
        self._open = True

    def check(self) -> None:
        """Judge the token, the first time.

        Raises:
            TokenRefused: it proves nothing.
        """
        if not self._open:
            return
        try:
            message = self._client.read(self.token)
            self._client.judge(message, *self._asked)
            self._client.learn(self.token, message, self._asked[1])
        except UNREADABLE as error:
            refused = TokenRefused("the answer is not a time-stamp")
            self._failed(refused)
            raise refused from error
        except TokenRefused as error:
            self._failed(error)
            raise
        self._open = False
        self._client.proved(self._started, self._answered)

    def _failed(self, error: TokenRefused) -> None:
        self._open = False
        self._client.failed(error, self._started)

    def drop(self) -> None:
        """Nobody wants it any more, or its check itself broke; after a verdict it does nothing."""
        if self._open:
            self._open = False
            self._client.given_up()
