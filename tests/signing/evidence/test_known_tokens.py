"""Tokens read by the form of one that was checked: what the full reader would read, or nothing."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.clock import SystemClock
from signing.devpki.tokens import answer
from signing.evidence import known_tokens, messages
from signing.evidence.known_tokens import KnownTokens
from signing.evidence.messages import attribute_values, message_parts, read_message
from signing.evidence.stamp_messages import (
    read_response,
    read_time_stamp,
    stamp_parts,
    write_request,
)
from signing.evidence.unchecked import TokenRefused, UncheckedToken
from signing.reading import der
from tests.signing.evidence.stamps import certificate, stamp
from tests.signing.hostile.der import mutated

FEW, MANY = 80, 800
DIGEST, NONCE = bytes(range(32)), 2**62 + 5
MOMENT = datetime(2026, 11, 25, 8, 30, 15, tzinfo=UTC)


def in_full(token):
    """What the full reader says, without anybody's memory."""
    messages._kept.clear()
    message = read_message(token)
    messages._kept.clear()
    return message


def same(by_form, full):
    return (
        by_form == full
        and by_form.time_stamp == read_time_stamp(full.content)
        and by_form.stated_digest == full.stated_digest
    )


def is_by_form(message, known):
    forms = [form for kept in known._forms.values() for form in kept]
    return any(message.certificates is form.learnt_from.certificates for form in forms)


# ------------------------------------------------------------------ reading


def test_whatever_changes_from_answer_to_answer_is_read_from_its_place():
    """Serial numbers, times and signatures (ECDSA's vary in length) as they come."""
    known, key, rng, hits = (
        KnownTokens(),
        ec.generate_private_key(ec.SECP256R1()),
        random.Random(7),
        0,
    )
    for number in range(120):
        token = stamp(
            key,
            imprint=rng.randbytes(32),
            serial=rng.choice([rng.randrange(1, 2**63), rng.randrange(1, 2**70)]),
            moment=b"2026112508%02d%02dZ" % divmod(number, 60),
            nonce=2**62 + rng.randrange(2**62),
            signing_time=b"26112508%02d%02dZ" % divmod(number, 60),
        )
        full = in_full(token)
        message = known.read(token)
        assert same(message, full)
        hits += is_by_form(message, known)
        known.learn(token, message)
    assert hits > 60


def test_a_form_is_not_used_for_another_authoritys_tokens():
    known = KnownTokens()
    mine, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    for _ in range(8):  # signatures of every common length
        token = stamp(mine)
        known.learn(token, known.read(token))
    for _ in range(8):
        message = known.read(stamp(other))
        assert not is_by_form(message, known)


def test_an_odd_time_goes_to_the_full_reader():
    """Letters, a month too many, bytes that are no text."""
    known, key = KnownTokens(), ec.generate_private_key(ec.SECP256R1())
    for _ in range(8):
        token = stamp(key, moment=b"20261125083000Z")
        known.learn(token, known.read(token))
    for odd in (b"20261325083000Z", b"2026112508300xZ", b"\xff" * 15, b"20261125083000+"):
        token = stamp(key, moment=odd)
        assert not is_by_form(known.read(token), known)


def test_a_second_message_digest_is_read_as_the_full_reader_reads_it():
    """The last attribute of a kind counts; only its place is one."""
    known, key = KnownTokens(), ec.generate_private_key(ec.SECP256R1())
    attribute = der.write(
        der.SEQUENCE, messages.MESSAGE_DIGEST, der.write(der.SET, der.write(der.OCTETS, bytes(32)))
    )
    for number in range(12):
        token = stamp(key, serial=2**40 + number, also=attribute)
        message = known.read(token)
        assert same(message, in_full(token))
        known.learn(token, message)


@pytest.mark.parametrize("change", ["policy", "certificate", "binding", "hash", "frame"])
def test_what_is_fixed_is_fixed(change):
    """Another policy, certificate, named certificate, algorithm or length is no known form."""
    known, key = KnownTokens(), ec.generate_private_key(ec.SECP256R1())
    for _ in range(40):
        token = stamp(key)
        known.learn(token, known.read(token))
    other = {
        "policy": {"policy": "1.3.6.1.4.1.99999.1.2"},
        "certificate": {"carried": certificate(ec.generate_private_key(ec.SECP256R1()))},
        "binding": {"named": bytes(32)},
        "hash": {"hash_oid": "2.16.840.1.101.3.4.2.2"},
        "frame": {"version": 2},
    }[change]
    for _ in range(8):
        token = stamp(key, **other)
        message = known.read(token)
        assert not is_by_form(message, known)
        assert message == in_full(token)


