"""A bureau with paper signatures on each engine, and the real signing service where it matters."""

from __future__ import annotations

import pytest

import gateway.schema  # noqa: F401 - every table, for create_all
from tests.gateway.certification.bureau import Bureau
from tests.support.devpki import real_signatures, running_pki  # noqa: F401 - fixtures
from tests.support.paper import PaperSignatures


@pytest.fixture
def paper() -> PaperSignatures:
    return PaperSignatures()


@pytest.fixture
def bureau(database, clock, tmp_path, paper) -> Bureau:
    return Bureau.make(database, clock, tmp_path, paper)
