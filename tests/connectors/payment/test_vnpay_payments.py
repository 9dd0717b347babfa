"""VNPAY: the pay address, IPN and return."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

import pytest

from connectors.contract import (
    ActionType,
    Meaning,
    MisconfiguredAccount,
    ProviderProtocolError,
    ProviderRejected,
    Receipt,
    Report,
    SignatureMismatch,
    Unrecognised,
)
from connectors.payment.vnpay import messages, signature
from connectors.payment.vnpay.connector import VnpayConnector
from tests.connectors.payment.wires import (
    SECRET,
    CannedTransport,
    StandingClock,
    make_callback,
    make_order,
    vector,
    vnpay_account,
)

TOLD = {
    "vnp_TmnCode": "TESTTMN1",
    "vnp_Amount": "2100000",
    "vnp_BankCode": "NCB",
    "vnp_CardType": "ATM",
    "vnp_OrderInfo": "Le phi ho so 0123",
    "vnp_PayDate": "20261102120500",
    "vnp_ResponseCode": "00",
    "vnp_TransactionNo": "14500001",
    "vnp_TransactionStatus": "00",
    "vnp_TxnRef": "HS2026000123",
}


@pytest.fixture
def connector():
    return VnpayConnector(vnpay_account(), CannedTransport(), StandingClock())


def signed(secret=SECRET, **changes):
    """An IPN's query string, signed after the changes; None takes a field away."""
    fields = {k: v for k, v in {**TOLD, **changes}.items() if v is not None}
    text = signature.canonical_query(fields)
    return f"{text}&vnp_SecureHash={signature.mac(text, secret)}"


def read(connector, query, leg=""):
    (found,) = connector.read_callback(make_callback(query=query, leg=leg))
    return found


async def test_pay_address_is_exactly(connector):
    start = await connector.create(make_order(bank_code="VNPAYQR"))
    address, _, query = start.action.url.partition("?")
    assert start.action.type is ActionType.REDIRECT
    assert address == "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html"
    canonical, _, given = query.partition("&vnp_SecureHash=")
    assert canonical == (
        "vnp_Amount=2100000&vnp_BankCode=VNPAYQR&vnp_Command=pay&vnp_CreateDate=20261102120000"
        "&vnp_CurrCode=VND&vnp_ExpireDate=20261102121500&vnp_IpAddr=113.161.0.1&vnp_Locale=vn"
        "&vnp_OrderInfo=Le+phi+ho+so+0123&vnp_OrderType=other"
        "&vnp_ReturnUrl=https%3A%2F%2Fgateway.example%2Fcallbacks%2Fvnpay-main%2Freturn"
        "&vnp_TmnCode=TESTTMN1&vnp_TxnRef=HS2026000123&vnp_Version=2.1.0"
    )
    assert given == signature.mac(canonical, SECRET)
    assert start.state == {
        "vnp_CreateDate": "20261102120000",
        "vnp_OrderInfo": "Le phi ho so 0123",
        "vnp_Amount": "2100000",
    }


async def test_published_pay_request_is_rebuilt():
    """The address of a published sample comes out byte for byte."""
    known = vector("vnpay-210-pay-openssl")
    url = messages.pay_url("https://pay.invalid/", known["params"], known["secret"])
    assert url.endswith(f"{known['canonical']}&vnp_SecureHash={known['expected_signature']}")


async def test_own_addresses_and_english_locale_are_used():
    account = vnpay_account(pay_url="https://pay.vnpay.vn/vpcpay.html", order_type="250000")
    start = await VnpayConnector(account, CannedTransport(), StandingClock()).create(
        make_order(locale="en", description="Đơn “số” <1>", client_ip="::1")
    )
    fields = parse_qs(start.action.url.partition("?")[2])
    assert start.action.url.startswith("https://pay.vnpay.vn/vpcpay.html?")
    assert fields["vnp_Locale"] == ["en"]
    assert fields["vnp_OrderType"] == ["250000"]
    assert fields["vnp_OrderInfo"] == ["Don so 1"]
    assert fields["vnp_IpAddr"] == ["0000:0000:0000:0000:0000:0000:0000:0001"]


