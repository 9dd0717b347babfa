"""Viettel MySign word for word, in both dialects, and its callbacks."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from asn1crypto import cms

from signing.contract import (
    CredentialRefused,
    Level,
    RemoteItem,
    RemoteState,
    Role,
    SigningUnavailable,
    SignOrder,
)
from signing.devpki.mysign_simulator import (
    CALLBACK_ID,
    CALLBACK_SECRET,
    CREDENTIAL_ID,
    MySignSimulator,
)
from signing.key_config import RemoteConfig
from signing.keys import mysign_callbacks as callbacks
from signing.keys import mysign_messages as messages
from signing.keys import source_for
from signing.keys.confirmed import raw_signature
from tests.signing import oracles

NOW = datetime(2026, 11, 25, 3, 4, 5, tzinfo=UTC)
REMOTE = RemoteConfig(url="https://my.example", client_id="c", client_secret="mat", user_id="CMT_1")
ITEMS = messages.in_order(
    (RemoteItem("b", b"two", "Giấy phép số 7/GP"), RemoteItem("a", b"one", "Quyết định 12/QĐ-UBND"))
)


def text(raw):
    return base64.b64encode(raw).decode()


def test_the_request_to_sign_is_exactly(running_pki):
    """Counts agree, titles are base64 of plain letters, our names travel in document_id."""
    offer = messages.Offer("cred", running_pki.pki.certificate("official-rsa"), (), usable=True)
    assert messages.sign_request(REMOTE, offer, "ref-1", ITEMS, rsa=True) == {
        "client_id": "c",
        "client_secret": "mat",
        "credentialID": "cred",
        "numSignatures": 2,
        "description": text(b"Quyet dinh 12-QD-UBND va 1 van ban khac"),
        "documents": [
            {"document_id": "5-ref-1-a", "document_name": text(b"Quyet dinh 12-QD-UBND")},
            {"document_id": "5-ref-1-b", "document_name": text(b"Giay phep so 7-GP")},
        ],
        "hash": [text(hashlib.sha256(b"one").digest()), text(hashlib.sha256(b"two").digest())],
        "hashAlgo": "2.16.840.1.101.3.4.2.1",
        "signAlgo": "1.2.840.113549.1.1.1",
        "async": 1,
    }
    assert messages.login_request(REMOTE) == {
        "client_id": "c",
        "client_secret": "mat",
        "profile_id": "adss:ras:profile:001",
        "user_id": "CMT_1",
    }
    assert messages.status_request("t") == {"transactionId": "t"}


def test_long_titles_stay_below_the_limit():
    """Below 100 characters of base64, whatever the title."""
    assert len(messages.shown("Quyết định " * 40)) < 100


@pytest.mark.parametrize(
    ("reference", "item"), [("r", "i"), ("a-b-1", "2-c"), ("", ""), ("x", "-")]
)
def test_our_two_names_survive_in_one(reference, item):
    """Whatever dashes are in them."""
    assert messages.names_of(messages.document_id(reference, item)) == (reference, item)


@pytest.mark.parametrize("foreign", ["", "abc", "9-abc", "1-abc", "-1-a-b"])
def test_foreign_names_are_not_ours(foreign):
    """A webhook about something we did not send."""
    with pytest.raises(ValueError):
        messages.names_of(foreign)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("4000", RemoteState.WAITING_USER),
        ("6000", RemoteState.SIGNING),
        ("4001", RemoteState.EXPIRED),
        ("4002", RemoteState.REJECTED),
        ("4004", RemoteState.ERROR),
        ("4005", RemoteState.QUOTA),
        ("13004", RemoteState.CERTIFICATE_INVALID),
        ("50000", RemoteState.UNKNOWN),
        ("58007", RemoteState.UNKNOWN),
        ("", RemoteState.UNKNOWN),
    ],
)
def test_status_codes_are_read_by_a_table(code, state):
    """As text and as a number."""
    assert messages.read_status(200, {"status": code}).state is state
    if code:
        assert messages.read_status(200, {"status": int(code)}).state is state
    assert messages.read_status(502, {"status": code}).state is RemoteState.UNKNOWN


def test_signatures_may_be_broken_into_lines_or_wrapped():
    """CR and LF are dropped; a CMS message gives the one signer's raw value."""
    raw = bytes(range(256))
    coded = text(raw)
    broken = "\r\n".join((coded[:64], coded[64:200], coded[200:])) + "\r\n"
    told = messages.read_status(200, {"status": "1", "signatures": [broken]})
    assert (told.state, told.signatures) == (RemoteState.DONE, (raw,))
    assert raw_signature(text(wrapped(raw))) == raw
    ecdsa = bytes.fromhex("3006020101020102")
    assert raw_signature(text(ecdsa)) == ecdsa
    for bad in (None, "", "*", 5):
        with pytest.raises(ValueError):
            raw_signature(bad)


