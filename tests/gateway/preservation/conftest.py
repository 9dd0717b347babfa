"""One office that keeps documents and certified copies, on each engine."""

from __future__ import annotations

import pytest

import gateway.schema  # noqa: F401 - every table, for create_all
from tests.gateway.preservation.office import Office


@pytest.fixture
def office(database, clock, tmp_path) -> Office:
    return Office(database, clock, tmp_path)
