"""VNPT SmartCA word for word: what is sent, and what each answer means."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing.contract import CredentialRefused, RemoteItem, RemoteState, SigningUnavailable
from signing.devpki.smartca_simulator import SP_ID, SP_PASSWORD, USER_ID, SmartCaSimulator
from signing.key_config import RemoteConfig
from signing.keys import smartca_messages as messages
from signing.keys import source_for
from signing.keys.smartca_statuses import ASKED, STARTED

NOW = datetime(2026, 11, 25, 3, 4, 5, tzinfo=UTC)
REMOTE = RemoteConfig(
    url="https://gwsca.example",
    client_id="sp",
    client_secret="mat",
    user_id="001",
    credential_id="",
)
ITEMS = (
    RemoteItem("doc-1", b"one", "Quyết định 12/QĐ-UBND"),
    RemoteItem("doc-2", b"two", "Giấy phép 7"),
)


def standing(answer, status=200, refusals=STARTED):
    return messages.read_standing(status, answer, refusals)


def test_the_request_to_sign_is_exactly():
    """§3.3: lower-case hexadecimal SHA-256, our transaction, UTC."""
    assert messages.sign_request(REMOTE, "ref-1", ITEMS, NOW) == {
        "sp_id": "sp",
        "sp_password": "mat",
        "user_id": "001",
        "transaction_id": "ref-1",
        "transaction_desc": "Quyết định 12/QĐ-UBND và 1 văn bản khác",
        "time_stamp": "20261125030405Z",
        "serial_number": "",
        "sign_files": [
            {
                "data_to_be_signed": hashlib.sha256(b"one").hexdigest(),
                "doc_id": "doc-1",
                "file_type": "pdf",
                "sign_type": "hash",
            },
            {
                "data_to_be_signed": hashlib.sha256(b"two").hexdigest(),
                "doc_id": "doc-2",
                "file_type": "pdf",
                "sign_type": "hash",
            },
        ],
    }


def test_the_request_for_certificates_is_exactly():
    """§3.2."""
    assert messages.certificate_request(REMOTE, "t") == {
        "sp_id": "sp",
        "sp_password": "mat",
        "user_id": "001",
        "serial_number": "",
        "transaction_id": "t",
    }
    assert messages.status_path("ref-1") == "/sca/sp769/v1/signatures/sign/ref-1/status"


@pytest.mark.parametrize("code", [200, 0])
def test_success_waits_for_the_user(code):
    """Both success codes that implementations answer with."""
    told = standing(
        {
            "status_code": code,
            "message": " sig_wait_for_user_confirm",
            "data": {"transaction_id": "ref-1", "tran_code": "acd9be84"},
        }
    )
    assert (told.state, told.provider_reference) == (RemoteState.WAITING_USER, "acd9be84")


def test_signatures_are_read_by_our_names():
    """§3.4, as in the document's example."""
    value = base64.b64encode(b"signature").decode()
    told = standing(
        {
            "status_code": 200,
            "message": "SUCCESS",
            "data": {
                "transaction_id": "c7eabdae",
                "signatures": [
                    {"doc_id": "doc-1", "signature_value": value, "timestamp_signature": None}
                ],
            },
        }
    )
    assert (told.state, told.signatures) == (RemoteState.DONE, {"doc-1": b"signature"})


@pytest.mark.parametrize(
    ("answer", "status", "state"),
    [
        ({"status_code": 400, "message": "BAD_REQUEST"}, 200, RemoteState.ERROR),
        ({"status_code": 401, "message": "SP_CREDENTIAL_INVALID"}, 200, RemoteState.ERROR),
        ({"status_code": 403}, 200, RemoteState.CERTIFICATE_INVALID),
        ({"status_code": 500}, 200, RemoteState.UNKNOWN),
        ({}, 400, RemoteState.ERROR),
        ({}, 502, RemoteState.UNKNOWN),
        ({"status_code": 200, "message": "EXPIRED"}, 200, RemoteState.EXPIRED),
        ({"status_code": 200, "message": "REJECTED"}, 200, RemoteState.REJECTED),
    ],
)
def test_refusals_are_read(answer, status, state):
    """§3.1, by a table."""
    assert standing(answer, status).state is state


