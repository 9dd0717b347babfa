"""Signed messages and time-stamps: the quick reader and the patient one read the same values."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from asn1crypto import cms, core, tsp
from hypothesis import given
from hypothesis import strategies as st

from signing.contract import Level, Role, SignOrder
from signing.devpki.tokens import answer
from signing.evidence import messages
from signing.evidence.messages import read_message
from signing.evidence.stamp_messages import (
    TimeStamp,
    read_response,
    read_time_stamp,
    write_request,
)
from signing.evidence.unchecked import TokenRefused, verified_signer
from signing.reading import der
from tests.signing import oracles

MOMENT = datetime(2026, 11, 25, 8, 30, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def response(running_pki):
    pki = running_pki.pki
    request = tsp.TimeStampReq.load(write_request(bytes(range(32)), "sha256", 77))
    return answer(request, pki.tsa, pki.issuing.certificate, 4711, MOMENT)


def patient(encoded):
    return messages._read_ber(encoded)


def test_a_request_is_what_it_should_be():
    """asn1crypto reads digest, nonce and the wish for a certificate."""
    request = tsp.TimeStampReq.load(write_request(bytes(48), "sha384", 2**63 + 5), strict=True)
    assert request["version"].native == "v1"
    assert request["nonce"].native == 2**63 + 5
    assert request["cert_req"].native is True
    imprint = request["message_imprint"]
    assert imprint["hash_algorithm"]["algorithm"].native == "sha384"
    assert imprint["hashed_message"].native == bytes(48)


def test_a_token_says_what_was_asked(response):
    status, token = read_response(response.dump())
    assert status == 0
    message = read_message(token)
    assert message.is_timestamp
    said = read_time_stamp(message.content)
    assert said == TimeStamp("sha256", bytes(range(32)), MOMENT, 77)
    assert verified_signer(message).serial_number == message.serial


def test_a_refusal_carries_no_token():
    status = der.write(der.SEQUENCE, der.write_integer(2))
    assert read_response(der.write(der.SEQUENCE, status)) == (2, None)


@pytest.mark.parametrize("key", ["official-rsa", "official-ec"])
async def test_both_readers_agree_on_real_messages(service, decision_pdf, key):
    """Signatures of both paths and their archive time-stamps, value by value."""
    signed = await service.sign(SignOrder(decision_pdf, key, Role.INVISIBLE, Level.B_LTA))
    for encoded, _, is_timestamp in oracles.messages(signed.pdf):
        quick = messages._read_der(der.read(encoded))
        assert quick == patient(encoded)
        assert quick.is_timestamp == is_timestamp
        assert read_message(encoded + bytes(40)) == quick


def test_ber_is_read_by_the_patient_reader(response):
    """Indefinite lengths, as some authorities write."""
    _, token = read_response(response.dump())
    body = der.read(token)
    loose = b"\x30\x80" + body.content + b"\x00\x00"
    with pytest.raises(der.NotDer):
        messages._read_der(der.read(loose))
    assert read_message(loose) == read_message(token)
    assert messages.without_padding(loose + bytes(9)) == token
    assert messages.without_padding(token + bytes(9)) == token


@pytest.mark.parametrize("fraction", ["", ".5", ".123456", ".1234567"])
def test_fractions_of_a_second_are_kept(response, fraction):
    content = read_message(read_response(response.dump())[1]).content
    info = tsp.TSTInfo.load(content)
    text = f"20261125083015{fraction}Z"
    spoken = [child.whole for child in der.read(content).children()]
    spoken[4] = der.write(0x18, text.encode())
    said = read_time_stamp(der.write(der.SEQUENCE, *spoken))
    micro = int((fraction[1:7] or "0").ljust(6, "0"))
    assert said.time == MOMENT.replace(microsecond=micro)
    assert said.nonce == info["nonce"].native


def test_a_changed_token_does_not_hold(response):
    """Content, attributes, signature: each covered."""
    message = read_message(read_response(response.dump())[1])
    assert verified_signer(message)
    changes = {
        "content": message.content[:-1] + bytes([message.content[-1] ^ 1]),
        "signed": message.signed[:-1] + bytes([message.signed[-1] ^ 1]),
        "signature": message.signature[:-1] + bytes([message.signature[-1] ^ 1]),
        "serial": message.serial + 1,
        "digest": "sha1",
    }
    for name, value in changes.items():
        with pytest.raises(TokenRefused):
            verified_signer(dataclasses.replace(message, **{name: value}))


@given(st.binary(max_size=200))
def test_garbage_raises_only_what_callers_expect(data):
    for reader in (read_message, read_response, read_time_stamp):
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
            reader(data)


@given(st.recursive(st.binary(max_size=300), lambda inner: st.lists(inner, max_size=4)))
def test_der_is_read_as_it_was_written(value):
    def build(one):
        if isinstance(one, bytes):
            return der.write(der.OCTETS, one)
        return der.write(der.SEQUENCE, *(build(part) for part in one))

    def take(element):
        if element.tag == der.OCTETS:
            return element.content
        return [take(child) for child in element.children()]

    encoded = build(value)
    assert take(der.read(encoded)) == value
    assert core.Asn1Value.load(encoded).dump() == encoded


@given(st.integers(0, 2**200), st.sampled_from(["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1"]))
def test_numbers_and_identifiers_are_those_of_asn1crypto(number, dotted):
    assert der.write_integer(number) == core.Integer(number).dump()
    assert der.write_oid(dotted) == core.ObjectIdentifier(dotted).dump()


async def test_the_lanes_message_is_read_alike_by_asn1crypto(service, decision_pdf):
    """Strictly: nothing left over anywhere, and the attributes of a PAdES baseline signature."""
    signed = await service.sign(SignOrder(decision_pdf, "official-rsa", Role.INVISIBLE, Level.B_T))
    ((encoded, _, _),) = oracles.messages(signed.pdf)
    message = cms.ContentInfo.load(encoded, strict=True)
    assert _read_everything(message) > 100
    (info,) = message["content"]["signer_infos"]
    kinds = [attribute["type"].native for attribute in info["signed_attrs"]]
    assert sorted(kinds) == [
        "cms_algorithm_protection", "content_type", "message_digest", "signing_certificate_v2",
    ]  # fmt: skip
    assert [a["type"].native for a in info["unsigned_attrs"]] == ["signature_time_stamp_token"]


def _read_everything(value):
    """Value by value: ``native`` of the whole message costs asn1crypto six seconds."""
    if isinstance(value, core.Choice):
        return _read_everything(value.chosen)
    if isinstance(value, core.Any):
        return _read_everything(value.parsed)
    if isinstance(value, core.Sequence | core.SequenceOf | core.Set | core.SetOf):
        return 1 + sum(_read_everything(value[n]) for n in range(len(value)))
    _ = value.native
    return 1


def test_what_is_remembered_is_the_bytes_own(response):
    """The same bytes, padded or not, are read once; one other bit is another message."""
    _, token = read_response(response.dump())
    message = read_message(token)
    assert read_message(token + bytes(40)) is message
    assert verified_signer(message) is verified_signer(message)
    at = token.index(message.signature) + 20
    forged = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
    for _ in range(2):  # nor is a refusal turned into trust by asking again
        with pytest.raises(TokenRefused):
            verified_signer(read_message(forged))
    assert read_message(token) is message


def test_a_huge_message_is_read_and_not_kept(response):
    _, token = read_response(response.dump())
    loaded = cms.ContentInfo.load(token)
    more = [loaded["content"]["certificates"][0]] * 60
    loaded["content"]["certificates"] = cms.CertificateSet(more)
    huge = loaded.dump(force=True)
    assert len(huge) > messages._LONGEST_KEPT
    assert read_message(huge) is not read_message(huge)
    assert read_message(huge).signature == read_message(token).signature
