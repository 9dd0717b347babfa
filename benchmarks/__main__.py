"""``python -m benchmarks [NAME …] [--option …]``: run benchmarks, or list them.

Owns finding modules in this folder that have a ``main`` function, and the last line
``ratio NAME VALUE target TARGET`` (followed by ``at most`` where smaller is better; some benchmarks
have several). Options are handed to the benchmarks named before them. Exit status 1 when a ratio
misses its target.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks
from benchmarks._ratio import Ratio


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
    at = next((i for i, text in enumerate(arguments) if text.startswith("-")), len(arguments))
    for name in arguments[:at]:
        if name not in known:
            print(f"unknown benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        run = importlib.import_module(f"benchmarks.{name}").main
        options = arguments[at:]
        outcome = run(options) if options else run()
        ratios = outcome if isinstance(outcome, list) else [Ratio(name, *outcome)]
        for ratio in ratios:
            print(ratio)
            status |= not ratio.reached
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
