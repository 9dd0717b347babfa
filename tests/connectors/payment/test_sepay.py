"""SePay: the key first, then the body."""

import json
from datetime import UTC, datetime

import pytest

from connectors.contract import (
    Ignored,
    Meaning,
    MisconfiguredAccount,
    ProviderProtocolError,
    Receipt,
    Report,
    SignatureMismatch,
    Unrecognised,
)
from connectors.payment.sepay import signature, statuses
from connectors.payment.sepay.connector import SepayConnector
from tests.connectors.payment.wires import (
    CannedTransport,
    StandingClock,
    make_callback,
    sepay_account,
)

BODY = {
    "id": 92704,
    "gateway": "Vietcombank",
    "transactionDate": "2026-11-02 12:03:37",
    "accountNumber": "0123499999",
    "code": None,
    "content": "HS2026000123 nop le phi",
    "transferType": "in",
    "transferAmount": 21000,
    "accumulated": 19077000,
    "subAccount": None,
    "referenceCode": "MBVCB.3278907687",
    "description": "",
}


@pytest.fixture
def connector():
    return SepayConnector(sepay_account(), CannedTransport(), StandingClock())


def message(raw=None, header="Apikey sepay-new-key", **changes):
    body = json.dumps({**BODY, **changes}).encode() if raw is None else raw
    headers = {} if header is None else {"authorization": header}
    return make_callback(method="POST", headers=headers, body=body)


def read(connector, callback):
    (found,) = connector.read_callback(callback)
    return found


def test_reads_success(connector):
    assert read(connector, message()) == Report(
        event_key="92704",
        meaning=Meaning.SUCCEEDED,
        code="in",
        amount_vnd=21_000,
        provider_transaction_id="MBVCB.3278907687",
        occurred_at=datetime(2026, 11, 2, 5, 3, 37, tzinfo=UTC),
        memo="HS2026000123 nop le phi",
        account_number="0123499999",
        facts={"bank": "Vietcombank", "bank_reference": "MBVCB.3278907687"},
    )


def test_the_old_key_still_reads(connector):
    assert isinstance(read(connector, message(header="Apikey sepay-old-key")), Report)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sepay-new-key",
        "Bearer sepay-new-key",
        "apikey sepay-new-key",
        "Apikey sepay-new-kez",
        "Apikey sepay-new-key ",
        "Apikey  sepay-new-key",
        "Apikey é",
        "Apikey \udcff",
    ],
)
def test_any_other_key_is_refused_before_the_body_is_read(connector, header):
    for raw in (None, b"not json"):
        with pytest.raises(SignatureMismatch):
            read(connector, message(raw=raw, header=header))


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff", b'{"id":1,"id":2}', b'{"x":"' + b"y" * 70_000 + b'"}']
)
def test_an_unreadable_body_is_a_protocol_error(connector, raw):
    with pytest.raises(ProviderProtocolError):
        read(connector, message(raw=raw))


def test_money_going_out_is_ignored(connector):
    assert read(connector, message(transferType="out")) == Ignored("money going out")


@pytest.mark.parametrize(
    "changes",
    [
        {"transferType": "IN"},
        {"transferType": None},
        {"id": None},
        {"transferAmount": 0},
        {"transferAmount": -21_000},
        {"transferAmount": 21_000.5},
        {"transferAmount": "21.000"},
        {"transferAmount": {"value": 21_000}},
    ],
)
def test_what_cannot_be_read_is_unrecognised(connector, changes):
    assert isinstance(read(connector, message(**changes)), Unrecognised)


@pytest.mark.parametrize("amount", ["21000", 21000.0, "21000.0"])
def test_whole_amounts_are_taken_in_every_form(connector, amount):
    assert read(connector, message(transferAmount=amount)).amount_vnd == 21_000


def test_missing_details_do_not_lose_the_money(connector):
    report = read(
        connector,
        message(referenceCode=None, transactionDate=None, accountNumber=None, subAccount="VA1"),
    )
    assert report.provider_transaction_id == "92704"
    assert (report.occurred_at, report.account_number) == (None, None)
    assert report.facts["virtual_account"] == "VA1"


@pytest.mark.parametrize("changes", [{"method": "GET"}, {"leg": "return"}])
def test_another_way_of_calling_is_refused(connector, changes):
    good = message()
    fields = {"method": "POST", "headers": good.headers, "body": good.body, **changes}
    with pytest.raises(SignatureMismatch):
        connector.read_callback(make_callback(**fields))


def test_an_unknown_type_has_no_meaning():
    assert statuses.transfer_meaning("reversal") is Meaning.UNKNOWN


def test_the_header_is_exactly():
    assert signature.header_value("K") == "Apikey K"


@pytest.mark.parametrize(
    ("receipt", "status"),
    [
        (Receipt.STORED, 200),
        (Receipt.DUPLICATE, 200),
        (Receipt.UNKNOWN_ORDER, 200),
        (Receipt.WRONG_AMOUNT, 200),
        (Receipt.BAD_SIGNATURE, 401),
        (Receipt.UNREADABLE, 400),
        (Receipt.INTERNAL_ERROR, 500),
    ],
)
def test_the_answer_is_exactly(connector, receipt, status):
    reply = connector.callback_reply(receipt, make_callback())
    assert reply.status == status
    assert json.loads(reply.body) == {"success": status == 200}


def test_no_key_in_errors_or_representations(connector):
    with pytest.raises(SignatureMismatch) as caught:
        read(connector, message(header="Apikey wrong"))
    assert "sepay-new-key" not in repr(caught.value) + repr(sepay_account()) + repr(connector)


def test_without_key_the_account_does_not_start():
    account = sepay_account(colour="red")
    account.secrets.clear()
    with pytest.raises(MisconfiguredAccount) as caught:
        SepayConnector(account, CannedTransport(), StandingClock())
    assert len(caught.value.problems) == 2
