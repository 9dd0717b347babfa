"""Bent answers of time-stamping authorities, OCSP responders and revocation lists."""

from __future__ import annotations

import random
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.clock import SystemClock
from signing.devpki.tokens import answer
from signing.evidence.messages import read_message
from signing.evidence.revocation_answers import AnswerRefused, Status, read_crl, read_ocsp
from signing.evidence.timestamps import TokenRefused
from signing.service import SigningService
from tests.signing.hostile import der

FEW, MANY = 60, 250
MINUTE = timedelta(minutes=1)
DIGEST = bytes(range(32))


@pytest.fixture
async def authority(server):
    """A client of the first authority, and how its answers are bent."""
    service = SigningService(server.signer_config(), SystemClock())
    client = service._authorities.in_order()[0]
    await client.ready()
    yield Bent(client, server.pki)
    await service.close()


class Bent:
    """Asks a client whose authority's answers are changed on their way."""

    def __init__(self, client, pki):
        self.client = client
        self.pki = pki
        self.honest = b""

    async def token(self, bend):
        async def ask(request):
            asked = tsp.TimeStampReq.load(request)
            issuer = self.pki.issuing.certificate
            self.honest = answer(asked, self.pki.tsa, issuer, 4711, datetime.now(UTC)).dump()
            return bend(self.honest)

        self.client._ask = ask
        self.client.breaker.succeeded()
        return await self.client.token(DIGEST)


async def many_tokens(authority, count):
    for number in range(count):
        rng, story = random.Random(number), []

        def bend(raw, rng=rng, story=story):
            made, names = der.mutated(raw, rng)
            story.extend(names)
            return made

        try:
            token = await authority.token(bend)
        except TimestampRequestError:
            continue
        honest = read_message(tsp.TimeStampResp.load(authority.honest)["time_stamp_token"].dump())
        taken = read_message(token)
        for part in ("content", "signed", "signature", "serial"):
            assert getattr(taken, part) == getattr(honest, part), (number, story)


@pytest.mark.filterwarnings("ignore::UserWarning")  # the library's, about odd names
async def test_a_few_bent_tokens_are_refused_or_say_the_same(authority):
    await many_tokens(authority, FEW)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_many_bent_tokens_are_refused_or_say_the_same(authority):
    await many_tokens(authority, MANY)


@pytest.fixture(scope="module")
def revoked(running_pki):
    """An answer and a list that say "revoked", the readers, and whom they speak of."""
    pki, now = running_pki.pki, datetime.now(UTC)
    issuer, certificate = pki.issuing, pki.certificate("official-ec")
    single = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate, issuer=issuer.certificate, algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED, this_update=now - MINUTE,
            next_update=now + 60 * MINUTE, revocation_time=now - 60 * MINUTE,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
        .certificates([issuer.certificate])
        .sign(issuer.key, hashes.SHA256())
    )  # fmt: skip
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(now - 60 * MINUTE)
        .build()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - MINUTE)
        .next_update(now + 60 * MINUTE)
        .add_revoked_certificate(entry)
        .sign(issuer.key, hashes.SHA256())
    )
    return {
        read_ocsp: single.public_bytes(Encoding.DER),
        read_crl: crl.public_bytes(Encoding.DER),
    }, (certificate, issuer.certificate, now)


def many_answers(revoked, read, count):
    raw, about = revoked[0][read], revoked[1]
    assert read(raw, *about).status is Status.REVOKED
    for number in range(count):
        made, story = der.mutated(raw, random.Random(number))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                told = read(made, *about)
            except AnswerRefused:
                continue
        assert told.status is Status.REVOKED, (number, story)


@pytest.mark.parametrize("read", [read_ocsp, read_crl])
def test_a_few_bent_revocations_are_never_good(revoked, read):
    many_answers(revoked, read, FEW)


@pytest.mark.long
@pytest.mark.parametrize("read", [read_ocsp, read_crl])
def test_many_bent_revocations_are_never_good(revoked, read):
    many_answers(revoked, read, MANY)


# ------------------------------------------------------------------ found by such campaigns


def bent_at(path, change):
    """Change one element of an answer."""

    def bend(raw):
        tree, _ = der.parse(raw)
        return bytes(der.put(tree, path, change(der.at(tree, path))))

    return bend


def bent_certificates(path, change):
    """Change the same element of both certificates in a token."""

    def bend(raw):
        for number in (0, 1):
            raw = bent_at((1, 1, 0, 3, number, 0, *path), change)(raw)
        return raw

    return bend


@pytest.mark.parametrize(
    "bend",
    [
        bent_certificates((7, 0), lambda all_: [_twice(all_)]),
        bent_certificates((0, 0), lambda _: [der.Element(b"\x02", b"\x12")]),
        bent_certificates((6, 0, 0), lambda _: [der.Element(b"\x06", b"\x2a\x03")]),
        bent_at((1, 1, 0, 4, 0, 3, 1, 1), lambda _: [der.Element(b"\x31", inside=())]),
    ],
    ids=["an extension twice", "version 19", "an unknown key", "an attribute without value"],
)
async def test_a_token_that_no_library_can_read_is_refused_by_name(authority, bend):
    """Errors of four kinds ran through the client, so that no other authority was asked."""
    authority.client._forget()
    with pytest.raises(TokenRefused):
        await authority.token(bend)


def _twice(extensions):
    inside = (*extensions.inside, extensions.inside[0])
    return der.Element(extensions.tag, inside=inside)


@pytest.mark.parametrize("binding", ["another", "none"])
async def test_a_token_that_does_not_name_its_certificate_is_refused(
    authority, monkeypatch, binding
):
    """openssl refuses it (RFC 5816), and so must we before it stands in a document."""
    attributes = cms.CMSAttributes

    def bound_otherwise(values):
        *kept, own = values
        if binding == "another":
            certificate = tsp.ESSCertIDv2({"cert_hash": bytes(32)})
            value = tsp.SigningCertificateV2({"certs": [certificate]})
            kept.append(cms.CMSAttribute({"type": own["type"].native, "values": [value]}))
        return attributes(kept)

    monkeypatch.setattr("signing.devpki.tokens.cms.CMSAttributes", bound_otherwise)
    with pytest.raises(TokenRefused, match="another certificate"):
        await authority.token(bytes)


def test_an_answer_signed_in_an_unknown_way_is_refused(revoked):
    """The library's error ran through, so that the revocation list was not asked either."""
    raw, about = revoked[0][read_ocsp], revoked[1]
    outer, _ = der.parse(raw)
    basic, _ = der.parse(der.at(outer, (1, 0, 1)).content)
    unknown = der.put(basic, (1, 0), [der.Element(b"\x06", b"\x2a\x03\x04")])
    made = der.put(outer, (1, 0, 1), [der.Element(b"\x04", bytes(unknown))])
    with pytest.raises(AnswerRefused):
        read_ocsp(bytes(made), *about)
