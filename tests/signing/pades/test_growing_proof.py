"""The proof of a file that still grows is the proof of the whole file."""

from __future__ import annotations

import hashlib

import pytest

from signing.contract import Level, Role, SignOrder
from signing.delivery import InMemory
from signing.evidence.messages import read_message
from signing.evidence.tokens import Tokens
from signing.pades.failing import ProofFailed
from signing.pades.proof import GrowingProof, prove
from tests.signing import oracles

KEY = "official-ec"


@pytest.fixture
async def twice(service, decision_pdf):
    """A document with one signature, and the same with a B-LTA signature after it."""
    first = await service.sign(SignOrder(decision_pdf, KEY, Role.INVISIBLE, Level.B_T))
    second = await service.sign(SignOrder(first.pdf, KEY, Role.INVISIBLE, Level.B_LTA))
    return decision_pdf, first.pdf, second.pdf


@pytest.fixture
def certificate(server):
    return server.pki.certificate(KEY)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


async def test_reading_in_steps_ends_where_reading_at_once_does(twice, certificate):
    before, first, both = twice
    proof = GrowingProof(before, certificate)
    proof.read(first)
    proof.read(both)
    proved = proof.finish(2)
    assert proved == prove(before, both, certificate, 2)
    assert proved.sha256 == hashlib.sha256(both).hexdigest()
    one, two, archive = [message for message, _, _ in oracles.messages(both)]
    own = read_message(one).token, read_message(two).token
    assert None not in own
    assert proved.tokens == Tokens(own, (archive,), (archive,))


@pytest.mark.parametrize("signatures", [0, 1, 3])
async def test_every_announced_signature_must_be_there(twice, certificate, signatures):
    before, first, both = twice
    proof = GrowingProof(before, certificate)
    proof.read(first)
    proof.read(both)
    with pytest.raises(ProofFailed):
        proof.finish(signatures)


@pytest.mark.parametrize("where", ["input", "first", "second"])
async def test_a_byte_changed_after_it_was_read_is_noticed(twice, certificate, where):
    """What was read must come again byte for byte."""
    before, first, both = twice
    at = {"input": 100, "first": len(before) + 40, "second": len(first) + 40}[where]
    proof = GrowingProof(before, certificate)
    proof.read(first)
    with pytest.raises(ProofFailed):
        proof.read(flipped(both, at))
    with pytest.raises(ProofFailed):
        proof.finish(2)  # a failure leaves nothing that could be taken for a proof
    proof.read(both)
    proof.finish(2)


async def test_half_a_revision_is_not_a_finished_one(twice, certificate):
    before, first, _ = twice
    for size in (len(first) - 3, len(before) + 200, len(before)):
        with pytest.raises(ProofFailed):
            GrowingProof(before, certificate).read(first[:size])


async def test_a_document_begun_anew_is_read_from_the_beginning(
    service, twice, certificate, server
):
    """The next authority's attempt has other bytes; another signer's attempt another proof."""
    before, first, _ = twice
    again = (await service.sign(SignOrder(before, KEY, Role.INVISIBLE, Level.B_T))).pdf
    delivery = InMemory(before)
    delivery.look_ahead(first[len(before) :], b"", certificate)
    pdf, proved = delivery.deliver(again[len(before) :], certificate, 1)
    assert (pdf, proved.sha256) == (again, hashlib.sha256(again).hexdigest())
    with pytest.raises(ProofFailed):
        delivery.deliver(again[len(before) :], server.pki.certificate("agency"), 1)


async def test_a_given_state_is_not_used_up(twice, certificate):
    before, first, _ = twice
    state = hashlib.sha256(before)
    assert prove(before, first, certificate, 1, state).sha256 == hashlib.sha256(first).hexdigest()
    assert state.digest() == hashlib.sha256(before).digest()


async def test_what_was_foreseen_ends_in_the_same_proof(twice, certificate):
    before, first, both = twice
    gap = both.index(b"/Contents <", len(first)) + len(b"/Contents ")
    proof = GrowingProof(before, certificate)
    proof.read(first)
    proof.foresee(both[len(first) : gap])
    proof.read(both)
    assert proof.finish(2) == prove(before, both, certificate, 2)


@pytest.mark.parametrize("part", ["shorter", "longer", "other", "no range", "empty"])
async def test_what_was_foreseen_wrongly_is_not_believed(twice, certificate, part):
    """Bytes that do not follow are dropped; bytes beyond the gap prove nothing."""
    before, first, both = twice
    gap = both.index(b"/Contents <", len(first)) + len(b"/Contents ")
    tail = both[len(first) : gap]
    tail = {
        "shorter": tail[:-3],
        "longer": both[len(first) : gap + 40],
        "other": flipped(tail, 30),
        "no range": tail[:20],
        "empty": b"",
    }[part]
    proof = GrowingProof(before, certificate)
    proof.read(first)
    proof.foresee(tail)
    if part == "longer":
        with pytest.raises(ProofFailed):
            proof.read(both)
    else:
        proof.read(both)
        assert proof.finish(2) == prove(before, both, certificate, 2)


@pytest.mark.parametrize("where", [40, 400])
async def test_a_byte_changed_after_it_was_foreseen_is_noticed(twice, certificate, where):
    before, first, both = twice
    gap = both.index(b"/Contents <", len(first)) + len(b"/Contents ")
    proof = GrowingProof(before, certificate)
    proof.read(first)
    proof.foresee(both[len(first) : gap])
    with pytest.raises(ProofFailed):
        proof.read(flipped(both, len(first) + where))
