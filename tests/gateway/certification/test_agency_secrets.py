"""A certified copy by two keys that each want something: the certifier's PIN and the agency's.

Against the CSC simulator over HTTP, with the product's own signing service; where nothing is sent
to anybody, on paper.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import pytest

from gateway.certification.orders import IssueOrder
from gateway.certification.rules import Secrets
from gateway.documents.evidence import store as evidence_store
from gateway.foundation.problems import Problem
from signing.clock import SystemClock
from signing.contract import CredentialRefused
from signing.devpki.csc_simulator import OTP, PIN, CscSimulator
from signing.service import SigningService
from tests.gateway.certification.bureau import CERTIFIER, TENANT, Bureau, on_sqlite
from tests.gateway.certification.test_certification_http import asked_for, open_bureau
from tests.support.paper import PaperSignatures

__all__ = ["open_bureau"]  # the fixture

PERSON, SEAL = "official-rsa", "agency"


@pytest.fixture
async def remote(running_pki):
    """The agency's key at a service that wants a PIN."""
    async with CscSimulator(running_pki.pki) as simulator:
        yield simulator


@pytest.fixture
async def serve_keys(running_pki, remote):
    """A signing service whose named keys are at the CSC service."""
    opened = []

    def make(*names, api="v1"):
        config = running_pki.signer_config()
        keys = tuple(
            dataclasses.replace(remote.key_config(key.name, api), image_path=key.image_path)
            if key.name in names
            else key
            for key in config.keys
        )
        service = SigningService(dataclasses.replace(config, keys=keys), SystemClock())
        opened.append(service)
        return service

    yield make
    for service in opened:
        await service.close()


async def refused(awaitable):
    with pytest.raises(Problem) as caught:
        await awaitable
    return caught.value


def order(draft, **given):
    return IssueOrder(TENANT, "test", draft.id, CERTIFIER, Secrets(**given))


def kept_at_service(bureau, *names):
    """As the wiring says of such keys."""
    offices = dataclasses.replace(bureau.issuing._offices, at_service=frozenset(names))
    bureau.issuing._offices = offices


# ------------------------------------------------------------------ over HTTP


@pytest.mark.parametrize("api", ["v1", pytest.param("v2", marks=pytest.mark.long)])
async def test_an_agency_key_that_wants_a_pin_certifies(open_bureau, sqlite, serve_keys, api):
    """Given at the act beside the certifier's; kept nowhere, the answer's replay asks nobody."""
    bureau, caller = await open_bureau(sqlite, serve_keys(SEAL, api=api))
    clerk, certifier = await caller(), await caller(official=CERTIFIER)
    _, drafted, _ = await clerk.post("/v1/certifications", await asked_for(bureau))
    path = f"/v1/certifications/{drafted['id']}/sign"
    status, body, _ = await certifier.post(path, {})
    assert (status, body["code"], body["reason"]) == (422, "credential_refused", "pin_required")
    assert (body["key"], body["detail"]) == (
        "agency",
        "Khóa của cơ quan: Cần nhập mã PIN của khóa ký.",
    )
    status, body, _ = await certifier.post(path, {"agency_pin": "135799"})
    assert (status, body["reason"], body["key"]) == (422, "wrong_pin", "agency")
    status, issued, _ = await certifier.post(path, {"agency_pin": PIN}, key="once")
    assert (status, issued["status"], issued["number"]) == (200, "issued", 1), issued
    status, again, headers = await certifier.post(path, {"agency_pin": "0"}, key="once")
    assert (status, again, headers["Idempotent-Replayed"]) == (200, issued, "true")


@pytest.mark.long
async def test_both_keys_at_the_service_with_codes_of_their_own(
    open_bureau, sqlite, serve_keys, remote
):
    """Two PINs, and a one-time code for each act."""
    bureau, caller = await open_bureau(sqlite, serve_keys(PERSON, SEAL))
    certifier = await caller(official=CERTIFIER)
    draft = await bureau.draft()
    remote.asks_otp = True
    remote._check_secrets = remote.calls.signed.append  # codes differ
    body = {"pin": PIN, "otp": OTP, "agency_pin": PIN, "agency_otp": "975310"}
    status, issued, _ = await certifier.post(f"/v1/certifications/{draft.id}/sign", body)
    assert (status, issued["status"]) == (200, "issued"), issued
    given = [one for one in remote.calls.signed if isinstance(one, dict)]
    assert given == [{"PIN": PIN, "OTP": OTP}, {"PIN": PIN, "OTP": "975310"}]


