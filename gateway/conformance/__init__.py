"""``motcua conformance``: every suite there is, composed; a line a vector, then the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from connectors.conformance import Outcome, Suite, postal, run_file, summary
from gateway.conformance import webhooks
from gateway.shipments import code128, law, rules


def suites() -> tuple[Suite, ...]:
    """The gateway's own suites, and the postal one under the gateway's rules."""
    decisions = postal.Rules(
        fold=rules.fold_events,
        due_date=law.due_date_of,
        may_return=law.may_return_after,
        code128=code128.symbols,
    )
    return (Suite("webhooks", webhooks.recognises, webhooks.run), postal.suite(decisions))


def run_files(files: Iterable[Path], write: Callable[[str], object]) -> int:
    """Run vector files; 1 when a vector failed or a file cannot be read."""
    results = []
    for path in files:
        for result in run_file(path, suites()):
            results.append(result)
            detail = f" – {result.detail}" if result.detail else ""
            write(f"{result.outcome.value:<11} {result.id}{detail}\n")
    write(summary(results) + "\n")
    return 1 if any(r.outcome is Outcome.FAILED for r in results) else 0
