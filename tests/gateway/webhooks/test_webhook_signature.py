"""Standard Webhooks signatures: published vectors, an independent receiver, changed bytes."""

import base64
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.conformance import webhooks as conformance
from gateway.webhooks.signature import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    KeyUnusable,
    PrivateKey,
    PublicKey,
    SignatureInvalid,
    SymmetricKey,
    canonical,
    sign,
    verify,
)

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
NOW = 1_793_000_000
SECRET = SymmetricKey(bytes(range(32)))
KEY = PrivateKey(bytes(range(32, 64)))
ids = st.from_regex(r"evt_[0-9a-z]{4,30}", fullmatch=True)


@pytest.mark.parametrize("vector", VECTORS["standard_webhooks"], ids=lambda v: v["name"])
def test_published_vector_holds(vector):
    (result,) = conformance.run({"standard_webhooks": [vector]})
    assert result.outcome == "passed", result.detail


@given(ids, st.text(max_size=200))
def test_public_receiver_library_accepts_what_we_send(message_id, text):
    body = json.dumps({"t": text}, ensure_ascii=False).encode()
    headers = sign([SECRET, KEY], message_id, int(time.time()), body)
    assert Webhook(SECRET.text).verify(body, headers) == {"t": text}


def test_public_receiver_library_accepts_either_secret_during_a_rotation():
    old, new = SymmetricKey.generate(os.urandom), SymmetricKey.generate(os.urandom)
    keys = [new, PrivateKey.generate(os.urandom), old, PrivateKey.generate(os.urandom)]
    headers = sign(keys, "evt_1", int(time.time()), b"{}")
    assert Webhook(old.text).verify(b"{}", headers) == {}
    assert Webhook(new.text).verify(b"{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(SymmetricKey.generate(os.urandom).text).verify(b"{}", headers)


def _changed(data, where, flip):
    index = where % len(data)
    return data[:index] + bytes([data[index] ^ flip]) + data[index + 1 :]


@given(
    ids,
    st.binary(min_size=1, max_size=300),
    st.sampled_from(["body", "id", "timestamp"]),
    st.integers(0, 10_000),
    st.integers(1, 255),
    st.sampled_from([SECRET, KEY.public]),
)
def test_any_one_changed_byte_is_refused(message_id, body, part, where, flip, key):
    headers = sign([SECRET, KEY], message_id, NOW, body)
    verify([key], headers, body, now=NOW)
    if part == "body":
        body = _changed(body, where, flip)
    else:
        name = {"id": ID_HEADER, "timestamp": TIMESTAMP_HEADER}[part]
        headers[name] = _changed(headers[name].encode(), where, flip).decode("latin-1")
    with pytest.raises(SignatureInvalid):
        verify([key], headers, body, now=NOW, tolerance_s=10**11)


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from([SECRET, KEY]))
def test_any_one_changed_byte_of_a_signature_is_refused(where, flip, key):
    headers = sign([key], "evt_1", NOW, b"{}")
    entry = headers[SIGNATURE_HEADER].encode()
    headers[SIGNATURE_HEADER] = _changed(entry, where, flip).decode("latin-1")
    with pytest.raises(SignatureInvalid):
        verify([SECRET, KEY.public], headers, b"{}", now=NOW)


@pytest.mark.parametrize("key", [SECRET, KEY])
def test_no_other_spelling_of_a_signature_is_accepted(key):
    headers = sign([key], "evt_1", NOW, b"{}")
    entry = headers[SIGNATURE_HEADER].encode()
    for where in range(len(entry)):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128):
            headers[SIGNATURE_HEADER] = _changed(entry, where, flip).decode("latin-1")
            with pytest.raises(SignatureInvalid):
                verify([SECRET, KEY.public], headers, b"{}", now=NOW)


def test_bytes_cannot_be_shifted_between_id_timestamp_and_body():
    with pytest.raises(ValueError, match="separator"):
        canonical("evt_1.17", 1, b"")
    with pytest.raises(ValueError, match="separator"):
        canonical("", 1, b"")
    with pytest.raises(ValueError, match="Unix seconds"):
        canonical("evt_1", "9" * 21, b"")
    with pytest.raises(ValueError, match="Unix seconds"):
        canonical("evt_1", "١٢٣", b"")


@pytest.mark.parametrize(
    ("shift", "holds"), [(300, True), (-300, True), (301, False), (-301, False)]
)
def test_timestamp_may_be_five_minutes_off_and_no_more(shift, holds):
    headers = sign([SECRET], "evt_1", NOW, b"{}")
    if holds:
        verify([SECRET], headers, b"{}", now=NOW + shift)
    else:
        with pytest.raises(SignatureInvalid, match="too old or too new"):
            verify([SECRET], headers, b"{}", now=NOW + shift)


def test_garbage_in_the_signature_header_is_refused_not_a_crash():
    headers = sign([SECRET], "evt_1", NOW, b"{}")
    good = headers[SIGNATURE_HEADER]
    for entry in ("v1a,", "v1a,!!!", "v1", ",", "\udcff", "v1a," + base64.b64encode(b"x").decode()):
        headers[SIGNATURE_HEADER] = entry
        with pytest.raises(SignatureInvalid):
            verify([SECRET, KEY.public], headers, b"{}", now=NOW)
        headers[SIGNATURE_HEADER] = f"{entry} {good}"
        verify([SECRET, KEY.public], headers, b"{}", now=NOW)


def test_a_header_stuffed_with_signatures_is_not_read_to_its_end():
    headers = sign([SECRET], "evt_1", NOW, b"{}")
    headers[SIGNATURE_HEADER] = "v1,AAAA " * 32 + headers[SIGNATURE_HEADER]
    with pytest.raises(SignatureInvalid):
        verify([SECRET], headers, b"{}", now=NOW)


def test_nothing_is_sent_unsigned():
    with pytest.raises(ValueError, match="never sent unsigned"):
        sign([], "evt_1", NOW, b"{}")


def test_keys_survive_their_text_form_and_never_show_in_a_repr():
    assert SymmetricKey.parse(SECRET.text) == SECRET
    assert PublicKey.parse(KEY.public.text) == KEY.public
    again = PrivateKey.parse(KEY.text)
    assert again.sign(b"x") == KEY.sign(b"x")
    assert SECRET.text.startswith("whsec_")
    assert KEY.public.text.startswith("whpk_")
    assert KEY.text.startswith("whsk_")
    assert KEY.public.key_id == again.public.key_id
    seen = repr([SECRET, KEY])
    assert SECRET.text[6:16] not in seen
    assert repr(SECRET.secret) not in seen


@pytest.mark.parametrize("text", ["whpk_AAAA", "whpk_", "whpk_****"])
def test_unusable_public_key_is_refused_without_being_quoted(text):
    with pytest.raises(KeyUnusable) as caught:
        PublicKey.parse(text)
    assert "AAAA" not in str(caught.value)


def test_private_key_with_a_foreign_public_half_is_refused():
    foreign = PrivateKey(bytes(32)).public.raw
    with pytest.raises(KeyUnusable, match="does not belong"):
        PrivateKey.parse("whsk_" + base64.b64encode(bytes(range(32)) + foreign).decode())
    with pytest.raises(KeyUnusable, match="32 or 64"):
        PrivateKey.parse("whsk_" + base64.b64encode(bytes(33)).decode())
    assert PrivateKey.parse("whsk_" + base64.b64encode(bytes(32)).decode()).public.raw == foreign
