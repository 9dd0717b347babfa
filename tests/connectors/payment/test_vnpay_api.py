"""VNPAY: querydr and refund, request by request and answer by answer."""

import json

import pytest

from connectors.contract import (
    HttpReply,
    Meaning,
    OutcomeUnknown,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    RefundMeaning,
    SignatureMismatch,
)
from connectors.payment.vnpay import messages, signature
from connectors.payment.vnpay.connector import VnpayConnector
from tests.connectors.payment.wires import (
    SECRET,
    CannedTransport,
    StandingClock,
    json_reply,
    make_refund,
    make_sought,
    vnpay_account,
)

ANSWER = {
    "vnp_ResponseId": "c9e3a4d1",
    "vnp_ResponseCode": "00",
    "vnp_Message": "Query success",
    "vnp_TmnCode": "TESTTMN1",
    "vnp_TxnRef": "HS2026000123",
    "vnp_Amount": "2100000",
    "vnp_BankCode": "NCB",
    "vnp_PayDate": "20261102120500",
    "vnp_TransactionNo": "14500001",
    "vnp_TransactionType": "01",
    "vnp_TransactionStatus": "00",
    "vnp_OrderInfo": "Tra cuu",
}


def answer(command="querydr", **changes):
    """An answer signed by VNPAY after the changes; None takes a field away."""
    fields = {**ANSWER, "vnp_Command": command, **changes}
    fields = {k: v for k, v in fields.items() if v is not None}
    refund = command == "refund"
    order = signature.REFUND_RESPONSE if refund else signature.QUERY_RESPONSE
    text = signature.canonical_fields({k: str(v) for k, v in fields.items()}, order)
    return json_reply({**fields, "vnp_SecureHash": signature.mac(text, SECRET)})


def connect(*answers):
    transport = CannedTransport(*answers)
    return VnpayConnector(vnpay_account(), transport, StandingClock()), transport


async def test_query_request_is_exactly():
    connector, transport = connect(answer())
    await connector.query(make_sought(provider_transaction_id="14500001"))
    (request,) = transport.requests
    sent = json.loads(request.body)
    text = "|".join(
        (
            sent["vnp_RequestId"],
            "2.1.0|querydr|TESTTMN1|HS2026000123|20261102120000|20261102120000|127.0.0.1",
            "Tra cuu giao dich HS2026000123",
        )
    )
    assert request.method == "POST"
    assert request.url == "https://sandbox.vnpayment.vn/merchant_webapi/api/transaction"
    assert request.headers["content-type"] == "application/json"
    assert len(sent["vnp_RequestId"]) == 32
    assert sent["vnp_TransactionNo"] == "14500001"
    assert sent["vnp_SecureHash"] == signature.mac(text, SECRET)


async def test_two_questions_in_one_moment_have_two_numbers():
    connector, transport = connect(answer(), answer())
    await connector.query(make_sought())
    await connector.query(make_sought())
    numbers = {json.loads(r.body)["vnp_RequestId"] for r in transport.requests}
    assert len(numbers) == 2


async def test_without_kept_state_the_date_of_the_attempt_is_asked_for():
    connector, transport = connect(answer())
    await connector.query(make_sought(state={}))
    assert json.loads(transport.requests[0].body)["vnp_TransactionDate"] == "20261102120000"


async def test_query_reads_success_as_the_same_fact_as_the_ipn():
    connector, _ = connect(answer())
    report = await connector.query(make_sought())
    assert report.meaning is Meaning.SUCCEEDED
    assert report.amount_vnd == 21_000
    assert report.event_key == "HS2026000123|14500001|00|00"


async def test_numbers_in_the_answer_are_read_as_they_are_written():
    connector, _ = connect(answer(vnp_Amount=2100000))
    assert (await connector.query(make_sought())).amount_vnd == 21_000


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({"vnp_TransactionStatus": "01"}, Meaning.PENDING),
        ({"vnp_TransactionStatus": "02"}, Meaning.FAILED),
        ({"vnp_TransactionStatus": "33"}, Meaning.UNKNOWN),
        ({"vnp_TransactionStatus": None}, Meaning.UNKNOWN),
        ({"vnp_Amount": "12"}, Meaning.UNKNOWN),
        ({"vnp_TransactionType": "02"}, Meaning.UNKNOWN),
        ({"vnp_ResponseCode": "91"}, Meaning.NOT_FOUND),
        ({"vnp_ResponseCode": "47"}, Meaning.UNKNOWN),
    ],
)
async def test_query_reads_the_status_not_the_response_code(changes, meaning):
    connector, _ = connect(answer(**changes))
    report = await connector.query(make_sought())
    assert report.meaning is meaning
    if meaning in {Meaning.UNKNOWN, Meaning.NOT_FOUND} and "vnp_TransactionStatus" not in changes:
        assert report.amount_vnd is None


@pytest.mark.parametrize("code", ["02", "03", "94", "97", "99"])
async def test_query_refused_is_said_so_signed_or_not(code):
    connector, _ = connect(
        answer(vnp_ResponseCode=code), json_reply({"vnp_ResponseCode": code, "vnp_Message": "no"})
    )
    for _ in range(2):
        with pytest.raises(ProviderRejected) as caught:
            await connector.query(make_sought())
        assert caught.value.code == code


@pytest.mark.parametrize(
    "garbage",
    [
        HttpReply(200, {}, b"<html>502"),
        HttpReply(200, {}, b""),
        HttpReply(200, {}, b"[]"),
        HttpReply(200, {}, b'{"a":1,"a":2}'),
        HttpReply(200, {}, b'{"a":NaN}'),
        HttpReply(200, {}, b"\xff"),
        HttpReply(500, {}, answer().body),
        HttpReply(200, {}, b'{"a":"' + b"x" * 70_000 + b'"}'),
    ],
)
async def test_garbage_leaves_the_outcome_unknown(garbage):
    connector, _ = connect(garbage, garbage)
    with pytest.raises(ProviderProtocolError) as caught:
        await connector.query(make_sought())
    assert isinstance(caught.value, OutcomeUnknown)
    with pytest.raises(OutcomeUnknown):
        await connector.refund(make_refund())


