"""VietQR: payloads built and read, published ones and broken ones, the connector's honesty."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import (
    Action,
    ActionType,
    Capability,
    MisconfiguredAccount,
    ProviderRejected,
    Receipt,
    SignatureMismatch,
)
from connectors.payment.vietqr import messages, signature, statuses, tlv
from connectors.payment.vietqr.banks import banks
from connectors.payment.vietqr.connector import VietqrConnector
from connectors.payment.vietqr.messages import QrPayload, build, parse
from connectors.payment.vietqr.tlv import QrUnreadable
from tests.connectors.payment.wires import (
    VECTORS,
    CannedTransport,
    StandingClock,
    make_callback,
    make_order,
    make_sought,
    vector,
    vietqr_account,
)

PUBLISHED = [v for v in VECTORS["public"] if v["provider"] == "vietqr"]
ALNUM = "ABCXYZabcxyz0123456789"
PAYLOADS = st.builds(
    QrPayload,
    bank_bin=st.from_regex(r"[0-9]{6}", fullmatch=True),
    account_number=st.text(ALNUM, min_size=1, max_size=19),
    service=st.sampled_from(["QRIBFTTA", "QRIBFTTC", "QRPUSH", ""]),
    dynamic=st.booleans(),
    amount_vnd=st.none() | st.integers(1, 9_999_999_999_999),
    merchant_name=st.text(ALNUM + " ", max_size=25),
    merchant_city=st.text(ALNUM + " ", max_size=15),
    mcc=st.sampled_from(["", "9399", "5812"]),
    additional=st.dictionaries(
        st.sampled_from(["01", "05", "08"]), st.text(ALNUM + " ", min_size=1, max_size=25)
    ),
    other=st.dictionaries(st.sampled_from(["55", "61", "80"]), st.text(ALNUM, min_size=1)),
)


@pytest.mark.parametrize("known", PUBLISHED, ids=lambda v: v["id"])
def test_published_payload_is_read_and_rebuilt(known):
    payload, decoded = known["params"]["payload"], known["decoded"]
    found = parse(payload)
    assert (found.bank_bin, found.account_number) == (decoded["bin"], decoded["account"])
    assert found.amount_vnd == (int(decoded["amount"]) if "amount" in decoded else None)
    assert found.memo == decoded.get("additional", {}).get("08", "")
    assert build(found) == payload


@given(PAYLOADS)
def test_what_is_built_reads_back_the_same(payload):
    assert parse(build(payload)) == payload


@given(PAYLOADS, st.data())
def test_any_one_changed_character_is_found(payload, data):
    """A CRC-16 finds every change within 16 bits, so one ASCII character always."""
    text = build(payload)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != text[at])
    )
    with pytest.raises(QrUnreadable):
        parse(text[:at] + other + text[at + 1 :])


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with contextlib.suppress(QrUnreadable):
        assert parse(text).account_number.isalnum()


@pytest.mark.parametrize(
    ("vector_id", "part"),
    [
        ("vietqr-neg-napas-erratum", "tlv"),
        ("vietqr-neg-crc", "crc"),
        ("vietqr-neg-static-dyn", "crc"),
    ],
)
def test_printed_errata_are_refused(vector_id, part):
    with pytest.raises(QrUnreadable) as caught:
        parse(vector(vector_id)["payload"])
    assert caught.value.part == part


def sealed(body):
    """A payload whose check sum holds, whatever it says."""
    return f"{body}6304{signature.check_sum(body + '6304')}"


ACCOUNT = "38570010A00000072701270006970403011300110123456780208QRIBFTTA"
GOOD = f"000201010211{ACCOUNT}53037045802VN"


def test_the_hand_made_payload_is_good():
    assert parse(sealed(GOOD)).account_number == "0011012345678"


def test_an_amount_may_end_in_a_point():
    assert parse(sealed(f"{GOOD}540650000.")).amount_vnd == 50_000


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (f"010211000201{ACCOUNT}53037045802VN", "tlv"),  # 00 is not first
        (f"{GOOD}5303704", "tlv"),  # a tag twice
        (f"{GOOD}5400", "tlv"),  # an empty value
        (f"{GOOD}5٤0150", "tlv"),  # digits, but not these
        ("000202" + GOOD[6:], "content"),
        (GOOD.replace("010211", "010213"), "content"),
        (GOOD.replace("5303704", "5303840"), "content"),
        (GOOD.replace("5802VN", "5802US"), "content"),
        (GOOD.replace("A000000727", "A000000728"), "content"),
        (GOOD.replace("970403", "97O403"), "content"),
        (GOOD.replace("0011012345678", "001101234567-"), "content"),
        (GOOD.replace("0208QRIBFTTA", "0308QRIBFTTA"), "content"),
        (GOOD.replace(ACCOUNT, ""), "content"),
        # a third field in the beneficiary: 38-01 grows from 27 to 32, 38 from 57 to 62
        (
            GOOD.replace("3857", "3862").replace("0127", "0132").replace("5678", "56780201x"),
            "content",
        ),
        (f"{GOOD}54010", "content"),
        (f"{GOOD}540550,00", "content"),
        (f"{GOOD}540650 000", "content"),
        (f"{GOOD}54041e10", "content"),
        (f"{GOOD}540850000.00", "content"),
        (f"{GOOD}541400000000050000", "content"),
        (f"{GOOD}520393a", "content"),
        (f"{GOOD}5926{'N' * 26}", "content"),
        (f"{GOOD}62300826{'M' * 26}", "content"),
        (f"{GOOD}8099{'x' * 99}8199{'x' * 99}8299{'x' * 99}8399{'x' * 99}8499{'x' * 99}", "tlv"),
    ],
)
def test_a_payload_whose_check_sum_holds_is_still_read_strictly(body, part):
    with pytest.raises(QrUnreadable) as caught:
        parse(sealed(body))
    assert caught.value.part == part


def test_sixty_three_must_be_the_last_tag():
    text = sealed(GOOD)
    with pytest.raises(QrUnreadable, match="tag 63 appears twice"):
        parse(sealed(text))


def test_a_value_that_ends_like_a_check_sum_is_not_one():
    """``6304`` inside the last value passes the check sum, and the walk still finds the lie."""
    with pytest.raises(QrUnreadable) as caught:
        parse(sealed(GOOD + "8008abcd"))
    assert caught.value.part == "tlv"


@pytest.mark.parametrize(
    "payload",
    [
        QrPayload("970436", "1" * 20),
        QrPayload("970436", "A" * 100),
        QrPayload("970436", "1", amount_vnd=0),
        QrPayload("970436", "1", merchant_name="Nguyễn"),
    ],
)
def test_what_the_format_cannot_carry_is_not_built(payload):
    with pytest.raises(QrUnreadable):
        build(payload)


def test_cash_at_a_machine_is_no_transfer():
    assert statuses.Service.CASH not in statuses.TRANSFERS


@pytest.mark.parametrize("text", ["0105ab", "01", "0", "010", "0102abx", "01-1a"])
def test_a_cut_level_is_refused(text):
    with pytest.raises(QrUnreadable) as caught:
        tlv.split_tags(text)
    assert caught.value.part == "tlv"


def test_lengths_count_characters():
    assert tlv.split_tags("5903ĐẹP") == {"59": "ĐẹP"}


def test_the_state_banks_list_is_whole():
    assert len(banks()) == 56
    assert banks()["970436"].short_name == "Vietcombank"


async def test_the_action_is_exactly():
    connector = VietqrConnector(vietqr_account(mcc="9399"), CannedTransport(), StandingClock())
    start = await connector.create(make_order())
    payload = start.action.qr_payload
    assert start.action == Action(
        ActionType.QR,
        qr_payload=payload,
        account_number="0011001234567",
        account_name="UBND xã Mường Phăng",
        bank_bin="970436",
        memo="HS2026000123",
    )
    assert payload.startswith(
        "00020101021238570010A00000072701270006970436011300110012345670208QRIBFTTA"
        "520493995303704540521000"
        "5802VN5919UBND XA MUONG PHANG"
        "62160812HS20260001236304"
    )
    assert parse(payload).memo == "HS2026000123"


@pytest.mark.parametrize("changes", [{"reference": "A" * 26}, {"amount_vnd": 0}])
async def test_what_a_transfer_cannot_carry_is_refused(changes):
    connector = VietqrConnector(vietqr_account(), CannedTransport(), StandingClock())
    with pytest.raises(ProviderRejected):
        await connector.create(make_order(**changes))


async def test_there_is_nobody_to_ask_and_nobody_who_calls():
    connector = VietqrConnector(vietqr_account(), CannedTransport(), StandingClock())
    assert Capability.QUERY not in connector.spec.capabilities
    with pytest.raises(ProviderRejected) as caught:
        await connector.query(make_sought())
    assert caught.value.code == "not_supported"
    with pytest.raises(SignatureMismatch):
        connector.read_callback(make_callback())
    assert connector.callback_reply(Receipt.STORED, make_callback()).status == 404


def test_every_problem_of_an_account_is_named_at_once():
    account = vietqr_account(bank_bin="970000", account_number="1-2", mcc="12", account_name="")
    with pytest.raises(MisconfiguredAccount) as caught:
        VietqrConnector(account, CannedTransport(), StandingClock())
    assert len(caught.value.problems) == 4


def test_a_bank_outside_the_list_needs_a_word():
    VietqrConnector(
        vietqr_account(bank_bin="963388", any_bin=True), CannedTransport(), StandingClock()
    )
    with pytest.raises(MisconfiguredAccount, match="six digits"):
        VietqrConnector(vietqr_account(bank_bin="VCB"), CannedTransport(), StandingClock())


def test_the_limit_of_the_payload_is_checked_first():
    with pytest.raises(QrUnreadable, match="too long"):
        parse("0" * (messages.PAYLOAD_LIMIT + 1))