def wrapped(signature):
    algorithm = {"algorithm": "sha256"}
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier("subject_key_identifier", b"1"),
            "digest_algorithm": algorithm,
            "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
            "signature": signature,
        }
    )
    content = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algorithm],
            "encap_content_info": {"content_type": "data"},
            "signer_infos": [info],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": content}).dump()


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [
        (200, {"transactionId": "t"}, RemoteState.WAITING_USER),
        (200, {"transactionId": "t", "error": 0}, RemoteState.WAITING_USER),
        (200, {"signatures": [text(b"s")]}, RemoteState.DONE),
        (200, {"status": "4002"}, RemoteState.REJECTED),
        (200, {"error": 4005}, RemoteState.QUOTA),
        (200, {"error": 58008, "error_description": "x"}, RemoteState.UNKNOWN),
        (200, {}, RemoteState.UNKNOWN),
        (200, {"signatures": ["*"]}, RemoteState.UNKNOWN),
        (400, {"error": 59033}, RemoteState.ERROR),
        (401, {}, RemoteState.ERROR),
        (500, {}, RemoteState.UNKNOWN),
    ],
)
def test_the_answer_to_sign_is_read(status, answer, state):
    """A transaction, signatures, a code of the table; nothing else is guessed."""
    assert messages.read_started(status, answer).state is state


# ------------------------------------------------------------------ running


@pytest.fixture
async def simulator(server):
    async with MySignSimulator(server.pki) as running:
        yield running


async def test_a_call_held_open_gives_the_signature_at_once(simulator):
    """``delivery = "wait"``: the ticket is done when start returns; the time-out is the call's."""
    source = source_for(simulator.key_config(delivery="wait"))
    ticket = await (await confirmed(simulator, source.start("ref-1", ITEMS, NOW)))
    assert (ticket.state, set(ticket.signatures)) == (RemoteState.DONE, {"a", "b"})
    slow = source_for(simulator.key_config(delivery="wait", timeout_s=0.3))
    simulator._decided.clear()
    lost = await slow.start("ref-2", ITEMS, NOW)
    assert lost.state is RemoteState.UNKNOWN


async def test_signatures_that_cannot_be_told_apart_are_not_taken(simulator):
    """The service answers by position: without the names of several items nothing is assigned."""
    source = source_for(simulator.key_config())
    ticket = await source.start("ref-1", ITEMS, NOW)
    simulator.confirm("official-rsa")
    nameless = dataclasses.replace(ticket, items=())
    assert (await source.ask(nameless, NOW)).state is RemoteState.UNKNOWN
    assert (await source.ask(ticket, NOW)).state is RemoteState.DONE


@pytest.mark.parametrize(
    ("api", "changes", "code"),
    [
        ("vtss", {"client_secret": "sai"}, "service_account"),
        ("vtss", {"credential_id": "khac"}, "key_not_found"),
        ("vtss", {"allow_pkcs1v15": False}, "pkcs1v15_not_allowed"),
        ("csc", {"client_secret": "sai"}, "service_account"),
        ("csc", {"allow_pkcs1v15": False}, "pkcs1v15_not_allowed"),
    ],
)
async def test_keys_that_cannot_be_used_are_named(simulator, api, changes, code):
    """Before anything is sent to the official."""
    with pytest.raises(CredentialRefused) as refused:
        await source_for(simulator.key_config(api=api, **changes)).open()
    assert refused.value.code == code


async def test_a_result_is_let_in_with_a_token_of_ours(simulator):
    """Token, result, our names again; the reply the document asks for."""
    source = source_for(simulator.key_config(delivery="callback"))
    await source.start("ref-1", ITEMS, NOW)
    assert simulator.calls.bodies[0]["async"] == 3
    simulator.confirm("official-rsa")
    let_in = source.read_callback({}, simulator.token_call(), NOW)
    assert (let_in.reference, let_in.provider_reference) == ("", "")
    token = json.loads(let_in.reply)["data"]["access_token"]
    (transaction,) = simulator.transactions
    headers = {"authorization": f"Bearer {token}"}
    body = simulator.result_call(transaction)
    for _ in range(2):  # a duplicate says the same
        told = source.read_callback(headers, body, NOW + timedelta(minutes=30))
        assert (told.reference, told.state) == ("ref-1", RemoteState.DONE)
        assert set(told.signatures) == {"a", "b"}
        assert json.loads(told.reply)["status_code"] == "00"


async def test_a_refusal_is_told_too(simulator):
    """Without any result there is only the service's own name for the request."""
    source = source_for(simulator.key_config(delivery="callback"))
    await source.start("ref-1", ITEMS, NOW)
    simulator.faults.rejected = True
    simulator.confirm("official-rsa")
    (transaction,) = simulator.transactions
    token = callbacks.issue_token(CALLBACK_SECRET, NOW)
    headers = {"Authorization": f"Bearer {token}"}
    told = source.read_callback(headers, simulator.result_call(transaction), NOW)
    assert (told.provider_reference, told.state) == (transaction, RemoteState.REJECTED)
    assert told.signatures == {}


