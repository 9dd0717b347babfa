"""The watch over certificates: found by itself, told once a portal, split by proof, overridden."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.documents.confirmations import claims
from gateway.documents.evidence import store as evidence_store
from gateway.documents.requests import Actor, NewRequest, NewStep
from gateway.documents.revocation import store
from gateway.documents.revocation.lists import EVERY, RevocationLists, next_fetch
from gateway.documents.revocation.watch import CertificateWatch
from gateway.foundation.clock import SystemClock
from gateway.foundation.metrics import Metrics
from signing.contract import (
    ActEvidence,
    CertificateStatus,
    FetchedList,
    RevocationFinding,
    SigningUnavailable,
)
from signing.evidence.answers_at_hand import AnswersAtHand
from tests.gateway.documents.desk import DEPUTY, LEADER, TENANT, Desk, on_sqlite
from tests.support.edge import make_edge, portal, serve
from tests.support.paper import PaperSignatures

PIN = "246810"
SIGNED = datetime(2026, 11, 2, 2, tzinfo=UTC)  # by every paper signature
REVOKED = SIGNED + timedelta(hours=1)
LEADERS = PaperSignatures.certificate_sha256("official-rsa")
HOUR = 3_600


class Issuers:
    """The part of a signing service that asks issuers; answers as the test says."""

    def __init__(self, clock):
        self.clock = clock
        self.revoked = {}  # first byte string of a chain → since when
        self.silent = False
        self.asked = []
        self.fetched, self.kept = [], []

    async def certificate_status(self, chain):
        self.asked.append(chain[0])
        now = self.clock.now()
        if self.silent:
            return RevocationFinding(CertificateStatus.UNKNOWN, now)
        at = self.revoked.get(chain[0])
        if at is None:
            return RevocationFinding(CertificateStatus.GOOD, now)
        return RevocationFinding(CertificateStatus.REVOKED, now, at, crls=(b"the list",))

    async def fetch_list(self, url):
        self.fetched.append(url)
        if self.silent:
            raise SigningUnavailable("crl_unavailable", "Chưa tải được.")
        now = self.clock.now()
        return FetchedList(url, b"list %d" % len(self.fetched), now, now + timedelta(days=1))

    async def keep_list(self, url, raw, fetched_at):
        self.kept.append((url, raw))


@pytest.fixture
def issuers(clock):
    return Issuers(clock)


@pytest.fixture
def watch(desk, issuers):
    return CertificateWatch(
        desk.database,
        desk.clock,
        Metrics(),
        files=desk.files,
        watching=issuers,
        revocations=desk.revocations,
    )


@pytest.fixture
def proven(paper):
    """When the signatures of each order are proven to have existed."""
    moments = []

    def leaves(order):
        at = moments.pop(0) if moments else None
        return ActEvidence((order.credential.encode(),), (), (), (), (), (), "RSASSA-PSS", at)

    paper.leaves = leaves
    return moments


def certificate_naming(url):
    """A certificate (DER) that says where its issuer's list is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Mẫu")])
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(SIGNED)
        .not_valid_after(SIGNED + timedelta(days=30))
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


async def sign(desk, tenant=TENANT):
    document = await desk.document(tenant=tenant)
    new = NewRequest(tenant, document.id, (NewStep("person", LEADER),))
    request = await desk.database.write(lambda c: desk.requests.open(c, new))
    await desk.sign(request, LEADER, PIN, actor=Actor(tenant, LEADER))
    return document


async def told(desk):
    return [(kind, subject, n) for kind, subject, n in await desk.events() if subject[:3] == "crt"]


async def test_a_revocation_is_found_recorded_and_told_once_in_each_portal(
    desk, watch, issuers, proven
):
    """On both engines: the issuer's date and its list, the split, one event, no second one."""
    proven += [SIGNED + timedelta(minutes=1), None, None]
    await sign(desk)
    await sign(desk)
    await sign(desk, "khac/test")
    assert await watch.once() == 1
    assert await told(desk) == []
    issuers.revoked[b"official-rsa"] = REVOKED
    desk.clock.advance(6 * HOUR)
    assert await watch.once() == 1
    ids = [store.id_of(tenant, LEADERS) for tenant in ("khac/test", TENANT)]
    assert sorted(await told(desk)) == sorted(("certificate.revoked", id_, 1) for id_ in ids)
    data = await desk.database.read(lambda c: desk.revocations.render(c, ids))
    mine = data[store.id_of(TENANT, LEADERS)]
    assert (mine["status"], mine["source"]) == ("revoked", "issuer")
    assert mine["revoked_at"] == "2026-11-02T10:00:00+07:00"
    assert (mine["touched"]["before_revocation"], mine["touched"]["unproven"]) == (1, 1)
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 10))
    last = msgspec.json.decode(rows[-1].content)
    assert (last["kind"], last["revocation"]["source"]) == ("revocation", "issuer")
    (proof,) = last["files"]
    assert await desk.files.get(proof["sha256"]) == b"the list"
    desk.clock.advance(24 * HOUR)
    assert await watch.once() == 1
    assert len(await told(desk)) == 2