@pytest.mark.parametrize("address", ["", "not an address", "1.2.3"])
def test_a_strange_client_address_is_not_sent(address):
    assert messages.ip_field(address) == "127.0.0.1"


def test_decomposed_vietnamese_is_folded_as_composed():
    assert messages.order_info("Lệ phí", "A") == "Le phi"


def test_an_empty_description_names_the_reference():
    assert messages.order_info("🙂", "HS1") == "Thanh toan HS1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reference": "HS 1"}, "invalid_reference"),
        ({"reference": ""}, "invalid_reference"),
        ({"reference": "A" * 101}, "invalid_reference"),
        ({"amount_vnd": 0}, "invalid_amount"),
        ({"amount_vnd": 10_000_000_000}, "invalid_amount"),
        ({"return_url": "https://" + "a" * 250}, "invalid_return_url"),
        ({"return_url": "short"}, "invalid_return_url"),
    ],
)
async def test_an_order_vnpay_cannot_carry_is_refused_before_it_leaves(connector, changes, code):
    with pytest.raises(ProviderRejected) as caught:
        await connector.create(make_order(**changes))
    assert caught.value.code == code


def test_reads_success(connector):
    assert read(connector, signed()) == Report(
        event_key="HS2026000123|14500001|00|00",
        meaning=Meaning.SUCCEEDED,
        code="00",
        amount_vnd=21_000,
        reference="HS2026000123",
        provider_transaction_id="14500001",
        occurred_at=datetime(2026, 11, 2, 5, 5, tzinfo=UTC),
        facts={
            "vnp_BankCode": "NCB",
            "vnp_CardType": "ATM",
            "vnp_TransactionStatus": "00",
            "leg": "ipn",
        },
    )


def test_the_return_is_read_with_the_same_key(connector):
    ipn, back = read(connector, signed()), read(connector, signed(), leg="return")
    assert back.event_key == ipn.event_key
    assert back.facts["leg"] == "return"


def test_reads_refusal_of_the_citizen(connector):
    query = signed(
        vnp_ResponseCode="24", vnp_TransactionStatus="02", vnp_TransactionNo="0", vnp_PayDate="x"
    )
    report = read(connector, query)
    assert (report.meaning, report.code) == (Meaning.CANCELLED, "24")
    assert report.provider_transaction_id is None
    assert report.occurred_at is None


def test_reads_an_unknown_code_as_unknown(connector):
    assert read(connector, signed(vnp_ResponseCode="58")).meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"vnp_TmnCode": "OTHERTMN"},
        {"vnp_TxnRef": None},
        {"vnp_ResponseCode": None},
        {"vnp_Amount": None},
        {"vnp_Amount": "2100050"},
        {"vnp_Amount": "21000.00"},
        {"vnp_Amount": "-2100000"},
        {"vnp_Amount": "٢١٠٠٠٠٠"},
        {"vnp_Amount": "1" + "0" * 14},
    ],
)
def test_well_signed_nonsense_is_unrecognised(connector, changes):
    assert isinstance(read(connector, signed(**changes)), Unrecognised)


def test_published_ipn_is_read():
    known = vector("vnpay-210-ipn-ok")
    account = vnpay_account(tmn_code="TEST_TMN_CODE")
    query = f"{known['canonical']}&vnp_SecureHash={known['expected_signature']}"
    fields = messages.verified_query(query, (known["secret"],))
    report = messages.read_report(fields, account.options["tmn_code"], "ipn")
    assert (report.amount_vnd, report.provider_transaction_id) == (10_000, "14422574")


def test_every_single_changed_byte_is_refused(connector):
    """Replace each character of a genuine query in turn: none of the messages is read."""
    query = signed()
    for at, old in enumerate(query):
        new = "0" if old != "0" else "1"
        with pytest.raises(SignatureMismatch):
            read(connector, query[:at] + new + query[at + 1 :])


@pytest.mark.parametrize("cut", [1, 40, 128, 129, 200])
def test_a_truncated_message_is_refused(connector, cut):
    with pytest.raises(SignatureMismatch):
        read(connector, signed()[:-cut])


