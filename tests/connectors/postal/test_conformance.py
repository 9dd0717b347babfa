"""The postal conformance suite passes what holds, fails what does not, and says what it lacks."""

import copy
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.conformance import Outcome, run_file, summary
from connectors.conformance.postal import Rules, suite
from connectors.contract import MoneyLane
from tests.connectors.postal.parcels import VECTORS

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "postal.json"
VECTOR_FILE = {
    "s10": VECTORS["s10"],
    "payloads": {**VECTORS["payloads"], "ghn_webhook": {}},
    "status_maps": {"upu_emsevt_v3": VECTORS["emsevt"], "ghn": []},
}


def run(content, rules=None):
    return {result.id: result for result in suite(rules or Rules()).run(content)}


def test_every_vector_of_ours_passes_and_other_carriers_are_named():
    """Nothing fails, nothing is skipped in silence."""
    results = run(VECTOR_FILE)
    unsupported = {r.id for r in results.values() if r.outcome is Outcome.UNSUPPORTED}
    assert unsupported == {"status-map-ghn", "payload-ghn_webhook"}
    assert not [r for r in results.values() if r.outcome is Outcome.FAILED]
    assert len(results) == 98


@pytest.mark.parametrize(
    ("path", "value", "failing"),
    [
        (("s10", "cases", 0, "number"), "EM763972506VN", "s10-EM763972506VN"),
        (("s10", "cases", 0, "check"), 6, "s10-EM763972505VN"),
        (("payloads", "ngsp_order_post", "body", "ReceiverTel"), "1", None),
        (("payloads", "ngsp_order_post", "body", "Extra"), 1, "payload-ngsp_order_post"),
        (("payloads", "ngsp_order_post", "responses", 0, "Status"), 7, None),
        (("payloads", "ngsp_tracking", "expect", "next_lastId"), "0", "payload-ngsp_tracking"),
        (("payloads", "lgsp_price", "body", "mainSrv"), "EMS", "payload-lgsp_price"),
        (("payloads", "ngsp_token", "request", "body"), "grant_type=x", "payload-ngsp_token"),
        (("status_maps", "upu_emsevt_v3", 0, "movement"), "lost", "emsevt-EMA"),
    ],
)
def test_a_changed_vector_fails_by_name(path, value, failing):
    """A suite that cannot fail proves nothing; what is input may change."""
    content = copy.deepcopy(VECTOR_FILE)
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    failed = [r.id for r in run(content).values() if r.outcome is Outcome.FAILED]
    assert failed == ([failing] if failing else [])


SCENARIO = {
    "s10": {"cases": []},
    "status_maps": {"ghn": [{"code": "picked", "movement": "picked_up", "money": None}]},
    "scenarios": [
        {
            "id": "P1",
            "provider": "ghn",
            "events": [{"at": "2026-09-01T08:00:00+07:00", "code": "picked"}],
            "expect": {"movement": "picked_up", "distinct_events": 1, "money": "none"},
        }
    ],
    "deadline_j_plus_n": {
        "holidays_used": [],
        "cases": [
            {
                "accepted": "2026-08-21",
                "scope": "intra_district",
                "with_appointment_slip": False,
                "due": "2026-08-22",
            }
        ],
    },
    "return_rule": {"cases": [{"invitations": ["2026-09-07"], "may_return": False}]},
    "code128_b": [{"data": "A", "symbols": [104, 33, 34, 106], "modules": 46}],
}


def fold(events):
    return SimpleNamespace(
        movement=events[0].movement,
        money=MoneyLane.NONE,
        failed_attempts=0,
        distinct_events=len({event.event_key for event in events}),
    )


def test_rules_from_outside_are_asked_and_their_absence_is_said():
    """The same vectors: unsupported without rules, passed with right ones, failed with wrong."""
    right = Rules(
        fold=fold,
        due_date=lambda accepted, scope, slip, holidays: accepted + timedelta(days=1),
        may_return=lambda invitations, holidays: len(invitations) > 1,
        code128=lambda text: [104, 33, 34, 106],
    )
    wrong = Rules(
        fold=lambda events: SimpleNamespace(
            movement=None, money=MoneyLane.NONE, failed_attempts=0, distinct_events=len(events)
        ),
        due_date=lambda accepted, scope, slip, holidays: accepted,
        may_return=lambda invitations, holidays: True,
        code128=lambda text: [104],
    )
    outcomes = [
        {result.outcome for result in run(SCENARIO, rules).values()}
        for rules in (Rules(), right, wrong)
    ]
    assert outcomes[0] == {Outcome.UNSUPPORTED}
    assert outcomes[1] == {Outcome.PASSED, Outcome.UNSUPPORTED}
    assert outcomes[2] == {Outcome.FAILED, Outcome.UNSUPPORTED}


def test_the_published_file_holds():
    """The whole file, as ``motcua conformance`` runs it."""
    if not PUBLISHED.exists():
        pytest.skip("the published vectors are not here")
    results = list(run_file(PUBLISHED))
    assert not [result for result in results if result.outcome is Outcome.FAILED]
    assert summary(results).startswith("96 passed, 0 failed, ")
    names = [result.id for result in results]
    assert len(names) == len(set(names))


def test_the_published_copy_is_the_published_file():
    """The facts copied here are the facts published."""
    if not PUBLISHED.exists():
        pytest.skip("the published vectors are not here")
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert VECTORS["s10"] == published["s10"]
    assert VECTORS["emsevt"] == published["status_maps"]["upu_emsevt_v3"]
    assert VECTORS["payloads"].items() <= published["payloads"].items()
