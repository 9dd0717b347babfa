"""Signature messages bent as DER trees: what is still valid tells nothing new."""

from __future__ import annotations

import random
import re

import pytest

from signing.contract import Verdict
from signing.validation import validate_pdf
from tests.signing.hostile import bases, der
from tests.signing.validation.signing_kit import NOW, make_pdf, pki, sign

ROOTS = (pki().root.der,)
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)")
FEW, MANY = 12, 250


def rooms(pdf):
    """Where the hexadecimal digits of each signature value stand."""
    return [(int(m[2]) + 1, int(m[3]) - 1) for m in RANGE.finditer(pdf)]


def message(pdf, room=None):
    room = room or rooms(pdf)[0]
    return bytes(der.parse(bytes.fromhex(pdf[slice(*room)].decode()))[0])


def with_message(pdf, room, value):
    start, end = room
    digits = value.hex().encode()
    if len(digits) > end - start:
        return None
    return pdf[:start] + digits.ljust(end - start, b"0") + pdf[end:]


def certain(one):
    """What no damage outside the signed bytes may change while it is called valid."""
    return (
        one.field_name, one.signer, one.certificate_sha256, one.claimed_time, one.integrity,
        one.algorithm, one.digest_algorithm, one.signed_digest, one.trust,
    )  # fmt: skip


def check(pdf, rng):
    before = validate_pdf(pdf, ROOTS, NOW)
    room = rng.choice(rooms(pdf))
    value, story = der.mutated(message(pdf, room), rng)
    made = with_message(pdf, room, value)
    if made is None:
        return
    after = validate_pdf(made, ROOTS, NOW)
    assert after.reason, story
    if after.verdict is not Verdict.VALID:
        return
    assert list(map(certain, after.signatures)) == list(map(certain, before.signatures)), story
    for old, new in zip(before.signatures, after.signatures, strict=True):
        assert new.proven_time in {None, old.proven_time}, story


@pytest.mark.parametrize("base", ["small", "archived"])
def test_a_few_bent_messages(base):
    rng = random.Random(26)
    for _ in range(FEW):
        check(bases.signed()[base], rng)


@pytest.mark.long
def test_many_bent_messages():
    rng = random.Random(5)
    rsa = sign(make_pdf(), entity=bases.rsa_signer(), store=True)
    for _ in range(MANY):
        check(rng.choice([bases.signed()["archived"], rsa]), rng)


def test_signed_attributes_of_a_wrong_type_are_a_broken_message():
    """They made the library stop, and the answer was an internal code instead of a reason."""
    pdf = bases.signed()["small"]
    (room,) = rooms(pdf)
    tree, _ = der.parse(message(pdf, room))
    attributes = (1, 0, 4, 0, 3)
    found = 0
    for place, attribute in enumerate(der.at(tree, attributes).inside):
        path = (*attributes, place, 1)
        if attribute.inside[0].content == bytes.fromhex("2a864886f70d010904"):  # message digest
            bent = der.put(tree, path, [der.Element(b"\x30", inside=())])
            judged = validate_pdf(with_message(pdf, room, bytes(bent)), ROOTS, NOW)
            assert (judged.verdict, judged.reason) == (Verdict.INVALID, "broken_cms")
            found += 1
    assert found == 1


def test_the_same_key_under_another_name_is_not_the_signer():
    """ESSCertID binds the certificate: one for the same key and another office does not fit."""
    signer = pki().signer
    other = pki().issue("Nguyễn Văn Khác", key=signer.private)
    pdf = sign(make_pdf(), store=True)
    (room,) = rooms(pdf)
    value = message(pdf, room)
    theirs = message(sign(make_pdf(), entity=other, store=True))
    tree, stranger = der.parse(value)[0], der.parse(theirs)[0]
    for paths in (((1, 0, 3),), ((1, 0, 3), (1, 0, 4, 0, 1))):
        bent = tree
        for path in paths:
            bent = der.put(bent, path, [der.at(stranger, path)])
        judged = validate_pdf(with_message(pdf, room, bytes(bent)), ROOTS, NOW)
        assert judged.verdict is not Verdict.VALID
        assert all(one.signer != "Nguyễn Văn Khác" or not one.integrity
                   for one in judged.signatures)  # fmt: skip


def test_a_second_signer_beside_the_first_is_refused():
    pdf = sign(make_pdf(), store=True)
    (room,) = rooms(pdf)
    tree = der.parse(message(pdf, room))[0]
    stranger = der.parse(message(sign(make_pdf(), entity=pki().agency)))[0]
    for order in (slice(None), slice(None, None, -1)):
        both = [der.at(tree, (1, 0, 4, 0)), der.at(stranger, (1, 0, 4, 0))][order]
        bent = der.put(tree, (1, 0, 4), [der.Element(b"\x31", inside=tuple(both))])
        made = with_message(pdf, room, bytes(bent))
        assert made is not None
        assert validate_pdf(made, ROOTS, NOW).verdict is not Verdict.VALID