@pytest.mark.parametrize(
    "extra",
    [
        "&vnp_Amount=100",
        "&vnp_ResponseCode=00",
        "&vnp_Amount[]=100",
        "&utm[]=1",
        "&utm=1&utm=2",
        "&vnp%5FTxnRef%5B%5D=x",
        "&vnp_SecureHash=0",
        "&x=%ff",
        "&%ff=x",
    ],
)
def test_repeated_arrays_and_broken_text_are_refused(connector, extra):
    with pytest.raises(SignatureMismatch):
        read(connector, signed() + extra)


def test_a_proxys_own_parameters_do_no_harm(connector):
    query = signed() + "&&utm_source=zalo&empty="
    assert read(connector, query).meaning is Meaning.SUCCEEDED


def test_the_order_of_parameters_does_not_matter(connector):
    query = "&".join(reversed(signed().split("&")))
    assert read(connector, query).meaning is Meaning.SUCCEEDED


def test_percent_twenty_is_a_space_too(connector):
    query = signed().replace("Le+phi+ho+so", quote("Le phi ho so"))
    assert read(connector, query).meaning is Meaning.SUCCEEDED


def test_an_oversized_message_is_not_read(connector):
    with pytest.raises(ProviderProtocolError):
        read(connector, signed() + "&x=" + "y" * 9000)


@pytest.mark.parametrize("changes", [{"method": "POST"}, {"leg": "verify"}])
def test_another_way_of_calling_is_refused(connector, changes):
    with pytest.raises(SignatureMismatch):
        connector.read_callback(make_callback(query=signed(), **changes))


def test_a_legacy_message_is_refused_with_its_reason():
    known = vector("vnpay-legacy-md5-return-cancel")
    query = "&".join(f"{k}={quote(v)}" for k, v in known["params"].items())
    with pytest.raises(SignatureMismatch, match=r"2\.0 way \(md5\)"):
        messages.verified_query(
            f"{query}&vnp_SecureHash={known['expected_signature']}", (known["secret"],)
        )


def test_a_secret_being_rotated_out_still_reads(connector):
    account = vnpay_account()
    account.secrets["hash_secret"] = ("a-new-secret", SECRET)
    rotated = VnpayConnector(account, CannedTransport(), StandingClock())
    assert read(rotated, signed()).meaning is Meaning.SUCCEEDED
    assert read(rotated, signed(secret="a-new-secret")).meaning is Meaning.SUCCEEDED


@pytest.mark.parametrize(
    ("receipt", "body"),
    [
        (Receipt.STORED, b'{"RspCode":"00","Message":"Confirm Success"}'),
        (Receipt.DUPLICATE, b'{"RspCode":"02","Message":"Order already confirmed"}'),
        (Receipt.UNKNOWN_ORDER, b'{"RspCode":"01","Message":"Order not found"}'),
        (Receipt.WRONG_AMOUNT, b'{"RspCode":"04","Message":"Invalid amount"}'),
        (Receipt.BAD_SIGNATURE, b'{"RspCode":"97","Message":"Invalid signature"}'),
        (Receipt.UNREADABLE, b'{"RspCode":"99","Message":"Unknown error"}'),
        (Receipt.INTERNAL_ERROR, b'{"RspCode":"99","Message":"Unknown error"}'),
    ],
)
def test_the_answer_is_exactly(connector, receipt, body):
    reply = connector.callback_reply(receipt, make_callback())
    assert (reply.status, reply.content_type, reply.body) == (200, "application/json", body)


def test_every_problem_of_an_account_is_named_at_once():
    account = vnpay_account(
        tmn_code="bad code", base_url="http://vnpay.example", pay_url="ftp://x", colour="red"
    )
    account.secrets["hash_secret"] = (" padded",)
    account.secrets["spare"] = ("x",)
    with pytest.raises(MisconfiguredAccount) as caught:
        VnpayConnector(account, CannedTransport(), StandingClock())
    text = str(caught.value)
    for word in ("tmn_code", "base_url must be https", "pay_url", "colour", "blank", "spare"):
        assert word in text
    assert len(caught.value.problems) == 6
    assert "padded" not in text


def test_without_secret_the_account_does_not_start():
    account = vnpay_account()
    account.secrets.clear()
    with pytest.raises(MisconfiguredAccount, match="secret hash_secret is missing"):
        VnpayConnector(account, CannedTransport(), StandingClock())
