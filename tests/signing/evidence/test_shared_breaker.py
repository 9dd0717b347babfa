"""A breaker over processes: one opens it for all, one probes, a killed prober is not waited for."""

from __future__ import annotations

import dataclasses
import multiprocessing

import pytest

from signing.contract import Level, Role, SigningUnavailable, SignOrder, TimestampAuthority
from signing.evidence.breaker import FAILURES, LONGEST_REST, REST, Breaker
from signing.evidence.shared_breaker import SharedBreaker, breaker_for
from signing.service import SigningService
from tests.signing.evidence.other_processes import PROBE, SERVICE, fail_once
from tests.signing.preservation.conftest import Moved


def two(tmp_path, clock=None):
    clock = clock or Moved()
    path = tmp_path / "x.breaker"
    return clock, *(SharedBreaker(clock, path, PROBE) for _ in range(2))


def test_failures_of_two_processes_open_it_for_both(tmp_path):
    _, one, other = two(tmp_path)
    assert not one.failed()
    assert not other.failed()
    assert other.is_troubled
    assert one.failed()
    assert one.is_open
    assert other.is_open
    assert not other.enter()


def test_after_the_rest_one_probes_and_its_verdict_is_everybodys(tmp_path):
    clock, one, other = two(tmp_path)
    for _ in range(FAILURES):
        one.failed()
    clock.by += REST
    assert one.enter()
    assert not other.enter()
    assert one.failed()
    clock.by += REST
    assert other.is_open  # the rest has doubled
    clock.by += REST
    assert other.enter()
    other.leave()  # given up without a verdict
    assert one.enter()
    one.succeeded()
    assert other.enter()
    assert not other.is_troubled


def test_a_killed_prober_is_followed_by_another(tmp_path):
    clock, one, other = two(tmp_path)
    for _ in range(FAILURES):
        one.failed()
    clock.by += REST
    assert one.enter()  # and dies
    assert not other.enter()
    clock.by += PROBE
    assert other.enter()


def test_it_never_rests_longer_than_its_limit(tmp_path):
    clock, one, other = two(tmp_path)
    for _ in range(FAILURES):
        one.failed()
    for _ in range(10):
        clock.by += LONGEST_REST
        assert other.enter()
        assert other.failed()
    clock.by += LONGEST_REST
    assert one.enter()


def test_a_damaged_file_and_a_lost_folder_forbid_nothing(tmp_path):
    _, one, other = two(tmp_path)
    for _ in range(FAILURES):
        one.failed()
    (tmp_path / "x.breaker").write_text("{", "utf-8")
    assert other.enter()
    gone = SharedBreaker(Moved(), tmp_path / "gone" / "x.breaker", PROBE)
    assert gone.enter()
    for _ in range(FAILURES):
        gone.failed()
    assert gone.is_open  # its own memory still tells it
    assert isinstance(breaker_for("x", Moved(), "", PROBE), Breaker)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"open_until": "x"}', '{"failures": null}', '{"open_until": 1e400}',
     '{"open_until": 9e9, "failures": 3}', '{"probe_until": 9e9, "open_until": 1}', '{"more": 1}',
     '{"rest_s": 1e300, "open_until": NaN}'],
)  # fmt: skip
def test_whatever_the_file_says_no_service_is_given_up(tmp_path, text):
    """Damaged, of another kind, or from a clock that was ahead: asked again within the rest."""
    clock, one, _ = two(tmp_path)
    (tmp_path / "x.breaker").write_text(text, "utf-8")
    assert one.is_troubled in (True, False)
    clock.by += LONGEST_REST + PROBE
    assert not one.is_open
    assert one.enter()
    one.failed()
    one.succeeded()
    assert one.enter()


def test_real_processes_share_it(tmp_path):
    """Three processes, one failure each: the fourth does not ask."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fail_once, args=(str(tmp_path),)) for _ in range(FAILURES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert breaker_for(SERVICE, Moved(), str(tmp_path), PROBE).is_open
    assert not breaker_for("http://khac.vn", Moved(), str(tmp_path), PROBE).is_open


async def test_a_service_leaves_alone_what_another_found_down(server, tmp_path, decision_pdf):
    """The second process asks nobody; the authority's counter says so."""
    authority = TimestampAuthority(f"{server.base_url}/tsa", timeout_s=5.0)
    config = dataclasses.replace(
        server.signer_config(),
        timestamp_urls=(),
        timestamp_authorities=(authority,),
        timestamp_slots=str(tmp_path),
    )
    server.faults.tsa_down = True
    order = SignOrder(decision_pdf, "official-ec", Role.INVISIBLE, Level.B_T)
    first = SigningService(config, Moved())
    for _ in range(FAILURES):
        with pytest.raises(SigningUnavailable):
            await first.sign(order)
    asked = server.calls.tsa
    second = SigningService(config, Moved())
    with pytest.raises(SigningUnavailable):
        await second.sign(order)
    assert server.calls.tsa == asked
    await first.close()
    await second.close()
