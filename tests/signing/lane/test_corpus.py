"""The lane over real and broken files: what it takes, everybody accepts; the rest it leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signing.lane import NotForTheLane
from signing.pades.proof import prove
from signing.validation import validate_pdf
from tests.signing.conftest import CORPUS

NOW = datetime.now(UTC)
LEFT = {  # for the ordinary path, which signs or refuses them with a reason
    "pyhanko__malformed-encrypt-dict1.pdf",
    "pyhanko__minimal-pubkey-rc4-envelope.pdf",
    "pyhanko__minimal-rc4.pdf",
    "pyhanko__minimal-startxref-obo6.pdf",
    "qpdf__bad11.pdf",
    "qpdf__bad33.pdf",
    "qpdf__direct-pages.pdf",
    "qpdf__encrypted-positive-P.pdf",
    "qpdf__filter-on-write-out.pdf",
    "qpdf__issue-147.pdf",
    "qpdf__issue-1503.pdf",
    "pyhanko__certified-with-indirect-refs-in-dir.pdf",
}


def files():
    found = [path for name in ("sign", "valid") for path in (CORPUS.parent / name).glob("*.pdf")]
    missing = pytest.param(None, marks=pytest.mark.skip(reason="no corpus"), id="absent")
    return [pytest.param(path, id=path.name) for path in sorted(found)] or [missing]


@pytest.mark.oracle
@pytest.mark.parametrize("path", files())
async def test_what_the_lane_takes_everybody_accepts(lane, everybody_accepts, path):
    """pdfsig, qpdf, openssl, our proof and our validator; earlier signatures stay as they were."""
    before = path.read_bytes()
    try:
        after, field = await lane.sign(before)
    except NotForTheLane:
        assert path.name in LEFT
        return
    assert path.name not in LEFT
    prove(before, after, lane.certificate, 1)
    everybody_accepts(before, after, field, lane.root_pem)
    judged = {s.field_name: s for s in validate_pdf(after, (lane.root,), NOW).signatures}
    assert judged.pop(field).integrity
    earlier = {s.field_name: s for s in validate_pdf(before, (lane.root,), NOW).signatures}
    assert {n: s.integrity for n, s in judged.items()} == {
        n: s.integrity for n, s in earlier.items()
    }
