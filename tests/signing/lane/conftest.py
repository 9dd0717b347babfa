"""A key of the development PKI as the lane takes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from signing.clock import SystemClock
from signing.contract import Level
from signing.keys import source_for
from signing.lane import CmsTemplate, LaneAct, LanePart, LaneSigner, ProofData, sign_in_lane
from tests.signing import oracles


@dataclass(frozen=True)
class Lane:
    """Signs with one key, invisibly unless told otherwise."""

    act: LaneAct
    certificate: Any
    root_pem: bytes
    root: bytes

    async def sign(self, pdf, **changes):
        """The whole signed file and the field's name."""
        written, names = await sign_in_lane(pdf, replace(self.act, **changes))
        return pdf + written.appended, names[-1]


@pytest.fixture(scope="session")
def lane(running_pki):
    return make_lane(running_pki, "official-ec")


@pytest.fixture(scope="session")
def rsa_lane(running_pki):
    return make_lane(running_pki, "official-rsa")


def make_lane(running_pki, name):
    pki, config = running_pki.pki, running_pki.signer_config()
    key = asyncio.run(
        source_for(next(k for k in config.keys if k.name == name), SystemClock()).open()
    )
    chain = (key.certificate, pki.issuing.certificate, pki.root.certificate)
    template = CmsTemplate(chain, key.uses_pss)
    signer = LaneSigner(template, key.sign_raw, lambda raw, data: None, key.signature_size)
    act = LaneAct(
        (LanePart("Invisible", None),), Level.B_B, signer, None, ProofData(), datetime.now(UTC)
    )
    return Lane(act, key.certificate, pki.root_pem, config.roots[0])


@pytest.fixture
def everybody_accepts(tmp_path):
    """pdfsig, qpdf and openssl over a signed file; our own validation is asked apart."""

    def check(before, after, field, root_pem):
        old, new = tmp_path / "before.pdf", tmp_path / "after.pdf"
        old.write_bytes(before)
        new.write_bytes(after)
        verdicts, text = oracles.pdfsig_verdicts(new)
        assert (field, "Signature is Valid.") in verdicts
        assert "Total document signed" in text.split(f"Field Name: {field}", 1)[1]
        oracles.need("qpdf")
        complaints = oracles.complaints(old)
        assert oracles.complaints(new) <= complaints
        assert oracles.openssl_accepts_last(after, root_pem, tmp_path)

    return check
