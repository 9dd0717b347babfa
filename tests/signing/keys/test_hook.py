"""The bridge's protocol word for word: what is signed, what is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from signing.contract import CredentialRefused, RemoteItem, RemoteState
from signing.devpki.hook_simulator import CLIENT, SECRET, HookSimulator
from signing.key_config import RemoteConfig
from signing.keys import hook_messages as messages
from signing.keys import source_for
from signing.keys.hook_messages import Shared, Standing

NOW = datetime(2026, 11, 25, 3, 4, 5, tzinfo=UTC)
SHARED = Shared("motcua", "s" * 32)
ITEM = RemoteItem("doc-1", b"one", "Quyết định 12/QĐ-UBND")


def test_the_mac_is_as_the_document_says():
    """HMAC-SHA256 over time, path and body, told in three headers."""
    given = SHARED.headers("/v1/ask", b"{}", NOW)
    moment = str(int(NOW.timestamp()))
    wanted = hmac.new(b"s" * 32, f"{moment}./v1/ask.{{}}".encode(), hashlib.sha256).hexdigest()
    assert given == {
        "Content-Type": "application/json",
        "X-Motcua-Client": "motcua",
        "X-Motcua-Time": moment,
        "X-Motcua-Signature": wanted,
    }
    lowered = {name.lower(): value for name, value in given.items()}
    assert SHARED.holds(lowered, "/v1/ask", b"{}", NOW)


def test_one_changed_thing_is_refused():
    """Body, path, time, client, secret, age, and no headers at all."""
    given = SHARED.headers("/v1/ask", b"{}", NOW)
    assert not SHARED.holds(given, "/v1/ask", b"{ }", NOW)
    assert not SHARED.holds(given, "/v1/start", b"{}", NOW)
    assert not SHARED.holds(given, "/v1/ask", b"{}", NOW + timedelta(minutes=6))
    assert not SHARED.holds(given, "/v1/ask", b"{}", NOW - timedelta(minutes=6))
    assert not Shared("motcua", "t" * 32).holds(given, "/v1/ask", b"{}", NOW)
    for name in (messages.CLIENT, messages.TIME, messages.MAC):
        for value in ("", "1", "é"):
            assert not SHARED.holds({**given, name: value}, "/v1/ask", b"{}", NOW)
    assert not SHARED.holds({}, "/v1/ask", b"{}", NOW)


@pytest.mark.parametrize(
    ("name", "pss", "scheme"),
    [
        ("official-rsa", True, "rsassa-pss"),
        ("official-rsa", False, "rsassa-pkcs1-v1_5"),
        ("official-ec", True, "ecdsa"),
    ],
)
def test_the_request_to_start_is_exactly(running_pki, name, pss, scheme):
    """The scheme follows from the key and the exception."""
    certificate = running_pki.pki.certificate(name)
    assert messages.start_request("ref-1", (ITEM,), certificate, pss=pss) == {
        "reference": "ref-1",
        "scheme": scheme,
        "hash": "sha256",
        "items": [
            {
                "item": "doc-1",
                "digest": hashlib.sha256(b"one").hexdigest(),
                "title": "Quyết định 12/QĐ-UBND",
            }
        ],
    }


@pytest.mark.parametrize("state", list(RemoteState))
def test_every_state_survives_the_wire(state):
    """What a bridge writes is what is read."""
    signatures = {"doc-1": b"raw"} if state is RemoteState.DONE else {}
    standing = Standing(state, "ref-1", "theirs", "", NOW, signatures)
    assert messages.read_standing(json.loads(json.dumps(messages.standing_body(standing)))) == (
        standing
    )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"state": "half"},
        {"state": None},
        {"state": ["done"]},
        {"state": "done"},
        {"state": "done", "signatures": {"a": "*"}},
        {"state": "done", "signatures": ["a"]},
        {"state": "waiting_user", "expires_at": "2026-11-25T00:00:00"},
        {"state": "waiting_user", "expires_at": "soon"},
    ],
)
def test_garbage_is_unknown(answer):
    """Never a guess; a signature is taken only with a state that has one."""
    assert messages.read_standing(answer).state is RemoteState.UNKNOWN
    raw = base64.b64encode(b"raw").decode()
    early = {"state": "waiting_user", "signatures": {"a": raw}}
    assert messages.read_standing(early).signatures == {}


@pytest.fixture
async def simulator(server):
    async with HookSimulator(server.pki) as running:
        yield running


async def test_a_callback_is_believed_with_its_mac_only(simulator):
    """Duplicates say the same; a stranger's, a changed and an old one are refused."""
    source = source_for(simulator.key_config())
    now = simulator.pki.clock.now()
    await source.start("ref-1", (ITEM,), now)
    simulator.confirm("official-rsa", pss=True)
    headers, body = simulator.callback("ref-1")
    for _ in range(2):
        told = source.read_callback(headers, body, now)
        assert (told.reference, told.state) == ("ref-1", RemoteState.DONE)
        assert told.signatures["doc-1"]
    forged = [
        (headers, body.replace(b"done", b"none"), now),
        (headers, body, now + timedelta(minutes=10)),
        (*simulator.callback("ref-1", "x" * 32), now),
        ({}, body, now),
        (Shared(CLIENT, SECRET).headers(messages.CALLBACK_PATH, b"[]", now), b"[]", now),
    ]
    for given, content, moment in forged:
        with pytest.raises(CredentialRefused) as refused:
            source.read_callback(given, content, moment)
        assert refused.value.code == "callback_refused"


async def test_a_gateway_whose_clock_is_wrong_is_refused(simulator):
    """An old request is not accepted, whatever its MAC: nothing was started."""
    ticket = await source_for(simulator.key_config()).start("ref-1", (ITEM,), NOW)
    assert ticket.state is RemoteState.ERROR
    assert not simulator.transactions


async def test_the_bridge_may_say_how_long_a_request_lives(simulator):
    """Its word counts more than the configuration."""
    until = NOW + timedelta(days=30)
    simulator._standing = lambda reference: Standing(
        RemoteState.WAITING_USER, reference, "b", expires_at=until
    )
    now = simulator.pki.clock.now()
    ticket = await source_for(simulator.key_config()).start("ref-2", (ITEM,), now)
    assert ticket.expires_at == until


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"url": "http://bridge.example"}, "remote.url: cần địa chỉ https"),
        ({"client_secret": "ngan"}, "remote.client_secret: cần từ 32 ký tự"),
        ({"client_id": ""}, "remote.client_id: chưa có"),
    ],
)
def test_a_weak_configuration_is_named(changes, fault):
    """The MAC is all the proof there is."""
    whole = {"url": "https://bridge.example", "client_id": "m", "client_secret": "s" * 32}
    rules = RemoteConfig(**{**whole, **changes}).rules("hook")
    assert [s for s, holds in rules.items() if not holds] == [fault]
