"""Connectors against published vectors: what ``motcua conformance`` runs.

Owns the runner: a vector file is recognised by its shape and handed to the suite that knows it.
Leaves the checks to the suites beside (``payments.py``, ``postal.py``) and to whoever passes more
of them. Needs no database and no network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Outcome(StrEnum):
    """What became of one vector."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Result:
    """One vector's line: ``id``, outcome and, where it helps, why."""

    id: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """A family of vector files: how to recognise one, how to check it."""

    name: str
    recognises: Callable[[Mapping[str, Any]], bool]
    run: Callable[[Mapping[str, Any]], Iterable[Result]]


def check(vector_id: str, test: Callable[[], str | None]) -> Result:
    """Run one check.

    Args:
        vector_id: The vector's name.
        test: Returns None when all is well, else what differs; an exception is a failure too.
    """
    try:
        problem = test()
    except Exception as error:  # a vector may break anything; the run goes on
        problem = f"{type(error).__name__}: {error}"
    return Result(vector_id, Outcome.FAILED if problem else Outcome.PASSED, problem or "")


def suites() -> tuple[Suite, ...]:
    """The suites of this package."""
    from connectors.conformance import payments, postal  # noqa: PLC0415 - suites import this module

    return (payments.PAYMENTS, payments.BANKS, postal.suite(postal.Rules()))


def run_file(path: str | Path, more: Sequence[Suite] = ()) -> Iterator[Result]:
    """Check every vector of a file.

    Args:
        path: A JSON file in one of the known shapes.
        more: Suites of other packages (webhooks, signatures), asked first: the postal suite with
            the gateway's own rules takes the place of the one without.

    Yields:
        One result a vector; a file of no known shape is one ``unsupported``, a file that cannot
        be read one ``failed``.
    """
    name = Path(path).name
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield Result(name, Outcome.FAILED, f"cannot be read: {type(error).__name__}")
        return
    if isinstance(content, dict):
        for suite in (*more, *suites()):
            if suite.recognises(content):
                yield from suite.run(content)
                return
    yield Result(name, Outcome.UNSUPPORTED, "no suite knows this shape")


def summary(results: Iterable[Result]) -> str:
    """The last line of a run: ``N passed, M failed, K unsupported``."""
    counts = dict.fromkeys(Outcome, 0)
    for result in results:
        counts[result.outcome] += 1
    return ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items())
