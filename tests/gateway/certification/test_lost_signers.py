"""A signer process that dies while a number is held: who may repeat, and which number it gets."""

from __future__ import annotations

import dataclasses

import pytest

from signing.contract import Role, SigningUnavailable
from tests.gateway.certification.bureau import CERTIFIER, TENANT
from tests.gateway.certification.test_certification_http import asked_for, open_bureau
from tests.gateway.certification.test_issuing import printed_number
from tests.support.paper import PaperSignatures

__all__ = ["open_bureau"]  # the fixture

PERSON_KEY, SEAL_KEY = "official-rsa", "agency"


class Mortal(PaperSignatures):
    """Its process dies once, over what ``dies_over`` names."""

    dies_over = None
    code = "signer_died"

    def _live(self, what):
        if self.dies_over == what:
            self.dies_over = None
            raise SigningUnavailable(self.code, "Tiến trình ký số dừng đột ngột.", "lost")

    async def attest(self, source, attestation):
        self._live("attest")
        return await super().attest(source, attestation)

    async def after_sign(self, order):
        self._live(order.role)

    async def validate(self, pdf):
        self._live("validate")
        return await super().validate(pdf)


@pytest.fixture
def paper():
    return Mortal()


@pytest.fixture
async def counter(open_bureau, sqlite, paper):
    """A draft at a bureau, and its certifier's ``sign`` by idempotency key."""
    bureau, caller = await open_bureau(sqlite, paper)
    clerk, certifier = await caller(), await caller(official=CERTIFIER)

    async def draft():
        _, drafted, _ = await clerk.post("/v1/certifications", await asked_for(bureau))

        async def sign(key):
            path = f"/v1/certifications/{drafted['id']}/sign"
            status, body, headers = await certifier.post(path, {}, key=key)
            return status, body, headers.get("Idempotent-Replayed")

        return sign

    return bureau, draft


def keep_at_service(bureau, *keys):
    offices = bureau.issuing._offices
    bureau.issuing._offices = dataclasses.replace(offices, at_service=frozenset(keys))


@pytest.mark.parametrize("code", ["signer_died", "signer_timeout"])
@pytest.mark.parametrize(
    ("key", "over"),
    [
        (PERSON_KEY, Role.CERTIFIER),
        (SEAL_KEY, Role.AGENCY),
        (PERSON_KEY, Role.AGENCY),  # the service has signed the page that names the number
        (SEAL_KEY, "validate"),
    ],
)
async def test_what_a_service_may_have_signed_is_repeated_by_a_person_only(
    counter, paper, key, over, code
):
    """One answer a key, nothing sent again; another key gets the same number, without a gap."""
    bureau, draft = counter
    keep_at_service(bureau, key)
    sign = await draft()
    paper.dies_over, paper.code = over, code
    status, first, _ = await sign("once")
    assert (status, first["code"], first["reason"]) == (
        503, "signing_unavailable", "outcome_unknown",
    )  # fmt: skip
    assert first["retryable"] is False
    sent = len(paper.signed)
    assert await sign("once") == (503, first, "true")
    assert (len(paper.signed), await bureau.numbers()) == (sent, [])
    status, issued, _ = await sign("anew")
    assert (status, issued["number"]) == (200, 1)
    assert (await (await draft())("other"))[1]["number"] == 2
    assert await bureau.numbers() == [1, 2]


@pytest.mark.parametrize("over", ["attest", Role.CERTIFIER, Role.AGENCY, "validate"])
async def test_keys_that_are_here_go_on_under_the_same_key(counter, paper, over):
    """Nobody else knows of what was lost: the same request continues, with the same number."""
    bureau, draft = counter
    sign = await draft()
    paper.dies_over = over
    status, lost, _ = await sign("once")
    assert (status, lost["reason"], lost["retryable"]) == (503, "signer_died", True)
    status, issued, replayed = await sign("once")
    assert (status, issued["number"], replayed) == (200, 1, None)
    assert printed_number(await bureau.certifications.content(TENANT, issued["id"])) == 1
    assert await sign("once") == (200, issued, "true")
    assert await bureau.numbers() == [1]


@pytest.mark.parametrize(("key", "over"), [(SEAL_KEY, Role.CERTIFIER), (PERSON_KEY, "attest")])
async def test_before_a_service_was_called_nothing_is_in_doubt(counter, paper, key, over):
    """The page was only being written, or the key that is here was signing."""
    bureau, draft = counter
    keep_at_service(bureau, key)
    sign = await draft()
    paper.dies_over = over
    assert (await sign("once"))[1]["retryable"] is True
    assert (await sign("once"))[1]["number"] == 1
