"""A revoked time-stamping authority: its documents and copies are listed and proven anew."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.evidence import authority_store, touched
from gateway.documents.evidence.audit import EvidenceAudit
from gateway.documents.evidence.log import append
from gateway.documents.evidence.standings import CAUSES, HARMLESS, Revoked, Standing, stamp_standing
from gateway.documents.revocation import store as revocation_store
from gateway.documents.revocation.distrust import Distrust
from gateway.documents.revocation.service import Revocations, Word, issuers_word
from gateway.documents.revocation.store import GATEWAY, OPERATOR
from gateway.documents.revocation.watch import CertificateWatch
from gateway.foundation.metrics import Metrics
from gateway.foundation.waker import Waker
from signing.contract import (
    ActEvidence,
    CertificateStatus,
    ExtensionEvidence,
    Provability,
    RevocationFinding,
    VoidStamps,
)
from tests.gateway.documents.desk import TENANT, on_sqlite
from tests.gateway.preservation.office import Office, Troubled
from tests.support.edge import make_edge, portal, serve

STAMPED = datetime(2026, 11, 2, 2, tzinfo=UTC)  # by every paper signature
OTHER = "khac/test"  # another portal
OWN_END = datetime(2029, 11, 2, tzinfo=UTC)  # of the signers' certificates
LONG = timedelta(days=6 * 365)


def authority_named(name, usage=x509.ExtendedKeyUsageOID.TIME_STAMPING):
    """A certificate (DER) of a time-stamping authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(11)
        .not_valid_before(STAMPED - timedelta(days=1))
        .not_valid_after(STAMPED + LONG)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


FIRST, SECOND = authority_named("TSA Một"), authority_named("TSA Hai")
ISSUER = authority_named("CA", x509.ExtendedKeyUsageOID.OCSP_SIGNING)  # comes with the stamps


def sha256_of(der):
    return hashlib.sha256(der).hexdigest()


class Stamping(Troubled):
    """Paper signatures that say whose time-stamps they got, and can be told which are void."""

    def __init__(self):
        super().__init__()
        self.authority = FIRST
        self.newest = {}  # SHA-256 of a file → whose time-stamp covers it
        self.leaves = lambda order: ActEvidence(
            (order.credential.encode(),), (self.authority, ISSUER), (), (), (), (), "RSA", STAMPED
        )

    async def sign(self, order):
        made = await super().sign(order)
        self.newest[made.sha256] = self.authority
        return made

    async def extend(self, pdf, level, void=()):
        made = await super().extend(pdf, level, void)
        self.newest[made.sha256] = self.authority
        left = ExtensionEvidence((), (self.authority, ISSUER), (), (), (), ())
        found = await self.provability(made.pdf, void)
        return dataclasses.replace(made, evidence=left, provability=found)

    async def provability(self, pdf, void=()):
        found = await super().provability(pdf, void)
        newest = sha256_of(self.newest.get(hashlib.sha256(pdf).hexdigest(), b""))
        words = {one.certificate_sha256: one.since for one in void}
        since = words.get(newest, datetime.max.replace(tzinfo=UTC))
        if found.level is None or (since is not None and since > STAMPED):
            return found
        return Provability(OWN_END, "timestamp_revoked", "…", found.level)


@pytest.fixture
def office(database, clock, tmp_path):
    return StampedOffice(database, clock, tmp_path)


class StampedOffice(Office):
    """With revocations whose word has files reckoned anew."""

    make_paper = Stamping

    def restart(self):
        super().restart()
        self.revocations = Revocations(self.database, self.clock, Waker(), self.kept)
        self.distrust = Distrust(self.database, self.kept.doubts)
        self.kept.ahead.learn_first(self.distrust.learn)

    async def say(self, word, certificate=FIRST, tenant=TENANT):
        def unit(connection):
            return self.revocations.say(connection, tenant, sha256_of(certificate), word)

        return await self.database.write(unit)

    async def stamped_elsewhere(self, tenant):
        """Another portal keeps something with the same authority's time-stamp."""
        record = {
            "kind": "extension",
            "document": {"id": "doc_elsewhere"},
            "extension": {"extended_at": "2026-11-02T02:00:00Z", "result_sha256": "0" * 64},
            "files": [{"what": "authority_certificate", "sha256": sha256_of(FIRST)}],
        }
        await self.database.write(lambda c: append(c, tenant, record, STAMPED))

    async def doubted(self, tenant=TENANT):
        await self.distrust.learn()
        return self.kept.doubts.of(tenant)

    def routes(self):
        return touched.routes(self.database, self.revocations, self.kept.calendar.levels)


