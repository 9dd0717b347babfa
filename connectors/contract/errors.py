"""What is known about an outbound call that did not simply succeed; see the package."""

from __future__ import annotations

from collections.abc import Sequence


class ConnectorError(Exception):
    """Anything a connector may raise; carries no secret and no personal data."""


class ProviderUnavailable(ConnectorError):
    """The request never left: refused connection, failed name look-up, open breaker."""


class ProviderRejected(ConnectorError):
    """The provider refused the request itself (not the citizen's payment)."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class OutcomeUnknown(ConnectorError):
    """Sent, and no trustworthy answer: the provider may have done the work."""


class ProviderProtocolError(OutcomeUnknown):
    """An answer that cannot be understood; the work may have been done all the same."""


class SignatureMismatch(ConnectorError):
    """The signature does not hold against any active secret."""


class MisconfiguredAccount(ConnectorError):
    """The account's options are wrong; ``problems`` names every one of them at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
