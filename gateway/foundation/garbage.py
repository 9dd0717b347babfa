"""How often the gateway looks for cyclic garbage.

A request leaves a few hundred containers behind and next to no cycles; the usual threshold would
search the whole heap again and again, libraries included. Not for its children: readers of PDF hold
whole files in cycles.
"""

from __future__ import annotations

import gc

_ALLOCATIONS = 20_000  # containers more than were freed since the last search


def collect_seldom() -> None:
    """Call it once everything that lives until the end is there: that is not searched again."""
    gc.set_threshold(_ALLOCATIONS, 10, 10)
    gc.freeze()
