"""Refusals: what a signing service raises, each with a code and a sentence for people."""

from __future__ import annotations


class SigningError(Exception):
    """A refusal with a code for machines and a Vietnamese sentence for people."""

    def __init__(self, code: str, message_vi: str, message_en: str = "") -> None:
        super().__init__(f"{code}: {message_en or message_vi}")
        self.code = code
        self.message_vi = message_vi
        self.message_en = message_en or message_vi

    def __reduce__(self) -> tuple[type[SigningError], tuple[str, str, str]]:
        """Survive the way back from a signer process."""
        return (type(self), (self.code, self.message_vi, self.message_en))


class DocumentRefused(SigningError):
    """The document must not be signed (not a PDF, encrypted, broken, dangerous content)."""


class CredentialRefused(SigningError):
    """The key or certificate must not be used (expired, revoked, wrong usage, wrong PIN)."""


class SigningUnavailable(SigningError):
    """A service needed for the asked level did not answer; nothing was signed."""
