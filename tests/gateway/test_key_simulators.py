"""The simulators of signing services: mounted, scripted, and usable from an operator's own file."""

from __future__ import annotations

import dataclasses
import tomllib

import aiohttp
import msgspec
import pytest

from connectors.simulators.server import SimulatorServer
from gateway.key_simulators import CSC_IDENTITIES, KeySimulators
from gateway.settings import Settings
from gateway.trial_files import write_settings
from gateway.wiring import authority
from signing.contract import Confirmation, RemoteItem
from signing.devpki.scripted import ScriptedFaults
from signing.devpki.smartca_simulator import SmartCaSimulator
from signing.keys.smartca import SmartCaSource
from tests.support.devpki import running_pki  # noqa: F401 - a fixture


@dataclasses.dataclass(slots=True)
class Slowness(ScriptedFaults):
    """One fault."""

    slow: bool = False


HOME = ("csc", "smartca", "mysign", "hook", "vgca")


@pytest.fixture
async def services(running_pki):  # noqa: F811 - the fixture
    found = KeySimulators(running_pki.pki, "http://127.0.0.1:9")
    async with SimulatorServer(found.simulators()) as server:
        found.listen_at(server.url_of)
        found.server = server
        yield found


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_each_has_a_page_and_a_script_of_its_own_faults(services, http):
    """Vietnamese, marked as a simulation; what it cannot do wrong is refused."""
    for name in HOME:
        url = services.server.url_of(name)
        async with http.get(f"{url}/") as answer:
            assert (answer.status, "MÔ PHỎNG" in await answer.text()) == (200, True), name
        async with http.get(f"{url}/_faults") as answer:
            known = (await answer.json())["faults"]
        assert len(known) >= 8, name
        async with http.post(f"{url}/_faults", json={"fault": known[0], "times": 2}) as answer:
            assert (answer.status, await answer.json()) == (201, {"pending": {known[0]: 2}})
        for wrong in ({"fault": "set_on_fire"}, {"fault": known[0], "arguments": {"a": 1}}):
            async with http.post(f"{url}/_faults", json=wrong) as answer:
                assert answer.status == 422, name


async def test_the_owner_decides_on_the_page_or_with_json(services, http):
    """Through the product's own client; a scripted fault is used up by it."""
    desk = services.smartca.desk
    assert isinstance(desk, SmartCaSimulator)
    source, now = SmartCaSource(desk.key_config()), desk.pki.clock.now()
    url = services.server.url_of("smartca")
    desk.faults.script("quota")
    ends = {}
    for number, decision in enumerate(("rejected", "expired", "confirmed", "confirmed")):
        item = RemoteItem(f"act_{number}", b"x", "Quyết định 5")
        ticket = await source.start(f"tkt_{number}", (item,), now)
        async with http.get(f"{url}/") as answer:
            assert "Quyết định 5" in await answer.text()
        asked = {"id": f"tkt_{number}", "decision": decision}
        send = {"json": asked} if number else {"data": asked}
        async with http.post(f"{url}/app", **send) as answer:
            assert answer.status == 200, await answer.text()
        ends[number] = desk.transactions[ticket.reference].state
    assert list(ends.values()) == ["rejected", "expired", "quota", "confirmed"]
    async with http.post(f"{url}/app", json={"id": "tkt_0", "decision": "confirmed"}) as answer:
        assert answer.status == 404
    await source.start("tkt_9", (RemoteItem("act_9", b"x", "Quyết định 5"),), now)
    async with http.post(f"{url}/app", json={"decision": "set_on_fire"}) as answer:
        assert answer.status == 422


async def test_the_settings_to_paste_are_a_configuration(services, tmp_path):
    """Read as the operator's file is: eight keys, three ways of confirming."""
    path = write_settings(tmp_path, {"keys": services.keys(), "trust": {"allow_loopback": True}})
    assert path.stat().st_mode & 0o077 == 0
    settings = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
    uses = authority(settings).uses
    ways = {name: use.confirmation for name, use in uses.items()}
    here = {name for name, way in ways.items() if way is Confirmation.HERE}
    assert here == {name for name, use in uses.items() if use.at_service}
    assert here == {*(f"csc-{api}" for api in CSC_IDENTITIES), "mysign-csc"}
    assert ways["vgca"] is Confirmation.HAND_OFF
    assert len(ways) == 8


def test_a_fault_is_switched_on_or_used_up():
    """A test's switch stays; what was scripted happens as often as it says."""
    faults = Slowness()
    faults.script("slow", 2)
    assert [faults.take("slow") for _ in range(3)] == [True, True, False]
    faults.slow = True
    assert [faults.take("slow") for _ in range(3)] == [True, True, True]
    assert faults.pending() == {}
    with pytest.raises(ValueError, match="fast"):
        faults.script("fast")