async def test_forged_calls_are_refused(simulator):
    """No token, a stranger's, one that ran out, a wrong secret, rubbish."""
    source = source_for(simulator.key_config(delivery="callback"))
    token = callbacks.issue_token(CALLBACK_SECRET, NOW)
    stranger = callbacks.issue_token("x" * 20, NOW)
    body = json.dumps({"meta_data": {"transaction_id": "t", "status": "4002"}}).encode()
    late = NOW + timedelta(hours=2)
    until, _, mac = token.partition(".")
    longer = f"{int(until) + 9999}.{mac}"
    calls = [
        ({}, body, NOW),
        ({"authorization": f"Bearer {stranger}"}, body, NOW),
        ({"authorization": f"Bearer {longer}"}, body, NOW),
        ({"authorization": f"Bearer {token}"}, body, late),
        ({"authorization": f"Bearer {token}"}, b"[]", NOW),
        ({"authorization": f"Bearer {token}"}, b"{}", NOW),
        ({}, simulator.token_call("sai"), NOW),
    ]
    for headers, content, moment in calls:
        with pytest.raises(CredentialRefused) as refused:
            source.read_callback(headers, content, moment)
        assert refused.value.code == "callback_refused"
    without = source_for(simulator.key_config(callback_id="", callback_secret=""))
    empty = json.dumps({"grant_type": "client_credentials", "client_id": "", "client_secret": ""})
    with pytest.raises(CredentialRefused):
        without.read_callback({}, empty.encode(), NOW)


@pytest.mark.parametrize("charset", ["", "; charset=UTF-8"])
def test_a_token_is_given_for_a_form_too(simulator, charset):
    """As OAuth 2.0 has it (RFC 6749 §4.4.2), and what stands in the address of a GET."""
    source = source_for(simulator.key_config(delivery="callback"))
    form = {"content-type": f"application/x-www-form-urlencoded{charset}"}
    asked = {"grant_type": "client_credentials", "client_id": CALLBACK_ID}
    good = urlencode({**asked, "client_secret": CALLBACK_SECRET})
    let_in = source.read_callback(form, good.encode(), NOW)
    assert json.loads(let_in.reply)["data"]["access_token"]
    for bad in (urlencode({**asked, "client_secret": "sai"}), f"{good}&client_id=x", "", "&=", "x"):
        with pytest.raises(CredentialRefused) as refused:
            source.read_callback(form, bad.encode(), NOW)
        assert refused.value.code == "callback_refused"
    with pytest.raises(CredentialRefused):
        source.read_callback({"content-type": "application/json"}, good.encode(), NOW)


def test_callbacks_need_their_secret_configured():
    """``delivery = "callback"`` without one could never be let in."""
    rules = RemoteConfig(
        url="https://my.example", client_id="c", client_secret="s", user_id="u",
        delivery="callback", callback_id=CALLBACK_ID,
    ).rules("mysign")  # fmt: skip
    assert [s for s, holds in rules.items() if not holds] == [
        "remote.callback_id, callback_secret: cần cho delivery = “callback”"
    ]


# ------------------------------------------------------------------ the CSC dialect


async def confirmed(simulator, work):
    """Let the work begin; when it waits for the official, confirm."""
    call = asyncio.ensure_future(work)
    while not simulator.transactions:  # noqa: ASYNC110 - the simulator runs in this loop
        await asyncio.sleep(0.01)
    simulator.confirm("official-rsa")
    return call


def csc_order(pdf):
    return SignOrder(pdf, "mysign", Role.INVISIBLE, Level.B_B)


@pytest.mark.oracle
async def test_the_csc_dialect_signs_in_one_call(
    make_service, server, simulator, decision_pdf, tmp_path
):
    """The official confirms while authorize is open; the only credential is found."""
    service = make_service(keys=(simulator.key_config(api="csc", timeout_s=20.0),))
    signed = await (await confirmed(simulator, service.sign(csc_order(decision_pdf))))
    assert oracles.openssl_accepts(signed.pdf, server.pki.root_pem, tmp_path)
    authorize, sign = simulator.calls.bodies
    assert set(authorize) == {"credentialID", "numSignatures", "hash", "documents", "description"}
    assert authorize["credentialID"] == CREDENTIAL_ID
    assert sign["signAlgo"] == "1.2.840.113549.1.1.1"
    assert sign["documents"] == authorize["documents"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("rejected", "rejected"),
        ("expired", "authorisation_expired"),
        ("quota", "quota_exceeded"),
        ("wrong_signature", "bad_signature"),
        ("silent_after_work", "outcome_unknown"),
    ],
)
async def test_the_csc_dialects_refusals_are_told(
    make_service, simulator, decision_pdf, fault, code
):
    """Nothing is sent twice."""
    setattr(simulator.faults, fault, True)
    timeout_s = 1.0 if fault == "silent_after_work" else 20.0
    service = make_service(keys=(simulator.key_config(api="csc", timeout_s=timeout_s),))
    call = await confirmed(simulator, service.sign(csc_order(decision_pdf)))
    with pytest.raises((CredentialRefused, SigningUnavailable)) as refused:
        await call
    assert refused.value.code == code
    assert simulator.calls.start == 1