def by_issuer(cause, at=STAMPED + timedelta(days=30)):
    return issuers_word(at, (), cause)


async def proofs(office):
    """Kind → what was reckoned of each file."""
    await office.look()
    found = {}
    for keeper in office.keepers:
        for file in await office.files(keeper):
            found[keeper.owner] = (file.provable_until, file.provable_reason)
    return found


async def both(office):
    """A document and a copy, reckoned, a month and a day after they were stamped."""
    document, copy = await office.sign(), await office.certify()
    await office.look()
    office.clock.advance(31 * 86_400)
    return document, copy


async def test_a_compromised_authority_touches_everything_and_it_is_renewed_elsewhere(office):
    """Both files lose the stamp's proof at once, are queued at once, and get another's stamp."""
    document, copy = await both(office)
    assert await office.say(by_issuer("keyCompromise"))
    lost = (OWN_END, "timestamp_revoked")
    assert await proofs(office) == {"document": lost, "copy": lost}
    assert set(await office.rows()) == {document.id, copy.id}
    office.paper.authority = SECOND
    await office.work()
    reasons = {reason for _, reason in (await proofs(office)).values()}
    assert reasons == {"timestamp_certificate"}
    assert await office.rows() == {}
    (walked,) = await EvidenceAudit(office.database, office.desk.files).verify()
    assert walked.first_break is None


@pytest.mark.long_on_postgresql
async def test_a_superseded_authority_touches_what_was_stamped_after(office):
    """A date after the stamps changes nothing that was reckoned; an earlier one does."""
    await both(office)
    before = await proofs(office)
    await office.say(by_issuer("superseded"))
    assert await proofs(office) == before
    word = Word(OPERATOR, STAMPED - timedelta(days=1), "Công văn của nơi cấp", cause="superseded")
    await office.say(word)
    assert {reason for _, reason in (await proofs(office)).values()} == {"timestamp_revoked"}


@on_sqlite
async def test_an_authority_that_is_asked_again_gains_nothing_and_is_told(office):
    """Its new time-stamp is void too: nothing is published, somebody is told in the end."""
    document, copy = await both(office)
    await office.say(by_issuer("keyCompromise"))
    await office.settle(days=1)
    rows = await office.rows()
    assert {row.reason for row in rows.values()} == {"renewal_no_gain"}
    office.clock.set(OWN_END - timedelta(days=40))
    await office.settle(days=1)
    assert {id_ for id_, _ in await office.told()} == {document.id, copy.id}


@on_sqlite
async def test_a_word_taken_back_gives_the_proof_back(office):
    """A suspension that ended: reckoned as before, and nothing is renewed for it any more."""
    await both(office)
    before = await proofs(office)
    await office.say(by_issuer("certificateHold"))
    assert await proofs(office) != before
    await office.say(issuers_word(None, ()))
    assert await proofs(office) == before
    assert await office.rows() == {}


@on_sqlite
async def test_a_cause_that_is_learnt_later_is_news(office):
    """A list without a reason, then one with: everything, then only what came after."""
    await both(office)
    before = await proofs(office)
    assert await office.say(by_issuer(None))
    assert await proofs(office) != before
    assert await office.say(by_issuer("cessationOfOperation"))
    assert not await office.say(by_issuer("cessationOfOperation"))
    assert await proofs(office) == before


