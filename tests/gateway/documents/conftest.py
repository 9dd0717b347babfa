"""A desk with paper signatures on each engine, and the real signing service where it matters."""

from __future__ import annotations

import pytest

import gateway.schema  # noqa: F401 - every table, for create_all
from tests.gateway.documents.desk import Desk
from tests.support.devpki import real_signatures, running_pki  # noqa: F401 - fixtures
from tests.support.paper import PaperSignatures


@pytest.fixture
def paper() -> PaperSignatures:
    return PaperSignatures(pins={"official-rsa": "246810"})


@pytest.fixture
def desk(database, clock, tmp_path, paper) -> Desk:
    return Desk.make(database, clock, tmp_path, paper)
