"""Which time-stamps prove nothing any more, to which portal.

What this room reckons by, as a value: it is filled by whoever watches certificates and read with
every question to the signing service. What is true of the world holds for everybody; what a
portal's own operator decided holds for that portal alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signing.contract import VoidStamps

Void = tuple[VoidStamps, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """By certificate (SHA-256, hex): for everybody, and where a portal's own word is another.

    None in a portal's own: its operator says that these time-stamps are good there.
    """

    everywhere: Mapping[str, VoidStamps] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, VoidStamps | None]] = field(default_factory=dict)


class Doubts:
    """One process's knowledge, as it was last learnt."""

    def __init__(self) -> None:
        self._known = Known()

    def learnt(self, known: Known) -> None:
        """Reckon by this from now on."""
        self._known = known

    def of(self, tenant: str) -> Void:
        """The time-stamps that a portal's files are reckoned without."""
        known = self._known
        words = {**known.everywhere, **known.own.get(tenant, {})}
        return tuple(stamps for stamps in words.values() if stamps is not None)