async def test_what_the_agencys_key_lacks_is_found_before_the_certifier_signs(
    sqlite, clock, tmp_path, serve_keys, remote
):
    """The certifier's confirmation at a service cannot be taken back: it is not used in vain."""
    bureau = Bureau.make(sqlite, clock, tmp_path, serve_keys(PERSON, SEAL))
    kept_at_service(bureau, PERSON, SEAL)
    draft = await bureau.draft()
    problem = await refused(bureau.issuing.sign(order(draft, pin=PIN)))
    assert (problem.extra["reason"], problem.extra["key"]) == ("pin_required", "agency")
    assert (remote.calls.authorize, remote.calls.sign_hash) == (0, 0)
    problem = await refused(bureau.issuing.sign(order(draft, agency_pin=PIN)))
    assert (problem.extra["reason"], problem.extra["key"]) == ("pin_required", "certifier")
    assert await bureau.numbers() == []


async def test_the_secrets_are_kept_nowhere(sqlite, clock, tmp_path, caplog):
    """Neither the database nor a file nor a log line holds one; nor does what is passed about."""
    paper = PaperSignatures(pins={PERSON: "864201", SEAL: "975310"})
    bureau = Bureau.make(sqlite, clock, tmp_path, paper)
    draft = await bureau.draft()
    await refused(bureau.issuing.sign(order(draft, pin="864201", agency_pin="864202")))
    asked = order(draft, pin="864201", otp="864203", agency_pin="975310", agency_otp="864204")
    assert (await bureau.issuing.sign(asked)).status == "issued"
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    kept += (caplog.text + repr(asked) + repr(asked.secrets)).encode()
    for secret in (b"864201", b"864202", b"864203", b"864204", b"975310"):
        assert secret not in kept


# ------------------------------------------------------------------ on paper


@on_sqlite
async def test_each_key_gets_its_own_secrets(bureau, paper):
    """In the order of the two signatures; none of them the other's."""
    seen = []

    async def look(asked):
        seen.append((asked.credential, asked.pin, asked.otp))

    paper.before_sign = look
    asked = order(await bureau.draft(), pin="1", otp="2", agency_pin="3", agency_otp="4")
    await bureau.issuing.sign(asked)
    assert seen == [(PERSON, "1", "2"), (SEAL, "3", "4")]


@on_sqlite
async def test_a_refused_agency_key_is_recorded_as_such(bureau, paper):
    """Whose PIN was wrong stands in the chain, which names no document for it."""
    paper.pins = {SEAL: "975310"}
    draft = await bureau.draft()
    await refused(bureau.issuing.sign(order(draft, agency_pin="1")))
    rows = await bureau.database.read(lambda c: evidence_store.records_after(c, TENANT, 0, 10))
    content = [row.content for row in rows][-1]
    assert '"wrong_pin"' in str(content)
    assert f'"credential":"{SEAL}"' in str(content).replace(" ", "")


TAKES = MappingProxyType({PERSON: frozenset({"pin"}), SEAL: frozenset()})


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({"otp": "1"}, ["/otp"]),
        ({"agency_pin": "1", "agency_otp": "2"}, ["/agency_pin", "/agency_otp"]),
    ],
)
@on_sqlite
async def test_what_a_key_cannot_use_is_refused(bureau, paper, given, pointers):
    """As for a step of a request; the register is not held for it."""
    bureau.issuing._offices = dataclasses.replace(bureau.issuing._offices, takes=TAKES)
    draft = await bureau.draft()
    problem = await refused(bureau.issuing.sign(order(draft, **given)))
    assert [(e.pointer, e.code) for e in problem.errors] == [(p, "not_used") for p in pointers]
    assert paper.signed == []
    assert (await bureau.issuing.sign(order(draft, pin="1"))).number == 1


@on_sqlite
async def test_an_agency_key_that_is_away_costs_no_certifiers_signature(bureau, paper):
    """Only where that signature would be sent to a service; here it costs nothing."""
    asked = []

    async def look(tried):
        asked.append(tried.credential)
        raise CredentialRefused("key_disabled", "Khóa ký đã bị khóa.")

    paper.try_key = look
    draft = await bureau.draft()
    assert (await bureau.issuing.sign(order(draft))).number == 1
    kept_at_service(bureau, PERSON)
    problem = await refused(bureau.issuing.sign(order(await bureau.draft())))
    assert (problem.extra["reason"], problem.extra["key"]) == ("key_disabled", "agency")
    assert asked == [SEAL]
    assert len(paper.signed) == 2