@on_sqlite
async def test_a_suspension_that_ends_is_told_too(desk, watch, issuers, proven):
    await sign(desk)
    issuers.revoked[b"official-rsa"] = REVOKED
    await watch.once()
    del issuers.revoked[b"official-rsa"]
    desk.clock.advance(24 * HOUR)
    await watch.once()
    assert [(kind, n) for kind, _, n in await told(desk)] == [
        ("certificate.revoked", 1), ("certificate.cleared", 2),
    ]  # fmt: skip


@on_sqlite
async def test_silence_is_no_word_and_is_asked_again_within_the_hour(desk, watch, issuers, proven):
    await sign(desk)
    issuers.silent = True
    await watch.once()
    assert await watch.once() == 0
    desk.clock.advance(HOUR)
    issuers.silent, issuers.revoked[b"official-rsa"] = False, REVOKED
    assert await watch.once() == 1
    assert len(await told(desk)) == 1


async def test_of_two_processes_one_asks(desk, watch, issuers, proven):
    """The claim is a lease; a watch that died over it is followed by another."""
    await sign(desk)
    now, table = desk.clock.now(), store.watched_certificates
    await watch._take_in()
    (dead,) = await desk.database.write(lambda c: claims.claim(c, table, now, 5))
    assert await watch.once() == 0
    desk.clock.advance(claims.LEASE.total_seconds() + 1)
    issuers.revoked[b"official-rsa"] = REVOKED
    assert await watch.once() == 1
    finding = RevocationFinding(CertificateStatus.GOOD, now)
    stale = await desk.database.write(lambda c: watch._found(c, dead, finding, ()))
    assert stale == []
    row = await desk.database.read(lambda c: store.watched(c, LEADERS))
    assert row.status == "revoked"


@on_sqlite
async def test_the_operators_word_holds_with_its_reason_until_taken_back(
    desk, watch, issuers, proven
):
    """Over HTTP: recorded who and why; the list compares with it; a page of one standing."""
    proven += [SIGNED + timedelta(minutes=1), SIGNED + timedelta(minutes=1), None]
    documents = [(await sign(desk)).id for _ in range(3)]
    issuers.revoked[b"official-rsa"] = REVOKED
    await watch.once()
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session, official="official:thanh.tra")
        path = f"/v1/certificates/{LEADERS}"
        _, body, _ = await caller.get(f"{path}/documents")
        assert body["revoked_at"] == "2026-11-02T10:00:00+07:00"
        assert body["revocation"]["source"] == "issuer"
        assert [d["standing"] for d in body["data"]] == [
            "unproven", "before_revocation", "before_revocation",
        ]  # fmt: skip
        _, body, _ = await caller.get(f"{path}/documents?standing=before_revocation&limit=1")
        assert [d["document_id"] for d in body["data"]] == [documents[1]]
        _, rest, _ = await caller.get(
            f"{path}/documents?standing=before_revocation&limit=1&after={body['next']}"
        )
        assert [d["document_id"] for d in rest["data"]] == [documents[0]]
        assert rest["next"] is None
        word = {"revoked_at": "2026-11-02T08:00:00+07:00", "reason": "Khóa bị lộ từ sáng sớm"}
        status, body, _ = await caller.post(f"{path}/revocation", json=word)
        assert (status, body["source"], body["reason"]) == (200, "operator", word["reason"])
        assert body["decided_by"] == "official:thanh.tra"
        assert body["touched"]["after_revocation"] == 3
        assert (await caller.post(f"{path}/revocation", json=word | {"reason": "x"}))[0] == 422
        taken_back = {"reason": "Thanh tra kết luận lại, theo nơi cấp"}
        _, body, _ = await caller.post(f"{path}/revocation", json=taken_back)
        assert (body["source"], body["touched"]["before_revocation"]) == ("issuer", 2)
        assert (await caller.get(f"{path}/documents?standing=x"))[0] == 422
    await server.close()
    rows = await desk.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 20))
    words = [msgspec.json.decode(r.content)["revocation"] for r in rows if r.kind == "revocation"]
    assert [(w["source"], w["decided_by"]) for w in words] == [
        ("issuer", None), *[("operator", "official:thanh.tra")] * 2,
    ]  # fmt: skip
    assert [kind for kind, _, _ in await told(desk)] == ["certificate.revoked"] * 3
    assert (await desk.audit()).first_break is None


