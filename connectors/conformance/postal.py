"""Postal vectors, checked through the carriers' own pure functions and injected rules.

Owns: what it means for an item number, a VNPost HCC message or an event code to hold. Deciding
what events mean for a shipment is the gateway's, so the fold, the legal deadlines, the return
rule and the bar code come in from outside as ``Rules``; without one of them its vectors are
``unsupported``, as are those of carriers without a connector, each by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol

from connectors.conformance import Outcome, Result, Suite, check, vnpost_hcc
from connectors.contract import MoneyLane, Movement, ParcelEvent
from connectors.postal import item_numbers
from connectors.postal.emsevt import EMSEVT

Vector = Mapping[str, Any]


class Story(Protocol):
    """What a fold of events says; ``money`` where nothing is due stays ``none``."""

    @property
    def movement(self) -> Movement | None:
        """Where the parcel is."""
        ...

    @property
    def money(self) -> MoneyLane:
        """What became of the money at the door."""
        ...

    @property
    def failed_attempts(self) -> int:
        """Distinct failed deliveries."""
        ...

    @property
    def distinct_events(self) -> int:
        """Events after duplicates were merged."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The gateway's decisions; None = its vectors are ``unsupported``.

    ``due_date(accepted, scope, with_appointment_slip, holidays)``,
    ``may_return(invitations, holidays)``, ``code128(text)`` = symbol values, start to stop.
    """

    fold: Callable[[Sequence[ParcelEvent]], Story] | None = None
    due_date: Callable[[date, str, bool, frozenset[date]], date] | None = None
    may_return: Callable[[Sequence[date], frozenset[date]], bool] | None = None
    code128: Callable[[str], Sequence[int]] | None = None


def suite(rules: Rules) -> Suite:
    """The suite of postal vector files under these rules."""
    return Suite("postal", lambda content: "s10" in content, partial(_run, rules=rules))


def _run(content: Vector, rules: Rules) -> Iterator[Result]:
    yield from _run_item_numbers(content["s10"])
    yield from _run_status_maps(content.get("status_maps", {}))
    yield from _run_scenarios(content, rules)
    for name, sample in content.get("payloads", {}).items():
        test = vnpost_hcc.PAYLOADS.get(name)
        yield (
            _unsupported(f"payload-{name}", "no connector reads this message")
            if test is None
            else check(f"payload-{name}", partial(test, sample))
        )
    yield from _run_law(content, rules)
    for name, why in _NOT_OURS.items():
        if name in content:
            yield _unsupported(name, why)


def _unsupported(vector_id: str, why: str) -> Result:
    return Result(vector_id, Outcome.UNSUPPORTED, why)


def _differs(what: str, ours: object, theirs: object) -> str | None:
    return None if ours == theirs else f"{what}: {ours!r} is not {theirs!r}"


_NOT_OURS: Mapping[str, str] = {
    "vnpost_webhook_signature": "no connector for vnpost_my",
    "provinces": "no table of provinces",
    "wards_sample": "no table of wards",
    "address_name_traps": "addresses are matched by code, never by name",
}

# ------------------------------------------------------------------ item numbers


def _run_item_numbers(s10: Vector) -> Iterator[Result]:
    for case in s10["cases"]:
        yield check(f"s10-{case['number']}", partial(_item_number, case))
    for number in s10.get("published_valid", ()):
        yield check(f"s10-{number}", partial(_item_number, {"number": number, "valid": True}))
    bad = [number for number, _ in s10.get("published_invalid", ())]
    for number in (*bad, *s10.get("seen_in_docs_but_invalid", ())):
        yield check(f"s10-{number}", partial(_item_number, {"number": number, "valid": False}))
    for case in s10.get("normalisation", ()):
        ours = item_numbers.normalise(case["in"])
        yield check(f"s10-typed-{case['in']}", partial(_differs, "typed", ours, case["out"]))


def _item_number(case: Vector) -> str | None:
    number = item_numbers.parse(case["number"])
    problem = _differs("valid", number is not None, case["valid"])
    if problem or number is None:
        return problem
    parts = {"service": number.service, "serial": number.serial, "country": number.country}
    ours = {**parts, "check": number.check}
    known = {key: case[key] for key in ours if key in case}
    return _differs("parts", {key: ours[key] for key in known}, known)


# ------------------------------------------------------------------ codes


def _run_status_maps(maps: Vector) -> Iterator[Result]:
    for carrier, rows in maps.items():
        if carrier == "upu_emsevt_v3":
            for row in rows:
                ours = EMSEVT.get(row["code"], ("", None))[1]
                test = partial(_differs, "movement", ours, row["movement"])
                yield check(f"emsevt-{row['code']}", test)
        elif isinstance(rows, list):
            yield _unsupported(f"status-map-{carrier}", f"no connector for {carrier}")


def _run_scenarios(content: Vector, rules: Rules) -> Iterator[Result]:
    for scenario in content.get("scenarios", ()):
        name = f"scenario-{scenario['id']}"
        if rules.fold is None:
            yield _unsupported(name, "no fold of events was given")
            continue
        table = {row["code"]: row for row in content["status_maps"][scenario["provider"]]}
        yield check(name, partial(_scenario, scenario, table, rules.fold))


def _scenario(
    scenario: Vector, table: Vector, fold: Callable[[Sequence[ParcelEvent]], Story]
) -> str | None:
    """As published, backwards, and every event twice: the same story."""
    events = [_event(scenario, event, table) for event in scenario["events"]]
    for order, arrived in (
        ("as published", events),
        ("backwards", events[::-1]),
        ("twice", [event for event in events for _ in range(2)]),
    ):
        story = fold(arrived)
        for key, expected in scenario["expect"].items():
            problem = _differs(f"{key} {order}", getattr(story, key), expected)
            if problem:
                return problem
    return None


def _event(scenario: Vector, event: Vector, table: Vector) -> ParcelEvent:
    row = table.get(event["code"], {})
    money = {"collected_if_cod": MoneyLane.COLLECTED, "remitted": MoneyLane.REMITTED}
    return ParcelEvent(
        event_key=f"{scenario['provider']}:{scenario['id']}:{event['code']}:{event['at']}",
        client_ref=scenario["id"],
        item_code=None,
        code=event["code"],
        label=row.get("label", ""),
        at=datetime.fromisoformat(event["at"]),
        movement=Movement(row["movement"]) if row.get("movement") else None,
        money=money.get(row.get("money")),
    )


# ------------------------------------------------------------------ the gateway's own rules


def _run_law(content: Vector, rules: Rules) -> Iterator[Result]:
    limits = content.get("deadline_j_plus_n", {})
    holidays = frozenset(date.fromisoformat(day) for day in limits.get("holidays_used", ()))
    for case in limits.get("cases", ()):
        slip = "with" if case["with_appointment_slip"] else "without"
        name = f"deadline-{case['accepted']}-{case['scope']}-{slip}-slip"
        yield _given(name, rules.due_date, partial(_deadline, case, holidays))
    for case in content.get("return_rule", {}).get("cases", ()):
        name = "return-after-" + "+".join(case["invitations"])
        yield _given(name, rules.may_return, partial(_return, case))
    for case in content.get("code128_b", ()):
        yield _given(f"code128-{case['data']}", rules.code128, partial(_code128, case))


def _given(name: str, rule: Callable[..., Any] | None, test: Callable[[Any], str | None]) -> Result:
    if rule is None:
        return _unsupported(name, "no rule for it was given")
    return check(name, partial(test, rule))


def _deadline(case: Vector, holidays: frozenset[date], due_date: Callable[..., date]) -> str | None:
    accepted = date.fromisoformat(case["accepted"])
    due = due_date(accepted, case["scope"], case["with_appointment_slip"], holidays)
    return _differs("due", due.isoformat(), case["due"])


def _return(case: Vector, may_return: Callable[..., bool]) -> str | None:
    invitations = [date.fromisoformat(day) for day in case["invitations"]]
    return _differs("may return", may_return(invitations, frozenset()), case["may_return"])


def _code128(case: Vector, code128: Callable[[str], Sequence[int]]) -> str | None:
    symbols = list(code128(case["data"]))
    modules = 11 * len(symbols) + 2  # the stop symbol has two more
    return _differs("symbols", symbols, case["symbols"]) or _differs(
        "modules", modules, case["modules"]
    )
