"""Who had a document extended: the queue by itself, somebody over HTTP, the operator's command."""

from __future__ import annotations

from dataclasses import dataclass

QUEUE, REQUEST, COMMAND = "queue", "request", "command"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the evidence log keeps of who asked; ``reason`` is a code."""

    by: str
    reason: str = ""
    principal: str | None = None  # the key's id
    official: str | None = None

    def content(self) -> dict[str, str | None]:
        """As records write it."""
        return {
            "by": self.by,
            "reason": self.reason,
            "official": self.official,
            "principal": self.principal,
        }


BY_REQUEST = Asked(REQUEST)