async def test_a_success_without_or_with_a_wrong_hash_is_not_believed():
    naked = json.loads(answer().body)
    del naked["vnp_SecureHash"]
    changed = {**json.loads(answer().body), "vnp_TransactionStatus": "02"}
    strange = {**json.loads(answer().body), "vnp_Message": "\ud800"}
    connector, _ = connect(json_reply(naked), json_reply(changed), json_reply(strange))
    for _ in range(3):
        with pytest.raises(SignatureMismatch):
            await connector.query(make_sought())


@pytest.mark.parametrize("changes", [{"vnp_TxnRef": "OTHER"}, {"vnp_TmnCode": "OTHERTMN"}])
async def test_an_answer_about_something_else_is_not_taken(changes):
    connector, _ = connect(answer(**changes))
    with pytest.raises(ProviderProtocolError):
        await connector.query(make_sought())


async def test_refund_request_is_exactly():
    connector, transport = connect(answer("refund", vnp_TransactionStatus="05"))
    await connector.refund(make_refund(payment=make_sought(provider_transaction_id="14500001")))
    sent = json.loads(transport.requests[0].body)
    text = "|".join(
        (
            sent["vnp_RequestId"],
            "2.1.0|refund|TESTTMN1|03|HS2026000123|700000|14500001|20261102120000",
            "official:tran.thi.b|20261102120000|127.0.0.1|Hoan tien HS2026000123 Nop thua",
        )
    )
    assert sent["vnp_SecureHash"] == signature.mac(text, SECRET)
    assert sent["vnp_TransactionType"] == "03"


async def test_a_full_refund_is_of_type_02_and_a_repeat_has_the_same_number():
    order = make_refund(amount_vnd=21_000, full=True)
    connector, transport = connect(answer("refund"), answer("refund"))
    await connector.refund(order)
    await connector.refund(order)
    first, second = (json.loads(request.body) for request in transport.requests)
    assert first["vnp_TransactionType"] == "02"
    assert first["vnp_RequestId"] == second["vnp_RequestId"]


@pytest.mark.parametrize(
    ("changes", "meaning", "code"),
    [
        ({"vnp_TransactionStatus": "05"}, RefundMeaning.PROCESSING, "00/05"),
        ({"vnp_TransactionStatus": "00"}, RefundMeaning.SUCCEEDED, "00/00"),
        ({"vnp_ResponseCode": "94"}, RefundMeaning.PROCESSING, "94"),
        ({"vnp_ResponseCode": "95"}, RefundMeaning.REJECTED, "95"),
        ({"vnp_ResponseCode": "61"}, RefundMeaning.UNKNOWN, "61"),
    ],
)
async def test_refund_answer_is_read(changes, meaning, code):
    connector, _ = connect(answer("refund", vnp_TransactionNo="14500002", **changes))
    report = await connector.refund(make_refund())
    assert (report.meaning, report.code) == (meaning, code)
    assert report.provider_transaction_id == "14500002"


async def test_an_unsigned_refusal_of_a_refund_stays_unknown():
    """Believing it would let the refund be sent again, perhaps a second time."""
    connector, _ = connect(json_reply({"vnp_ResponseCode": "97", "vnp_Message": "no"}))
    with pytest.raises(OutcomeUnknown):
        await connector.refund(make_refund())


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({"vnp_TransactionType": "03", "vnp_TransactionStatus": "06"}, RefundMeaning.PROCESSING),
        ({"vnp_TransactionType": "03", "vnp_TransactionStatus": "00"}, RefundMeaning.SUCCEEDED),
        ({"vnp_TransactionType": "03", "vnp_TransactionStatus": "09"}, RefundMeaning.REJECTED),
        # seven thousand asked, another sum answered: another refund
        ({"vnp_TransactionType": "03", "vnp_Amount": "500000"}, RefundMeaning.UNKNOWN),
        # the payment itself
        ({"vnp_Amount": "2100000"}, RefundMeaning.UNKNOWN),
        ({"vnp_Amount": "2100000", "vnp_TransactionStatus": "06"}, RefundMeaning.PROCESSING),
        ({"vnp_ResponseCode": "91"}, RefundMeaning.UNKNOWN),
    ],
)
async def test_query_of_a_refund_is_read(changes, meaning):
    connector, _ = connect(answer(**{"vnp_Amount": "700000", "vnp_TransactionNo": "0", **changes}))
    report = await connector.query_refund(make_refund())
    assert report.meaning is meaning
    assert report.provider_transaction_id is None


@pytest.mark.parametrize("error", [ProviderUnavailable("no route"), OutcomeUnknown("timed out")])
async def test_the_transports_outcome_is_kept(error):
    connector, _ = connect(error, error)
    with pytest.raises(type(error)):
        await connector.query(make_sought())
    with pytest.raises(type(error)):
        await connector.refund(make_refund())


async def test_no_secret_in_requests_errors_or_representations():
    connector, transport = connect(answer(), json_reply({"vnp_ResponseCode": "00"}))
    await connector.query(make_sought())
    with pytest.raises(SignatureMismatch) as caught:
        await connector.query(make_sought())
    terminal = messages.Terminal("T", "127.0.0.1", SECRET)
    told = [repr(transport.requests), repr(caught.value), str(caught.value), repr(vnpay_account())]
    assert SECRET not in "".join([*told, repr(connector), repr(terminal)])
