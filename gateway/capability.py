"""What a capability is to the gateway that runs it: routes, background work, its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.foundation.web import Page, Route


class Capability(Protocol):
    """What the gateway needs of each capability."""

    def routes(self) -> list[Route | Page]:
        """What to mount."""
        ...

    def tasks(self) -> dict[str, Any]:
        """Background work by name."""
        ...


class Desk(Capability, Protocol):
    """A capability whose objects events tell about."""

    @property
    def renderers(self) -> Mapping[str, Any]:
        """Id prefix → how events tell the state of these objects."""
        ...
