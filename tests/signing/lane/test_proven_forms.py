"""Messages whose form was proved before are compared, not read: nothing wrong passes for that."""

from __future__ import annotations

import re

import pytest

from signing.contract import Level, Role, SignOrder
from signing.evidence.messages import read_message
from signing.evidence.signatures import HASHES, HeldSignatures
from signing.pades import proof, proven_forms
from signing.pades.failing import ProofFailed
from signing.pades.proof import prove
from signing.pades.proven_forms import Proven, proven_with
from tests.signing.lane import documents as doc

KEYS = pytest.mark.parametrize("name", ["official-rsa", "official-ec"])
LETTERS = [doc.classic(doc.objects(o4=doc.stream(b"", b"%% %d" % n))) for n in range(12)]


def message_of(signed):
    """Where the message's digits stand, and the message."""
    match = re.search(rb"/Contents <([0-9a-f]+)>", signed)
    return match.span(1), bytes.fromhex(match[1].decode())


def with_message(signed, message):
    (begin, end), _ = message_of(signed)
    return signed[:begin] + message.hex().encode().ljust(end - begin, b"0") + signed[end:]


async def sign(service, name, pdf, level=Level.B_B):
    return (await service.sign(SignOrder(pdf, name, Role.INVISIBLE, level))).pdf


def holds(before, after, certificate):
    try:
        prove(before, after, certificate, 1)
    except ProofFailed:
        return False
    return True


@KEYS
async def test_a_changed_byte_is_judged_as_if_nothing_were_known(
    service, server, monkeypatch, name
):
    """All along the message: what is read in full would have said the same."""
    certificate, before = server.pki.certificate(name), LETTERS[0]
    after = await sign(service, name, before)
    _, message = message_of(after)
    parts = read_message(message)
    assert proven_with(certificate).read(message) is not None
    places = {message.index(p) for p in (parts.stated_digest, parts.signature, parts.signed[1:])}
    outcomes = {}
    for at in sorted({*range(0, len(message), 37), *places}):
        damaged = bytearray(message)
        damaged[at] ^= 1
        changed = with_message(after, bytes(damaged))
        for taught in (True, False):
            proven = Proven(certificate)
            monkeypatch.setattr(proof, "proven_with", lambda _, proven=proven: proven)
            assert not taught or holds(before, after, certificate)
            outcomes.setdefault(at, []).append(holds(before, changed, certificate))
    assert all(one == other for one, other in outcomes.values())
    assert not any(outcomes[at][0] for at in places)


async def test_a_known_form_over_another_document_is_refused(service, server):
    """A message that holds for one document is not taken for another's."""
    certificate = server.pki.certificate("official-rsa")
    one, other = [await sign(service, "official-rsa", pdf) for pdf in LETTERS[:2]]
    _, message = message_of(one)
    swapped = with_message(other, message)
    with pytest.raises(ProofFailed, match="digest"):
        prove(LETTERS[1], swapped, certificate, 1)


async def test_the_signature_of_other_attributes_is_refused(service, server):
    """Right attributes, and a signature that holds over others."""
    certificate = server.pki.certificate("official-rsa")
    one, other = [await sign(service, "official-rsa", pdf) for pdf in LETTERS[:2]]
    (_, mine), (_, theirs) = message_of(one), message_of(other)
    mixed = mine.replace(read_message(mine).signature, read_message(theirs).signature)
    assert mixed != mine
    with pytest.raises(ProofFailed, match="does not hold"):
        prove(LETTERS[0], with_message(one, mixed), certificate, 1)


async def test_another_key_of_the_same_form_is_refused(service, server):
    """Forms belong to one certificate."""
    agency = await sign(service, "agency", LETTERS[0])
    prove(LETTERS[0], agency, server.pki.certificate("agency"), 1)
    with pytest.raises(ProofFailed, match="another certificate"):
        prove(LETTERS[0], agency, server.pki.certificate("official-rsa"), 1)


async def test_a_known_form_is_not_read_again(service, server, monkeypatch):
    """What the comparison is for; a form that is not known is read in full."""
    certificate = server.pki.certificate("official-rsa")
    first, second = [await sign(service, "official-rsa", pdf) for pdf in LETTERS[:2]]
    prove(LETTERS[0], first, certificate, 1)
    read = []
    monkeypatch.setattr(proof, "read_message", lambda encoded: read.append(encoded) or 1 / 0)
    prove(LETTERS[1], second, certificate, 1)
    assert not read
    monkeypatch.setattr(proof, "proven_with", Proven)
    with pytest.raises(ZeroDivisionError):
        prove(LETTERS[1], second, certificate, 1)
    assert len(read) == 1


async def test_time_stamps_are_no_part_of_a_form(service, server):
    """B-T messages of one length differ in their token; a token of another length is read."""
    certificate = server.pki.certificate("official-rsa")
    for pdf in LETTERS[:4]:
        signed = await sign(service, "official-rsa", pdf, Level.B_T)
        prove(pdf, signed, certificate, 1)
        prove(pdf, signed, certificate, 1)


async def test_what_is_remembered_is_bounded(service, server, monkeypatch):
    """More signatures and forms than are kept: still every file is proved."""
    monkeypatch.setattr(proven_forms, "_MAX_FORMS", 1)
    monkeypatch.setattr(HeldSignatures, "_KEPT", 2)
    certificate = server.pki.certificate("official-ec")
    proven = Proven(certificate)
    monkeypatch.setattr(proof, "proven_with", lambda _: proven)
    signed = [(pdf, await sign(service, "official-ec", pdf)) for pdf in LETTERS]
    for pdf, after in signed + signed:
        prove(pdf, after, certificate, 1)
    known = [pdf for pdf, after in signed if proven.read(message_of(after)[1]) is not None]
    assert len(known) >= 1
    assert len(proven.held._held) == 2
    assert len(proven._by_head) == 1


@KEYS
async def test_a_signature_that_was_seen_to_hold_is_not_taken_for_another(make_service, name):
    """One bit of data or signature, or another scheme, is verified anew, and does not hold."""
    key = await make_service()._keys[name].open()
    data = b"what was signed"
    signature = await key.sign_raw(data)
    held = HeldSignatures(key.certificate.public_key())
    scheme = {"pss": True, "salt_length": 32}
    for _ in range(2):
        assert held.holds(signature, data, HASHES["sha256"], **scheme)
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    assert not held.holds(flipped, data, HASHES["sha256"], **scheme)
    assert not held.holds(signature, data + b".", HASHES["sha256"], **scheme)
    assert not held.holds(signature, data, HASHES["sha384"], **scheme)
    if name == "official-rsa":
        assert not held.holds(signature, data, HASHES["sha256"], pss=False)
        assert not held.holds(signature, data, HASHES["sha256"], pss=True, salt_length=20)
