"""What every payment and notification connector in the registry must do, whoever it is."""

import ast
import inspect
import re
import tomllib
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from connectors import registry
from connectors.contract import (
    CallbackReply,
    Capability,
    Kind,
    MisconfiguredAccount,
    NotificationConnector,
    PaymentConnector,
    ProviderProtocolError,
    Receipt,
    Refunds,
    SignatureMismatch,
)
from tests.connectors.payment.wires import (
    CannedTransport,
    StandingClock,
    casso_account,
    make_callback,
    make_order,
    sepay_account,
    vietqr_account,
    vnpay_account,
)

ACCOUNTS = {
    "casso": casso_account,
    "sepay": sepay_account,
    "vietqr": vietqr_account,
    "vnpay": vnpay_account,
}
ENTRIES = {**registry.PAYMENT, **registry.NOTIFICATION}
ROOMS = ("__init__", "connector", "messages", "statuses", "signature")

every = pytest.mark.parametrize("name", sorted(ENTRIES))
payments = pytest.mark.parametrize("name", sorted(registry.PAYMENT))


def build(name, account=None):
    make = registry.build_payment if name in registry.PAYMENT else registry.build_notification
    return make(account or ACCOUNTS[name](), CannedTransport(), StandingClock())


def folder(name):
    return Path(import_module(f"connectors.payment.{name}").__file__).parent


@every
def test_it_has_the_five_rooms_and_only_one_awaits(name):
    for room in ROOMS:
        source = (folder(name) / f"{room}.py").read_text("utf-8")
        awaits = any(
            isinstance(node, ast.AsyncFunctionDef | ast.Await)
            for node in ast.walk(ast.parse(source))
        )
        assert not awaits or room == "connector"


@every
def test_it_imports_nothing_of_the_gateway_nor_of_another_provider(name):
    others = "|".join(sorted(set(ENTRIES) - {name}))
    for path in folder(name).glob("*.py"):
        lines = [
            x for x in path.read_text("utf-8").splitlines() if re.match(r"\s*(from|import) ", x)
        ]
        wrong = rf"\b(gateway|signing)\b|payment\.({others})\b"
        assert not [line for line in lines if re.search(wrong, line)]


@every
def test_it_keeps_its_contract_and_its_passport(name):
    connector = build(name)
    wanted = PaymentConnector if name in registry.PAYMENT else NotificationConnector
    assert isinstance(connector, wanted)
    assert connector.spec is ENTRIES[name].spec
    assert connector.spec.name == name
    kind = Kind.PAYMENT if name in registry.PAYMENT else Kind.NOTIFICATION
    assert connector.spec.kind is kind
    assert connector.spec.document


@every
def test_without_its_secrets_and_options_it_does_not_start(name):
    spec = ENTRIES[name].spec
    empty = replace(ACCOUNTS[name](), options={}, secrets={})
    if not (spec.options or spec.secrets):
        pytest.fail("a provider that needs nothing cannot be trusted with anything")
    with pytest.raises(MisconfiguredAccount) as caught:
        build(name, empty)
    for key in (*spec.options, *spec.secrets):
        assert any(key in problem for problem in caught.value.problems)


@every
def test_a_blank_secret_does_not_start(name):
    account = ACCOUNTS[name]()
    for key in ENTRIES[name].spec.secrets:
        with pytest.raises(MisconfiguredAccount):
            build(name, replace(account, secrets={**account.secrets, key: ("",)}))


@every
def test_an_account_of_another_provider_does_not_start(name):
    with pytest.raises(MisconfiguredAccount):
        ENTRIES[name].factory(
            replace(ACCOUNTS[name](), provider="another"), CannedTransport(), StandingClock()
        )


@every
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("leg", ["", "return", "x"])
@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\x00", b"null", b"[" * 100_000])
def test_whatever_is_thrown_at_it_unsigned_is_refused(name, method, leg, body):
    connector = build(name)
    for query in ("", "vnp_TxnRef=1&vnp_SecureHash=", "%00%ff=%zz&&&", "a" * 20_000):
        callback = make_callback(method=method, leg=leg, query=query, body=body)
        with pytest.raises((SignatureMismatch, ProviderProtocolError)):
            connector.read_callback(callback)


@every
def test_it_has_an_answer_for_every_outcome(name):
    connector = build(name)
    for receipt in Receipt:
        reply = connector.callback_reply(receipt, make_callback())
        assert isinstance(reply, CallbackReply)
        assert 200 <= reply.status < 600


@every
def test_reading_a_callback_does_not_await(name):
    connector = build(name)
    assert not inspect.iscoroutinefunction(connector.read_callback)
    assert not inspect.iscoroutinefunction(connector.callback_reply)


@payments
async def test_a_started_attempt_carries_the_reference_unchanged(name):
    order = make_order()
    action = (await build(name).create(order)).action
    assert order.reference in (action.url or "") + (action.qr_payload or "")


@payments
async def test_starting_twice_with_the_same_order_is_the_same_start(name):
    connector = build(name)
    assert await connector.create(make_order()) == await connector.create(make_order())


def test_unknown_providers_are_named():
    account = replace(vnpay_account(), provider="nopay")
    for make in (registry.build_payment, registry.build_notification, registry.build_postal):
        with pytest.raises(MisconfiguredAccount, match="nopay is unknown"):
            make(account, CannedTransport(), StandingClock())


def test_a_passport_that_promises_too_much_or_too_little_is_refused():
    qr, vnpay = build("vietqr"), build("vnpay")
    boasting = replace(qr.spec, capabilities=frozenset({Capability.REFUND}))
    with pytest.raises(MisconfiguredAccount, match="Refunds"):
        registry.check_capabilities(boasting, qr)
    modest = replace(vnpay.spec, capabilities=frozenset({Capability.QUERY}))
    with pytest.raises(MisconfiguredAccount, match="Refunds"):
        registry.check_capabilities(modest, vnpay)
    assert isinstance(vnpay, Refunds)


def test_the_passport_is_checked_when_a_connector_is_built(monkeypatch):
    entry = registry.PAYMENT["vietqr"]
    boasting = replace(entry.spec, capabilities=frozenset({Capability.REFUND}))
    monkeypatch.setattr(registry, "PAYMENT", {"vietqr": registry.Entry(boasting, entry.factory)})
    with pytest.raises(MisconfiguredAccount, match="Refunds"):
        build("vietqr")


def test_the_matrix_has_a_row_a_provider():
    rows = {row["name"]: row for row in registry.capability_matrix()}
    assert set(ENTRIES) <= set(rows)
    assert rows["vnpay"]["capabilities"] == ["partial_refund", "query", "refund"]
    table = registry.capability_markdown().splitlines()
    assert len(table) == len(rows) + 2
    assert len({line.count("|") for line in table}) == 1


def test_the_wall_between_providers_knows_them_all():
    """A folder that the wall does not name may import whatever it likes."""
    root = Path(registry.__file__).parent.parent
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    contracts = {c["id"]: c for c in settings["tool"]["importlinter"]["contracts"]}
    folders = {f"connectors.payment.{name}" for name in ENTRIES}
    folders |= {f"connectors.postal.{name}" for name in registry.POSTAL}
    assert set(contracts["providers"]["modules"]) == folders
