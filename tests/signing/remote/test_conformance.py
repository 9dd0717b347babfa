"""What every provider's module owes, whatever goes wrong at the provider: one suite over all."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import pickle
from datetime import timedelta

import pytest

from signing.contract import (
    Confirmation,
    CredentialRefused,
    Level,
    RemoteItem,
    RemoteState,
    SignedPdf,
    SigningUnavailable,
)
from tests.signing.remote.conftest import item_of, order
from tests.signing.remote.providers import PROVIDERS

QUICK = {"timeout_s": 0.4}
TITLE = "Quyết định số 12/QĐ-UBND về việc cấp giấy phép xây dựng"


@pytest.fixture(params=PROVIDERS, ids=str)
async def provider(request, server):
    """A provider with its running simulator."""
    async with request.param.simulator(server.pki) as simulator:
        yield request.param, simulator


@pytest.fixture
def at(provider, fresh_service):
    """A new service with the provider's key, as after a restart."""
    kind, simulator = provider

    def make(**changes):
        return fresh_service(simulator.key_config(**{**kind.options, **changes}))

    return make


def item(name="doc-1", data=b"signed attributes"):
    return RemoteItem(name, data, TITLE)


async def started(at, provider, *items, **changes):
    _, simulator = provider
    name = simulator.key_config().name
    return await at(**changes).start(name, "ref-1", items or (item(),))


def through_storage(ticket):
    """As a caller that keeps a ticket's fields, but nothing it was not told to keep."""
    kept = dataclasses.replace(ticket, signatures={}, items=(), code="")
    return pickle.loads(pickle.dumps(kept))


async def test_the_key_is_listed_as_confirmed_elsewhere(at, provider):
    """With its certificate, and without anything being sent to its owner."""
    _, simulator = provider
    (credential,) = await at().credentials()
    own = simulator.pki.certificate("official-rsa")
    assert credential.confirmation is Confirmation.ELSEWHERE
    assert credential.serial == f"{own.serial_number:x}"
    assert simulator.calls.start == 0


async def test_a_confirmed_request_signs(at, provider, decision_pdf):
    """Prepare, start, wait, ask, finish: each in a process that knows nothing of the others."""
    kind, simulator = provider
    name = simulator.key_config().name
    prepared = await at().prepare(order(decision_pdf, name, Level.B_T))
    ticket = await at().start(name, "ref-1", (item_of(prepared),))
    assert ticket.state is RemoteState.WAITING_USER
    assert ticket.reference == "ref-1"
    waiting = await at().ask(through_storage(ticket))
    assert waiting.state is RemoteState.WAITING_USER
    assert "xác nhận" in waiting.detail
    simulator.confirm("official-rsa", kind.pss)
    done = await at().ask(through_storage(waiting))
    assert done.state is RemoteState.DONE
    signed = await at().finish(prepared, done.signatures["doc-1"])
    assert isinstance(signed, SignedPdf)
    assert simulator.calls.start == 1


async def test_many_documents_come_back_by_name(at, provider):
    """One confirmation, each signature under the name it was asked for, in any order."""
    kind, simulator = provider
    names = ("c", "a", "b-2", "b.1")
    ticket = await started(at, provider, *(item(n, n.encode()) for n in names))
    simulator.confirm("official-rsa", kind.pss)
    kept = dataclasses.replace(ticket, code="", items=names)  # as they were given to start
    done = await at().ask(kept)
    assert done.state is RemoteState.DONE
    (one,) = simulator.transactions.values()
    by_digest = {one.digests[n]: s for n, s in one.signatures.items()}
    assert done.signatures == {n: by_digest[hashlib.sha256(n.encode()).digest()] for n in names}


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("rejected", RemoteState.REJECTED),
        ("expired", RemoteState.EXPIRED),
        ("quota", RemoteState.QUOTA),
        ("certificate_invalid", RemoteState.CERTIFICATE_INVALID),
    ],
)
async def test_refusals_are_states(at, provider, fault, state):
    """Final, with a Vietnamese sentence; asking again asks nobody."""
    kind, simulator = provider
    if fault == "quota" and not kind.says_quota:
        pytest.skip("this provider has no word for an empty quota")
    setattr(simulator.faults, fault, True)
    ticket = await started(at, provider)
    simulator.confirm("official-rsa", kind.pss)
    ended = await at().ask(ticket)
    assert ended.state is state
    assert ended.detail
    asked = simulator.calls.ask
    assert await at().ask(ended) is ended
    assert (await at().cancel(ended)).state is state
    assert simulator.calls.ask == asked


async def test_a_lost_answer_is_asked_about_and_never_sent_again(at, provider, later):
    """The request arrived, its answer did not: the outcome is found out where it can be."""
    kind, simulator = provider
    simulator.faults.silent_after_work = True
    ticket = await started(at, provider, **QUICK)
    assert ticket.state is RemoteState.UNKNOWN
    assert "không gửi lần hai" in ticket.detail
    simulator.faults.silent_after_work = False
    simulator.confirm("official-rsa", kind.pss)
    ticket = await at().ask(through_storage(ticket))
    if kind.asked_by_our_reference:
        assert ticket.state is RemoteState.DONE
        assert ticket.signatures["doc-1"]
    else:
        assert ticket.state is RemoteState.UNKNOWN
        later.later = timedelta(days=8)
        ticket = await at().ask(through_storage(ticket))
        assert (ticket.state, ticket.code) == (RemoteState.ERROR, "outcome_unknown")
        assert "hãy kiểm tra trên dịch vụ" in ticket.detail
    assert simulator.calls.start == 1