@on_sqlite
async def test_a_portals_operator_changes_nothing_in_another_portal(office):
    """Their word holds for what they keep; our files are neither shortened nor renewed."""
    await both(office)
    before = await proofs(office)
    await office.stamped_elsewhere(OTHER)
    await office.say(Word(OPERATOR, STAMPED, "Không còn tin dịch vụ này"), tenant=OTHER)
    assert await proofs(office) == before
    assert await office.rows() == {}
    assert await office.doubted(OTHER) == (VoidStamps(sha256_of(FIRST), None),)
    assert await office.doubted() == ()
    await office.say(Word(OPERATOR, STAMPED, "Không còn tin dịch vụ này"))
    assert {reason for _, reason in (await proofs(office)).values()} == {"timestamp_revoked"}


@on_sqlite
async def test_the_issuers_word_holds_where_nobody_was_told_yet(office):
    """A fact of the world, whichever portal's certificates were asked about."""
    await office.stamped_elsewhere(OTHER)
    await office.say(by_issuer("keyCompromise"))
    void = (VoidStamps(sha256_of(FIRST), None),)
    assert await office.doubted() == void
    assert await office.doubted(OTHER) == void
    assert await office.doubted("mot-cua-khac/test") == void


@on_sqlite
async def test_a_portals_operator_may_know_better_for_their_own(office):
    """The issuer gave no reason; they have it in writing. Nobody else's files live longer by it."""
    await office.stamped_elsewhere(OTHER)
    office.clock.advance(31 * 86_400)
    for tenant in (TENANT, OTHER):
        await office.say(by_issuer(None), tenant=tenant)
    later = STAMPED + timedelta(days=30)
    await office.say(Word(OPERATOR, later, "Công văn của nơi cấp", cause="superseded"))
    assert await office.doubted() == (VoidStamps(sha256_of(FIRST), later),)
    assert await office.doubted(OTHER) == (VoidStamps(sha256_of(FIRST), None),)


@on_sqlite
async def test_the_gateways_operator_speaks_for_every_portal(office):
    """Before a portal's own; taken back, the portal's holds again."""
    await both(office)
    await office.stamped_elsewhere(OTHER)
    void = (VoidStamps(sha256_of(FIRST), None),)
    mild = Word(OPERATOR, STAMPED + timedelta(days=30), "Công văn", cause="superseded")
    await office.say(mild)
    said = Word(
        GATEWAY, STAMPED, "Khóa của dịch vụ bị lộ", "motcua distrust", cause="keyCompromise"
    )
    for tenant in (TENANT, OTHER):
        assert await office.say(said, tenant=tenant)
        assert not await office.say(said, tenant=tenant)
        assert await office.doubted(tenant) == void
    assert {reason for _, reason in (await proofs(office)).values()} == {"timestamp_revoked"}
    assert await office.say(dataclasses.replace(mild, reason="Công văn thứ hai"))
    assert await office.doubted() == void
    shown = await office.database.read(
        lambda c: office.revocations.show(c, TENANT, sha256_of(FIRST))
    )
    assert (shown.source, shown.cause) == ("gateway", "keyCompromise")
    third = await office.database.read(
        lambda c: office.revocations.show(c, "mot-cua-moi/test", sha256_of(FIRST))
    )
    assert (third.source, third.cause) == ("gateway", "keyCompromise")
    back = Word(GATEWAY, None, "Đã xác minh là nhầm", "motcua distrust")
    for tenant in (TENANT, OTHER):
        await office.say(back, tenant=tenant)
    assert await office.doubted() == (VoidStamps(sha256_of(FIRST), mild.revoked_at),)
    assert await office.doubted(OTHER) == ()


@on_sqlite
async def test_a_word_that_does_not_hold_is_no_news_of_a_revocation(office):
    """The issuer speaks while an operator's word holds: the counts are by what holds."""
    await both(office)
    await office.say(Word(OPERATOR, STAMPED - timedelta(days=1), "Công văn", cause="superseded"))
    await office.say(by_issuer("superseded"))
    rows = await office.database.read(
        lambda c: revocation_store.decisions(c, TENANT, sha256_of(FIRST))
    )
    assert [row.counts["after_revocation"] for row in rows] == [3, 3]


