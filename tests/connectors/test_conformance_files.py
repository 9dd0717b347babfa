"""The vector runner: it passes true vectors, fails false ones and names what it cannot check."""

import copy
import json
from pathlib import Path

import pytest

from connectors.conformance import Outcome, Result, Suite, run_file, summary
from connectors.payment.vietqr import banks as banks_module
from tests.connectors.payment.wires import VECTORS

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
OURS = {"vnpay", "vietqr", "casso", "sepay"}
CHECKED = [
    v for g in ("public", "derived", "negative") for v in VECTORS[g] if v["provider"] in OURS
]


def run(tmp_path, content):
    path = tmp_path / "vectors.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return list(run_file(path))


def test_every_vector_of_ours_passes_and_others_are_named(tmp_path):
    results = run(tmp_path, VECTORS)
    assert {r.id for r in results if r.outcome is Outcome.PASSED} == {v["id"] for v in CHECKED}
    others = [r for r in results if r.outcome is Outcome.UNSUPPORTED]
    assert [r.detail for r in others] == ["no connector for zalopay"]
    assert summary(results) == f"{len(CHECKED)} passed, 0 failed, 1 unsupported"


def lie(vector):
    """The same vector, with one thing changed that must be noticed."""
    changed = copy.deepcopy(vector)
    if "expect" in changed:
        changed["expect"] = "ok" if changed["expect"] != "ok" else "crc_ok=false"
    else:
        old = changed["expected_signature"]
        changed["expected_signature"] = ("0" if old[0] != "0" else "1") + old[1:]
    return changed


@pytest.mark.parametrize("vector", CHECKED, ids=lambda v: v["id"])
def test_a_false_vector_fails(tmp_path, vector):
    (result,) = run(tmp_path, {"public": [lie(vector)]})
    assert result.outcome is Outcome.FAILED
    assert result.detail


@pytest.mark.parametrize("vector", CHECKED, ids=lambda v: v["id"])
def test_a_vector_without_its_parts_fails_rather_than_stops_the_run(tmp_path, vector):
    cut = {k: v for k, v in vector.items() if k in {"id", "provider"}}
    results = run(tmp_path, {"public": [cut, vector]})
    assert [r.outcome for r in results] == [Outcome.FAILED, Outcome.PASSED]


@pytest.mark.parametrize("name", ["amount", "bin", "account", "service", "poi", "merchant_name"])
def test_a_wrong_decoded_value_fails(tmp_path, name):
    wrong = copy.deepcopy(next(v for v in CHECKED if v["id"] == "vietqr-03"))
    wrong["decoded"][name] = "1"
    assert run(tmp_path, {"public": [wrong]})[0].outcome is Outcome.FAILED


def test_a_sepay_vector_is_checked(tmp_path):
    good = {
        "id": "sepay-1",
        "provider": "sepay",
        "kind": "webhook",
        "secret": "K",
        "params": {"headers": {"Authorization": "Apikey K"}, "body": {"id": 1}},
    }
    bad = {**good, "id": "sepay-2", "secret": "L"}
    results = run(tmp_path, {"public": [good, bad]})
    assert [r.outcome for r in results] == [Outcome.PASSED, Outcome.FAILED]


def test_the_list_of_banks_is_compared_both_ways(tmp_path):
    path = Path(banks_module.__file__).parent / "banks.json"
    content = json.loads(path.read_text("utf-8"))
    assert summary(run(tmp_path, content)) == "57 passed, 0 failed, 0 unsupported"
    content["banks"][0]["short_name"] = "Other"
    content["banks"][1]["bin"] = "999999"
    failed = [r.id for r in run(tmp_path, content) if r.outcome is Outcome.FAILED]
    assert failed == ["bank-970400", "bank-999999", "banks-complete"]


@pytest.mark.parametrize("content", ['{"strange": 1}', "[]", "7"])
def test_an_unknown_shape_is_unsupported(tmp_path, content):
    (result,) = run(tmp_path, content)
    assert (result.id, result.outcome) == ("vectors.json", Outcome.UNSUPPORTED)


def test_an_unreadable_file_fails(tmp_path):
    assert run(tmp_path, "{")[0].outcome is Outcome.FAILED
    assert next(iter(run_file(tmp_path / "none.json"))).outcome is Outcome.FAILED


def test_other_packages_bring_their_own_suites(tmp_path):
    path = tmp_path / "v.json"
    path.write_text('{"strange": 1}')
    suite = Suite("s", lambda c: "strange" in c, lambda c: [Result("s1", Outcome.PASSED)])
    assert [r.id for r in run_file(path, more=[suite])] == ["s1"]


@pytest.mark.skipif(not SHARED.exists(), reason="the published vector files are not beside")
@pytest.mark.parametrize(("name", "passed"), [("payments.json", 26), ("banks.json", 57)])
def test_the_published_files_pass(name, passed):
    results = list(run_file(SHARED / name))
    assert [r for r in results if r.outcome is Outcome.FAILED] == []
    assert sum(r.outcome is Outcome.PASSED for r in results) >= passed
