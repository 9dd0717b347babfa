"""One history for both engines: up, down, up again, and no drift from the code's tables."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.foundation.engines import make_engine
from gateway.migrations import run


@pytest.fixture
def closing():
    """Keeps engines to dispose of, whatever the test's end."""
    engines = []

    def keep(engine: sa.Engine) -> sa.Engine:
        engines.append(engine)
        return engine

    yield keep
    for engine in engines:
        engine.dispose()


def test_up_down_up_leaves_exactly_the_declared_tables(empty_database_url, closing):
    """What migrations build is what the code declares, on SQLite and PostgreSQL."""
    engine = closing(make_engine(empty_database_url))
    run.upgrade(engine)
    run.downgrade(engine)
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    run.upgrade(engine)
    run.check(engine)
    assert run.drift(engine) == []
    run.upgrade(engine)


def test_an_empty_database_is_refused_with_both_revisions(tmp_path, closing):
    """Starting on another schema says what is there and what is needed."""
    engine = closing(make_engine(f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(run.SchemaOutdated, match="empty"):
        run.check(engine)
