"""VNPAY's hashes against published vectors, and one changed character at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.payment.vnpay import signature
from tests.connectors.payment.wires import SECRET, vector

FIELD = st.from_regex(r"vnp_[A-Z][A-Za-z]{0,10}", fullmatch=True).filter(
    lambda name: not name.startswith("vnp_SecureHash")
)
FIELDS = st.dictionaries(FIELD, st.text("abc ~*!'()Đệ%&=+/é", min_size=1, max_size=12), min_size=1)


@pytest.mark.parametrize(
    "vector_id", ["vnpay-210-hash-encode", "vnpay-210-ipn-ok", "vnpay-210-pay-openssl"]
)
def test_query_hash_is_the_published_one(vector_id):
    known = vector(vector_id)
    text = signature.canonical_query(known["params"])
    assert text == known["canonical"]
    assert signature.mac(text, known["secret"]) == known["expected_signature"]


@pytest.mark.parametrize(
    ("vector_id", "order"),
    [
        ("vnpay-210-querydr-openssl", signature.QUERY_REQUEST),
        ("vnpay-210-refund-req", signature.REFUND_REQUEST),
        ("vnpay-210-refund-resp", signature.REFUND_RESPONSE),
    ],
)
def test_pipe_hash_is_the_published_one(vector_id, order):
    known = vector(vector_id)
    text = signature.canonical_fields(known["params"], order)
    assert text == known["canonical"]
    assert signature.mac(text, known["secret"]) == known["expected_signature"]


def test_encoding_is_phps():
    assert signature.php_urlencode("a b~*!'()Đ") == "a+b%7E%2A%21%27%28%29%C4%90"


def test_foreign_and_empty_parameters_take_no_part():
    fields = {"vnp_A": "1", "vnp_B": "", "utm": "x", "vnp_SecureHash": "y"}
    assert signature.canonical_query({**fields, "vnp_SecureHashType": "z"}) == "vnp_A=1"


def test_hash_is_compared_without_regard_to_case():
    text = "vnp_A=1"
    assert signature.holds(text, signature.mac(text, SECRET).upper(), (SECRET,))


def test_every_active_secret_is_tried():
    given_hash = signature.mac("vnp_A=1", "old")
    assert signature.holds("vnp_A=1", given_hash, ("new", "old"))
    assert not signature.holds("vnp_A=1", given_hash, ("new",))


@pytest.mark.parametrize("nonsense", ["", "é", "\ud800", "0" * 128])
def test_nonsense_is_no_hash(nonsense):
    assert not signature.holds("vnp_A=1", nonsense, (SECRET,))


@given(FIELDS, st.data())
def test_any_one_changed_character_breaks_the_hash(fields, data):
    """Change one character of one value: the old hash no longer holds."""
    given_hash = signature.mac(signature.canonical_query(fields), SECRET)
    name = data.draw(st.sampled_from(sorted(fields)))
    at = data.draw(st.integers(0, len(fields[name]) - 1))
    value = fields[name]
    other = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda c: c != value[at]))
    changed = {**fields, name: value[:at] + other + value[at + 1 :]}
    assert not signature.holds(signature.canonical_query(changed), given_hash, (SECRET,))


@pytest.mark.parametrize(
    ("vector_id", "algorithm"),
    [("vnpay-legacy-md5-pay", "md5"), ("vnpay-legacy-md5-return-cancel", "md5")],
)
def test_legacy_hash_is_recognised_by_name(vector_id, algorithm):
    known = vector(vector_id)
    arguments = known["params"], known["expected_signature"]
    assert signature.legacy_algorithm(*arguments, ("other", known["secret"])) == algorithm
    assert signature.legacy_algorithm(*arguments, ("other",)) is None


def test_legacy_sha256_is_recognised_too():
    fields = {"vnp_Amount": "100", "vnp_TxnRef": "A"}
    given_hash = signature.legacy_mac(fields, SECRET, "sha256")
    assert signature.legacy_algorithm(fields, given_hash, (SECRET,)) == "sha256"