def test_an_authority_whose_answers_all_differ_is_not_learnt_for_ever():
    known, key = KnownTokens(), ec.generate_private_key(ec.SECP256R1())
    for number in range(known_tokens._TRIES + 20):
        token = stamp(key, policy=f"1.3.6.1.4.1.99999.{number + 128}")
        known.learn(token, known.read(token))
    forms = [form for kept in known._forms.values() for form in kept]
    assert len(forms) <= known_tokens._TRIES
    assert all(len(kept) <= known_tokens._MAX_FORMS for kept in known._forms.values())
    token = stamp(key, policy="1.3.6.1.4.1.99999.7")
    known.learn(token, known.read(token))
    assert not is_by_form(known.read(token), known)


def test_a_token_that_is_not_der_has_no_form():
    known, token = KnownTokens(), stamp(ec.generate_private_key(ec.SECP256R1()))
    loose = b"\x30\x80" + der.read(token).content + b"\x00\x00"
    known.learn(loose, known.read(loose))
    assert known._forms == {}


def test_what_is_unusually_long_is_not_kept():
    """A hostile answer may have megabytes."""
    known, key = KnownTokens(), ec.generate_private_key(ec.SECP256R1())
    value = der.write(der.SET, der.write(der.OCTETS, bytes(40_000)))
    token = stamp(key, also=der.write(der.SEQUENCE, b"\x06\x01\x01", value))
    known.learn(token, known.read(token))
    assert known._forms == {}
    said = der.write(der.SEQUENCE, der.write(0x0C, b"a" * 600))
    status = der.write(der.SEQUENCE, der.write_integer(1), said)
    raw = der.write(der.SEQUENCE, status, stamp(key))
    assert known.response(raw) == read_response(raw)
    assert known._frames == {}


def test_a_response_is_taken_out_of_its_frame_as_the_full_reader_does():
    """Bent anywhere, at the same length or another."""
    key, known = ec.generate_private_key(ec.SECP256R1()), KnownTokens()
    granted = der.write(der.SEQUENCE, der.write_integer(0))
    rng, framed = random.Random(11), 0
    for number in range(FEW):
        raw = der.write(der.SEQUENCE, granted, stamp(key))
        if number % 4 == 3:
            at = rng.randrange(min(24, len(raw)))
            raw = raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]
        framed += len(raw) in known._frames and raw.startswith(known._frames[len(raw)].begins)
        try:
            expected = read_response(raw)
        except (ValueError, KeyError, TypeError) as error:
            with pytest.raises(type(error)):
                known.response(raw)
        else:
            assert known.response(raw) == expected
    assert framed > FEW // 2


def test_refusals_and_empty_answers_are_read_in_full():
    known, refusal = (
        KnownTokens(),
        der.write(der.SEQUENCE, der.write(der.SEQUENCE, b"\x02\x01\x02")),
    )
    for _ in range(2):
        assert known.response(refusal) == (2, None)
    assert known._frames == {}


# ------------------------------------------------------------------ judging


class InFull:
    """No forms: every token is read in full, by nobody's memory."""

    response = staticmethod(read_response)

    def read(self, token):
        return in_full(token)

    def learn(self, token, message):
        pass

    def forget(self):
        pass


@pytest.fixture
async def clients(make_service, server):
    """One that knows the authority's form, one that reads everything in full; their authority."""
    made = []
    for _ in range(2):
        (client,) = make_service()._authorities.in_order()[:1]
        await client.ready()
        made.append(client)
    made[1]._known = InFull()
    return *made, server.pki


def honest(pki, *, moment=None, serial=2**40, nonce=NONCE, digest=DIGEST):
    request = tsp.TimeStampReq.load(write_request(digest, "sha256", nonce))
    moment = moment or datetime.now(UTC)
    response = answer(request, pki.tsa, pki.issuing.certificate, serial, moment)
    return response["time_stamp_token"].dump()


def verdict(client, token):
    try:
        UncheckedToken(client, token, (DIGEST, "sha256", NONCE), 0.0, 0.0).check()
    except TimestampRequestError as error:
        return type(error), str(error)
    return "believed"


def resigned(token, key):
    """The same bytes with digest and signature made anew, as a lying authority would."""
    try:
        parts = message_parts(der.read(token))
        values = dict(attribute_values(parts.attributes))
        stated = values[messages.MESSAGE_DIGEST]
        digest = hashlib.sha256(parts.content.content).digest()
    except (ValueError, LookupError, AttributeError):
        return token
    if len(stated.content) != len(digest):
        return token
    made = bytearray(token)
    made[stated.start : stated.end] = digest
    begin, end = parts.attributes.begin, parts.attributes.end
    signed = b"\x31" + bytes(made[begin + 1 : end])
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    if parts.signature.end - parts.signature.start == len(signature):
        made[parts.signature.start : parts.signature.end] = signature
    return bytes(made)