@on_sqlite
async def test_nothing_was_revoked_tomorrow(desk, proven):
    """A moment that is still to come would clear what is signed until then."""
    proven += [SIGNED + timedelta(minutes=1)]
    await sign(desk)
    edge = make_edge(desk.database, desk.clock)
    server = await serve(edge, desk.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session, official="official:thanh.tra")
        word = {"revoked_at": "2026-11-03T08:00:00+07:00", "reason": "Khóa bị lộ từ sáng sớm"}
        status, body, _ = await caller.post(f"/v1/certificates/{LEADERS}/revocation", json=word)
        assert (status, [e["pointer"] for e in body["errors"]]) == (422, ["/revoked_at"])
        assert "tương lai" in body["errors"][0]["detail"]
    await server.close()
    assert await told(desk) == []


# ------------------------------------------------------------------ lists


@on_sqlite
async def test_the_lists_of_certificates_that_signed_are_fetched_in_time(
    desk, watch, issuers, proven, paper
):
    """Their addresses come from the certificates; again every 45 minutes, never in a hurry."""
    one = certificate_naming("http://127.0.0.1:1/crl/issuing.crl")
    paper.leaves = lambda order: ActEvidence((one,), (), (), (), (), (), "ECDSA", None)
    await sign(desk)
    lists = RevocationLists(desk.database, desk.clock, issuers)
    await watch.once()
    assert await lists.once() == 1
    assert issuers.fetched == ["http://127.0.0.1:1/crl/issuing.crl"]
    assert await lists.once() == 0
    desk.clock.advance(EVERY.total_seconds())
    assert await lists.once() == 1
    issuers.silent = True
    desk.clock.advance(EVERY.total_seconds())
    assert await lists.once() == 1
    assert await lists.once() == 0
    desk.clock.advance(60)
    assert await lists.once() == 1
    row = await desk.database.read(lambda c: c.execute(sa.select(store.revocation_lists)).one())
    assert (bytes(row.raw), row.failures) == (b"list 2", 2)


async def test_one_process_fetches_and_every_machine_gets_the_bytes(desk, issuers):
    """The second gateway asks nobody; it hands on each list once."""
    now = desk.clock.now()
    await desk.database.write(lambda c: store.want_list(c, "http://ca.vn/x.crl", now))
    mine = RevocationLists(desk.database, desk.clock, issuers)
    others = Issuers(desk.clock)
    theirs = RevocationLists(desk.database, desk.clock, others)
    assert await mine.once() == 1
    for _ in range(2):
        assert await theirs.once() == 0
    assert (others.fetched, others.kept) == ([], [("http://ca.vn/x.crl", b"list 1")])
    assert issuers.kept == []  # its own children have it already


def test_a_list_is_fetched_before_its_end_but_not_all_the_time():
    hour = timedelta(hours=1)
    assert next_fetch(SIGNED, SIGNED + 24 * hour) == SIGNED + EVERY
    assert next_fetch(SIGNED, SIGNED + hour / 2) == SIGNED + timedelta(minutes=20)
    assert next_fetch(SIGNED, SIGNED + timedelta(minutes=3)) == SIGNED + timedelta(minutes=1)


@pytest.mark.long
async def test_a_real_issuers_list_tells_of_a_real_signature(
    sqlite, tmp_path, real_signatures, running_pki
):
    """From signed PDFs to the told revocation, by our own development PKI, without OCSP.

    The time-stamped signature stands before it; the one that only claims its time is unproven.
    """
    clock = SystemClock()
    desk = Desk.make(sqlite, clock, tmp_path, real_signatures)
    watch = CertificateWatch(
        sqlite,
        clock,
        Metrics(),
        files=desk.files,
        watching=real_signatures,
        revocations=desk.revocations,
    )
    for level in ("B-LTA", "B-B"):
        document = await desk.document()
        request = await desk.open(document, (NewStep("person", DEPUTY),), None, level=level)
        await desk.sign(request, DEPUTY)
    assert await watch.once() == 2  # the official's, and the time-stamping authority's
    await asyncio.sleep(1.05)  # a revocation's moment has whole seconds
    asked_before = running_pki.calls.ocsp
    running_pki.revoke(running_pki.pki.certificate("official-ec").serial_number)
    try:
        real_signatures._revocation._answers = AnswersAtHand()  # as an hour later
        real_signatures._revocation.kept._here.clear()
        moved = store.watched_certificates.update().values(due_at=clock.now())
        await sqlite.write(lambda c: c.execute(moved) and None)
        assert await watch.once() == 2
    finally:
        running_pki.pki.forget_revocations()
        real_signatures._revocation._answers = AnswersAtHand()
        real_signatures._revocation.kept._here.clear()
    (event,) = await told(desk)
    data = await sqlite.read(lambda c: desk.revocations.render(c, [event[1]]))
    assert data[event[1]]["status"] == "revoked"
    touched = data[event[1]]["touched"]
    assert (touched["before_revocation"], touched["unproven"]) == (1, 1)
    assert touched["after_revocation"] == 0
    assert running_pki.calls.ocsp == asked_before  # lists first
    assert (await desk.audit()).first_break is None
