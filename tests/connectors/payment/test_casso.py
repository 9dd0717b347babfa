"""Casso webhook v2: the published message, both serialisations, and everything refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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
from connectors.payment.casso import messages, signature, statuses
from connectors.payment.casso.connector import CassoConnector
from tests.connectors.payment.wires import (
    NOON,
    CannedTransport,
    StandingClock,
    casso_account,
    make_callback,
    vector,
)

KNOWN = vector("casso-v2-webhook")
DATA = {
    **KNOWN["params"]["body"]["data"],
    "id": 4711,
    "description": "MBVCB HS2026000123 nop le phi",
    "reference": "FT2600000001",
    "amount": 21_000,
}


@pytest.fixture
def connector():
    return CassoConnector(casso_account(), CannedTransport(), StandingClock())


def message(body, key="casso-new-key", at=NOON, form=0, raw=None, headers=None):
    """A signed callback; ``form`` picks one of Casso's serialisations for the signature."""
    at_ms = str(int(at.timestamp() * 1000))
    forms = list(signature.canonical_forms(at_ms, body))
    mac = signature.mac(forms[form], key)
    head = {"x-casso-signature": f"t={at_ms},v1={mac}"} if headers is None else headers
    raw = json.dumps(body).encode() if raw is None else raw
    return make_callback(method="POST", headers=head, body=raw)


def read(connector, callback):
    (found,) = connector.read_callback(callback)
    return found


def body_of(**changes):
    return {"error": 0, "data": {**DATA, **changes}}


def test_published_signature_is_recomputed():
    forms = list(signature.canonical_forms("1727948258788", KNOWN["params"]["body"]))
    assert forms == [KNOWN["canonical"]]
    assert signature.mac(forms[0], KNOWN["secret"]) == KNOWN["expected_signature"]


def test_published_message_is_verified_and_taken_for_the_test_it_is():
    header = f"t=1727948258788,v1={KNOWN['expected_signature']}"
    callback = make_callback(
        method="POST",
        headers={"x-casso-signature": header},
        body=json.dumps(KNOWN["params"]["body"]).encode(),
    )
    body = messages.verified_body(callback, (KNOWN["secret"],), None)
    assert messages.read_notification(body) == Ignored("a test message of Casso")


def test_reads_success(connector):
    assert read(connector, message(body_of())) == Report(
        event_key="4711",
        meaning=Meaning.SUCCEEDED,
        code="0",
        amount_vnd=21_000,
        provider_transaction_id="FT2600000001",
        occurred_at=datetime(2024, 10, 3, 8, 6, 37, tzinfo=UTC),
        memo="MBVCB HS2026000123 nop le phi",
        account_number="88888888",
        payer_hint="…8888",
        facts={"bank": "VPB", "bank_reference": "FT2600000001"},
    )


def test_the_payers_name_and_number_are_not_taken_over(connector):
    told = repr(read(connector, message(body_of())))
    assert "NGUYEN VAN A" not in told
    assert "8888888888" not in told


def test_the_old_key_still_reads_and_another_does_not(connector):
    assert isinstance(read(connector, message(body_of(), key="casso-old-key")), Report)
    with pytest.raises(SignatureMismatch):
        read(connector, message(body_of(), key="casso-older-key"))


@pytest.mark.parametrize("form", [0, 1, 2])
def test_every_serialisation_of_cassos_samples_is_taken(connector, form):
    body = body_of(description="Nộp phí 12/2026")
    assert read(connector, message(body, form=form)).memo == "Nộp phí 12/2026"


def test_keys_are_sorted_at_every_depth(connector):
    backwards = {"data": dict(sorted(DATA.items(), reverse=True)), "error": 0}
    assert isinstance(
        read(connector, message(body_of(), raw=json.dumps(backwards).encode())), Report
    )


@pytest.mark.parametrize(
    ("amount", "taken"), [(21_000, 21_000), ("21000", 21_000), ("21000.00", 21_000), (21e3, 21_000)]
)
def test_whole_amounts_are_taken_in_every_form(connector, amount, taken):
    assert read(connector, message(body_of(amount=amount))).amount_vnd == taken


@pytest.mark.parametrize("amount", [21_000.5, "21.000", "21,000", "", None, True, "2e4", 10**16])
def test_amounts_that_are_not_whole_are_unrecognised(connector, amount):
    assert isinstance(read(connector, message(body_of(amount=amount))), Unrecognised)


