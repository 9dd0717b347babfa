"""``python -m benchmarks [NAME …]``: run benchmarks, or list them.

Owns finding modules in this folder that have a ``main`` function, and the last line
``ratio NAME VALUE target TARGET``. Exit status 1 when a ratio misses its target.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks


def names() -> list[str]:
    """Every benchmark: the modules of this folder without a leading underscore."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main(arguments: Sequence[str]) -> int:
    """Run what was named."""
    known = names()
    if not arguments:
        for name in known:
            summary = importlib.import_module(f"benchmarks.{name}").__doc__ or ""
            print(f"{name:30} {summary.splitlines()[0]}")
        return 0
    status = 0
    for name in arguments:
        if name not in known:
            print(f"unknown benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        value, target = importlib.import_module(f"benchmarks.{name}").main()
        print(f"ratio {name} {value:.2f} target {target:g}")
        status |= value < target
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