async def test_a_request_that_never_arrived_ends_after_its_time(at, provider, later):
    """Unknown while it could still be confirmed, then an error, never sent again."""
    _, simulator = provider
    simulator.faults.silent_before_work = True
    ticket = await started(at, provider, **QUICK)
    simulator.faults.silent_before_work = False
    assert ticket.state is RemoteState.UNKNOWN
    ticket = await at().ask(through_storage(ticket))
    assert ticket.state is RemoteState.UNKNOWN
    later.later = timedelta(days=8)
    simulator.pki.clock = later
    ticket = await at().ask(through_storage(ticket))
    assert (ticket.state, ticket.code) == (RemoteState.ERROR, "outcome_unknown")
    assert simulator.calls.start == 1


async def test_a_ticket_without_an_end_gets_one(at, provider):
    """The process that sent it was lost: only the reference is known."""
    ticket = await started(at, provider)
    bare = dataclasses.replace(ticket, state=RemoteState.UNKNOWN, expires_at=None)
    assert (await at().ask(bare)).expires_at is not None


@pytest.mark.parametrize("fault", ["broken_answer", "unknown_code", "server_error"])
async def test_what_cannot_be_understood_is_unknown(at, provider, caplog, fault):
    """Neither success nor refusal is guessed, at the start or later; it clears by asking."""
    kind, simulator = provider
    ticket = await started(at, provider)
    setattr(simulator.faults, fault, True)
    with caplog.at_level(logging.WARNING):
        unclear = await at().ask(ticket)
    assert unclear.state is RemoteState.UNKNOWN
    assert not unclear.signatures
    if fault == "unknown_code":
        assert "not known here" in caplog.text
    setattr(simulator.faults, fault, False)
    simulator.confirm("official-rsa", kind.pss)
    assert (await at().ask(unclear)).state is RemoteState.DONE


async def test_a_start_answered_with_nonsense_is_unknown(at, provider):
    """The service may have taken it."""
    _, simulator = provider
    service = at()
    await service.credentials()
    simulator.faults.broken_answer = True
    ticket = await service.start(simulator.key_config().name, "ref-1", (item(),))
    assert ticket.state is RemoteState.UNKNOWN
    assert simulator.calls.start == 1


async def test_nobody_there_means_nothing_was_sent(at, provider):
    """The one failure after which the same reference may be started again."""
    _, simulator = provider
    nobody = "http://127.0.0.1:9"
    with pytest.raises(SigningUnavailable) as refused:
        await started(at, provider, url=nobody)
    assert refused.value.code == "signing_service_unreachable"
    assert simulator.calls.start == 0
    ticket = await started(at, provider)
    assert await at(url=nobody).ask(ticket) == ticket


async def test_an_account_that_is_refused_sends_nothing(at, provider, decision_pdf):
    """Told before anything is prepared."""
    _, simulator = provider
    simulator.faults.account_refused = True
    with pytest.raises(CredentialRefused) as refused:
        await at().prepare(order(decision_pdf, simulator.key_config().name))
    assert refused.value.code == "service_account"


async def test_withdrawing_asks_at_least(at, provider):
    """Where the provider can, the request is withdrawn; elsewhere it runs out by itself."""
    kind, _ = provider
    ticket = await started(at, provider)
    withdrawn = await at().cancel(ticket)
    expected = RemoteState.REJECTED if kind.withdraws else RemoteState.WAITING_USER
    assert withdrawn.state is expected


async def test_what_was_confirmed_before_it_was_withdrawn_is_done(at, provider):
    """Withdrawing undoes no signature."""
    kind, simulator = provider
    ticket = await started(at, provider)
    simulator.confirm("official-rsa", kind.pss)
    assert (await at().cancel(ticket)).state is RemoteState.DONE


async def test_no_secret_is_told(at, provider, caplog, decision_pdf):
    """In no log line, no refusal, no ticket, no prepared state, no repr of the configuration."""
    kind, simulator = provider
    key = simulator.key_config(**kind.options)
    told = [repr(key), repr(key.faults())]
    with caplog.at_level(logging.DEBUG):
        prepared = await at().prepare(order(decision_pdf, key.name))
        told += [repr(prepared.state), repr(await started(at, provider))]
        for fault in ("account_refused", "broken_answer"):
            setattr(simulator.faults, fault, True)
            with pytest.raises((CredentialRefused, SigningUnavailable)) as refused:
                await at().prepare(order(decision_pdf, key.name))
            told += [str(refused.value), refused.value.message_vi]
            setattr(simulator.faults, fault, False)
    for secret in (*kind.secrets, "001099000001"):
        assert secret not in caplog.text
        assert not [text for text in told if secret in text]