async def test_what_an_authority_touches_is_listed_with_the_reason_told_apart(office):
    """Documents and copies, signed and extended; what it stamped, not what it signed."""
    document, copy = await both(office)
    await office.extend_by_hand()
    edge = make_edge(office.database, office.clock)
    server = await serve(edge, office.routes())
    async with aiohttp.ClientSession() as session:
        caller = await portal(edge, server, session)
        path = f"/v1/certificates/{sha256_of(FIRST)}"
        seen = {}
        for cause in ("superseded", "keyCompromise"):
            query = f"?revoked_at=2026-12-02T02:00:00Z&cause={cause}"
            status, body, _ = await caller.get(f"{path}/documents{query}")
            assert status == 200, body
            seen[cause] = {(d["document_id"], d["part"], d["standing"]) for d in body["data"]}
            assert len(body["data"]) == 4  # a signature, two of a copy, an extension
            assert all(d["sentence"].endswith(".") for d in body["data"])
        both_ids = (document.id, copy.id)
        assert seen["superseded"] == {(i, "timestamp", "before_revocation") for i in both_ids}
        assert seen["keyCompromise"] == {(i, "timestamp", "void") for i in both_ids}
        bad = await caller.get(f"{path}/documents?cause=because")
        assert (bad[0], bad[1]["errors"][0]["pointer"]) == (422, "/cause")
        told = {"reason": "Công văn số 9 của nơi cấp", "revoked_at": "2026-11-02T01:00:00Z",
                "cause": "superseded"}  # fmt: skip
        status, body, _ = await caller.post(f"{path}/revocation", told)
        assert (status, body["cause"]) == (200, "superseded")
        assert body["touched"]["after_revocation"] == 4
        _, body, _ = await caller.get(f"{path}/documents?standing=after_revocation&limit=3")
        assert (len(body["data"]), body["has_more"]) == (3, True)
    await server.close()


@on_sqlite
async def test_the_watch_finds_authorities_by_itself(office):
    """Their certificates among those that came with the stamps; told once, with the cause."""
    await both(office)
    asked = []

    class Issuers:
        async def certificate_status(self, chain):
            asked.append(tuple(chain))
            status = CertificateStatus.REVOKED if chain[0] == FIRST else CertificateStatus.GOOD
            at = STAMPED if chain[0] == FIRST else None
            cause = "keyCompromise" if at else None
            now = office.clock.now()
            return RevocationFinding(status, now, at, crls=(b"list",), reason=cause)

    watch = CertificateWatch(
        office.database, office.clock, Metrics(),
        files=office.desk.files, watching=Issuers(), revocations=office.revocations,
    )  # fmt: skip
    await watch.once()
    assert (FIRST, ISSUER) in asked
    assert not [chain for chain in asked if chain[0] == ISSUER]
    assert {reason for _, reason in (await proofs(office)).values()} == {"timestamp_revoked"}
    office.clock.advance(86_400)
    await watch.once()
    said = await office.database.read(
        lambda c: office.revocations.show(c, TENANT, sha256_of(FIRST))
    )
    assert (said.cause, said.source, said.touched["void"]) == ("keyCompromise", "issuer", 3)


@on_sqlite
async def test_a_table_that_hides_what_an_authority_touches_is_a_break(office):
    """The audit compares it with the records."""
    await both(office)
    table = authority_store.evidence_authorities
    hidden = table.delete().where(table.c.certificate_sha256 == sha256_of(FIRST))
    await office.database.write(lambda c: c.execute(hidden) and None)
    (walked,) = await EvidenceAudit(office.database, office.desk.files).verify()
    assert "dấu thời gian" in walked.first_break.reason


moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants naive bounds
    lambda at: at.replace(tzinfo=UTC)
)


@given(moments, moments, st.sampled_from([None, *CAUSES]))
def test_only_a_harmless_cause_spares_and_only_what_came_before(stamped, revoked, cause):
    """RFC 3161, section 4."""
    found = stamp_standing(stamped, Revoked(revoked, cause))
    assert (found is Standing.VOID) == (cause not in HARMLESS)
    assert (found is Standing.BEFORE) == (cause in HARMLESS and stamped < revoked)
    assert stamp_standing(stamped, Revoked()) is Standing.NOT_COMPARED
