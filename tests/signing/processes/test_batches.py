"""Batches through a pool of real signers: each document its own answer, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal

import pytest

from signing.contract import Level, Role, SignedPdf, SigningUnavailable, SignOrder
from signing.processes.pool import SignerPool
from tests.signing.validation.signing_kit import make_pdf

DOCUMENTS = [make_pdf(f"Quyet dinh so {number}") for number in range(40)]
KEYS = ("official-ec", "agency")


def sign_all(pool):
    return [
        asyncio.ensure_future(
            pool.sign(SignOrder(pdf, KEYS[number % 2], Role.INVISIBLE, Level.B_B))
        )
        for number, pdf in enumerate(DOCUMENTS)
    ]


def check(pdf, signed):
    """It begins with the document that was asked about and is what the child proved."""
    assert signed.pdf.startswith(pdf)
    assert hashlib.sha256(signed.pdf).hexdigest() == signed.sha256


@pytest.mark.long
async def test_every_document_of_a_batch_gets_its_own_signature(server):
    """Two children, jobs lying ready: nothing is mixed up, and the keys are those asked for."""
    async with SignerPool(server.signer_config(), 2) as pool:
        signed = await asyncio.gather(*sign_all(pool))
        for pdf, made in zip(DOCUMENTS, signed, strict=True):
            check(pdf, made)
        used = [{made.certificate for made in signed[first::2]} for first in (0, 1)]
        assert [len(certificates) for certificates in used] == [1, 1]
        assert used[0] != used[1]


@pytest.mark.long
async def test_a_killed_signer_costs_a_batch_one_document_at_most(server):
    """What lay ready for it is signed by others; every answer is right or says that it is lost."""
    async with SignerPool(server.signer_config(), 2) as pool:
        kills = 0
        jobs = sign_all(pool)
        for job in jobs[:30:10]:
            await asyncio.wait([job])
            os.kill(pool.pids[0], signal.SIGKILL)
            kills += 1
        found = await asyncio.gather(*jobs, return_exceptions=True)
        lost = [one for one in found if isinstance(one, SigningUnavailable)]
        assert {one.code for one in lost} <= {"signer_died"}
        assert len(lost) <= kills
        for pdf, made in zip(DOCUMENTS, found, strict=True):
            if made not in lost:
                assert isinstance(made, SignedPdf)
                check(pdf, made)