def bent(token, rng):
    """Changed as a tree, or in some bytes; those of the TSTInfo and the attributes most."""
    if rng.random() < 0.3:
        return mutated(token, rng)[0]
    parts = message_parts(der.read(token))
    begin, end = rng.choice(
        [
            (0, len(token)),
            (parts.content.start, parts.content.end),
            (parts.attributes.begin, parts.attributes.end),
        ]
    )
    made = bytearray(token)
    for _ in range(rng.choice([1, 1, 2, 6])):
        made[rng.randrange(begin, end)] ^= 1 << rng.randrange(8)
    return bytes(made)


def many_verdicts(clients, count):
    knowing, patient, pki = clients
    forms, believed = 0, 0
    for number in range(count):
        rng = random.Random(number)
        token = honest(pki, serial=rng.randrange(2**39, 2**47))
        if number % 10:
            token = bent(token, rng)
            if rng.random() < 0.6:
                token = resigned(token, pki.tsa.key)
        messages._kept.clear()
        told = verdict(knowing, token)
        assert told == verdict(patient, token), number
        believed += told == "believed"
        forms += len(token) in knowing._known._forms
    assert believed >= count // 10
    assert forms > count // 2


@pytest.mark.filterwarnings("ignore::UserWarning")  # the library's, about odd names
async def test_a_lie_that_is_told_in_a_known_form_is_refused_as_in_any_other(clients):
    many_verdicts(clients, FEW)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_many_lies_in_a_known_form(clients):
    many_verdicts(clients, MANY)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"nonce": NONCE + 1}, "the token carries another nonce"),
        ({"digest": bytes(32)}, "the token is about other data"),
        ({"moment": timedelta(hours=1)}, "the token's time is not the present"),
        ({"moment": timedelta(hours=-1)}, "the token's time is not the present"),
    ],
)
async def test_every_answer_of_a_known_form_is_asked_what_it_says(clients, lie, said):
    knowing, _, pki = clients
    assert verdict(knowing, honest(pki)) == "believed"
    if "moment" in lie:
        lie = {"moment": datetime.now(UTC) + lie["moment"]}
    token = honest(pki, **lie)
    assert is_by_form(knowing.read(token), knowing._known)
    assert verdict(knowing, token) == (TokenRefused, said)


@pytest.mark.parametrize("place", ["signature", "content", "attributes"])
async def test_a_changed_byte_in_a_place_breaks_the_signature(clients, place):
    """The serial number, the digest's last byte, the signature's."""
    knowing, _, pki = clients
    assert verdict(knowing, honest(pki)) == "believed"
    token = bytearray(honest(pki))
    parts = message_parts(der.read(bytes(token)))
    stamped = stamp_parts(der.read(bytes(token), parts.content.start, parts.content.end))
    stated = dict(attribute_values(parts.attributes))[messages.MESSAGE_DIGEST]
    at = {
        "signature": parts.signature.end,
        "content": stamped.serial.end,
        "attributes": stated.end,
    }[place]
    token[at - 1] ^= 1
    assert is_by_form(knowing.read(bytes(token)), knowing._known)
    refused, _ = verdict(knowing, bytes(token))
    assert refused is TokenRefused


async def test_dates_of_the_certificate_are_asked_for_every_token(clients):
    """A known form proves nothing once the authority's certificate has run out."""
    knowing, _, pki = clients
    assert verdict(knowing, honest(pki)) == "believed"
    late = pki.tsa.certificate.not_valid_after_utc + timedelta(seconds=1)

    class Late:
        def now(self):
            return late

    knowing._clock = Late()
    token = honest(pki, moment=late.replace(microsecond=0))
    assert is_by_form(knowing.read(token), knowing._known)
    assert verdict(knowing, token) == (
        TokenRefused,
        "the authority's certificate is not valid now",
    )


async def test_nothing_is_learnt_from_a_token_that_is_refused(make_service, server):
    (client,) = make_service()._authorities.in_order()[:1]
    assert verdict(client, honest(server.pki, nonce=1)) != "believed"
    assert client._known._forms == {}
    assert verdict(client, honest(server.pki)) == "believed"
    assert len(client._known._forms) == 1


async def test_the_forms_of_a_replaced_certificate_are_forgotten(make_service, server):
    server.pki.clock = SystemClock()
    (client,) = make_service()._authorities.in_order()[:1]
    assert verdict(client, honest(server.pki)) == "believed"
    (before,) = client._known._forms.values()
    client.chain = None  # as when it was found invalid
    check = partial(verdict, client, honest(server.pki))
    assert check() == "believed"
    (after,) = client._known._forms.values()
    assert after[0] is not before[0]
