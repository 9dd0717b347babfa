"""The vector file is checked whole, and a wrong vector is seen as wrong."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest

from connectors.conformance import Outcome
from gateway.conformance.webhooks import recognises, run

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))


def test_every_supported_vector_passes_and_the_rest_says_so():
    counts = Counter(result.outcome for result in run(VECTORS))
    assert counts == {Outcome.PASSED: 74, Outcome.UNSUPPORTED: 17}


def test_file_is_recognised_by_its_sections():
    assert recognises(VECTORS)
    assert not recognises({"vnpay": []})


@pytest.mark.parametrize("index", range(len(VECTORS["standard_webhooks"])))
def test_a_falsified_vector_fails(index):
    vector = copy.deepcopy(VECTORS["standard_webhooks"][index])
    if vector["op"] == "sign":
        vector["payload"] += " "
    elif vector["op"] == "verify":
        vector["valid"] = not vector["valid"]
    elif vector["op"] == "construct":
        vector["secrets"].append("whsec_AAAA")
    else:
        vector["timestamps"].append("1614265330")
    (result,) = run({"standard_webhooks": [vector]})
    assert result.outcome is Outcome.FAILED
    assert result.detail


def test_a_wrong_public_key_malformed_vector_and_unknown_operation_are_told():
    ed25519 = copy.deepcopy(VECTORS["standard_webhooks"][2])
    ed25519["public"] = "whpk_" + "A" * 43 + "="
    broken = {"name": "broken", "op": "sign"}
    unknown = {"name": "new", "op": "encrypt"}
    results = run({"standard_webhooks": [ed25519, broken, unknown]})
    assert [r.outcome for r in results] == [Outcome.FAILED, Outcome.FAILED, Outcome.UNSUPPORTED]


def test_a_swapped_address_and_a_changed_schedule_fail():
    results = run(
        {
            "ssrf_is_allowed": {"blocked": ["8.8.8.8"], "allowed": ["10.0.0.1"]},
            "retry_schedules_s": {"standard_webhooks_example": [0, 5]},
        }
    )
    assert [r.outcome for r in results] == [Outcome.FAILED] * 3