@pytest.mark.parametrize(
    "changes", [{"amount": -21_000}, {"amount": "-5"}, {"amount": 0}, {"id": 0}]
)
def test_money_going_out_and_tests_are_ignored(connector, changes):
    assert isinstance(read(connector, message(body_of(**changes))), Ignored)


def test_errors_of_casso_are_ignored_and_other_shapes_unrecognised(connector):
    assert isinstance(read(connector, message({"error": 1, "data": DATA})), Ignored)
    assert isinstance(read(connector, message({"error": 0, "data": [DATA]})), Unrecognised)
    assert isinstance(read(connector, message(body_of(id=None))), Unrecognised)


@pytest.mark.parametrize("error", [True, "0", None, 0.0])
def test_only_the_number_zero_is_no_error(error):
    assert statuses.message_meaning(error) is Meaning.UNKNOWN


def test_a_missing_time_and_account_do_not_lose_the_money(connector):
    body = body_of(
        transactionDateTime="yesterday", accountNumber="", counterAccountNumber="", reference=""
    )
    report = read(connector, message(body))
    assert (report.occurred_at, report.account_number, report.payer_hint) == (None, None, None)
    assert report.provider_transaction_id == "4711"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=ab",
        "t=1",
        "t=1,v1=",
        "t=1,t=2,v1=ab",
        "t=x,v1=ab",
        "t=١,v1=ab",
        "t=1,v1=\udcff",
        "t=1,v1=" + "é" * 128,
    ],
)
def test_a_malformed_header_is_refused(connector, header):
    with pytest.raises(SignatureMismatch):
        read(connector, message(body_of(), headers={"x-casso-signature": header}))


def test_one_good_mac_among_several_is_enough(connector):
    good = message(body_of())
    time, mac = good.headers["x-casso-signature"].split(",")
    both = {"x-casso-signature": f"{time}, v1=00, {mac}"}
    assert isinstance(read(connector, message(body_of(), headers=both)), Report)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[1]",
        b'{"error":0,"error":1,"data":{}}',
        b'{"error":NaN}',
        b'{"a":' + b"[" * 600 + b"]" * 600 + b"}",
    ],
)
def test_what_is_not_one_plain_object_has_no_signature(connector, raw):
    with pytest.raises(SignatureMismatch):
        read(connector, message(body_of(), raw=raw))


def test_an_oversized_body_is_not_read(connector):
    with pytest.raises(ProviderProtocolError):
        read(connector, message(body_of(), raw=b"{" + b" " * 70_000 + b"}"))


@pytest.mark.parametrize("changes", [{"method": "GET"}, {"leg": "return"}])
def test_another_way_of_calling_is_refused(connector, changes):
    good = message(body_of())
    fields = {"method": "POST", "headers": good.headers, "body": good.body, **changes}
    with pytest.raises(SignatureMismatch):
        connector.read_callback(make_callback(**fields))


@given(st.data())
def test_any_changed_value_breaks_the_signature(data):
    connector = CassoConnector(casso_account(), CannedTransport(), StandingClock())
    name = data.draw(st.sampled_from(["amount", "description", "accountNumber", "id", "reference"]))
    value = data.draw(st.text(max_size=5) | st.integers(1, 10**9))
    assume(value != DATA[name])
    raw = json.dumps(body_of(**{name: value})).encode()
    with pytest.raises(SignatureMismatch):
        read(connector, message(body_of(), raw=raw))


@pytest.mark.parametrize("seconds", [-400, 400])
def test_with_a_tolerance_old_and_future_signatures_are_refused(seconds):
    late = message(body_of(), at=NOON + timedelta(seconds=seconds))
    strict = CassoConnector(casso_account(tolerance_s=300), CannedTransport(), StandingClock())
    with pytest.raises(SignatureMismatch):
        read(strict, late)
    near = message(body_of(), at=NOON + timedelta(seconds=seconds / 2))
    assert isinstance(read(strict, near), Report)
    lax = CassoConnector(casso_account(), CannedTransport(), StandingClock())
    assert isinstance(read(lax, late), Report)


@pytest.mark.parametrize("tolerance", [0, -1, "300", True])
def test_a_strange_tolerance_does_not_start(tolerance):
    with pytest.raises(MisconfiguredAccount, match="tolerance_s"):
        CassoConnector(casso_account(tolerance_s=tolerance), CannedTransport(), StandingClock())


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
        read(connector, message(body_of(), key="wrong"))
    assert "casso-new-key" not in repr(caught.value) + repr(casso_account()) + repr(connector)