@pytest.mark.parametrize("code", [400, 401, 500])
def test_a_question_that_is_refused_says_nothing_about_the_transaction(code):
    """The official may be confirming at this moment."""
    assert standing({"status_code": code}, refusals=ASKED).state is RemoteState.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status_code": "200"},
        {"status_code": 999},
        {"status_code": None},
        {"status_code": 200, "message": "SIG_NEW"},
        {"status_code": 200, "message": "SUCCESS", "data": {"signatures": [{}]}},
        {"status_code": 200, "message": "SUCCESS", "data": {"signatures": [{"doc_id": "a",
                                                            "signature_value": "*"}]}},
        {"status_code": 200, "message": "SUCCESS", "data": {"signatures": "x"}},
        {"status_code": [], "message": {}},
    ],
)  # fmt: skip
def test_garbage_is_unknown(answer):
    """Never a guess."""
    assert standing(answer).state is RemoteState.UNKNOWN


def test_certificates_are_read_and_picked_by_serial(running_pki):
    """The document's shape; the chain comes with it."""
    own, issuing = running_pki.pki.certificate("official-rsa"), running_pki.pki.issuing.certificate
    one, other = (base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in (own, issuing))
    chain = {"ca_cert": other, "root_cert": None}
    listed = [{"cert_data": one, "chain_data": chain}, {"cert_data": other, "chain_data": None}]
    answer = {"data": {"user_certificates": listed}}
    assert messages.read_certificates(answer, "")[0] == (own, (issuing,))
    assert len(messages.read_certificates(answer, "")) == 2
    serial = f"{own.serial_number:X}"
    assert messages.read_certificates(answer, serial) == [(own, (issuing,))]
    for broken in ({}, {"data": None}, {"data": {"user_certificates": [{"cert_data": "x"}]}}):
        with pytest.raises(ValueError):
            messages.read_certificates(broken, "")


def test_the_webhook_is_read_no_further_than_its_transaction():
    """It has no proof of who sends it (§3.5)."""
    body = {"sp_id": "sp", "status_code": 200, "transaction_id": "ref-1", "signed_files": []}
    assert messages.read_webhook(json.dumps(body).encode()) == ("sp", "ref-1")
    for broken in (b"", b"[]", b"{}", b'{"sp_id": 1, "transaction_id": 2}'):
        with pytest.raises(ValueError):
            messages.read_webhook(broken)


@pytest.fixture
async def simulator(server):
    async with SmartCaSimulator(server.pki) as running:
        yield running


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_secret": "sai"}, "service_account"),
        ({"user_id": "khac"}, "service_account"),
        ({"credential_id": "ff"}, "key_not_found"),
        ({"allow_pkcs1v15": False}, "pkcs1v15_not_allowed"),
    ],
)
async def test_keys_that_cannot_be_used_are_named(simulator, changes, code):
    """Before anything is prepared."""
    with pytest.raises(CredentialRefused) as refused:
        await source_for(simulator.key_config(**changes)).open()
    assert refused.value.code == code


@pytest.mark.parametrize("fault", ["broken_answer", "server_error"])
async def test_a_silent_service_is_told(simulator, fault):
    """Nothing was signed by asking for a certificate."""
    setattr(simulator.faults, fault, True)
    with pytest.raises(SigningUnavailable) as refused:
        await source_for(simulator.key_config()).open()
    assert refused.value.code == "signing_service_silent"


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "user_id"])
def test_what_is_missing_is_named(missing):
    """At the start, in Vietnamese."""
    whole = {"client_id": SP_ID, "client_secret": SP_PASSWORD, "user_id": USER_ID, missing: ""}
    faults = RemoteConfig(url="https://gwsca.example", **whole).rules("smartca")
    assert [s for s, holds in faults.items() if not holds] == [f"remote.{missing}: chưa có"]
