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


def test_what_waits_to_be_kept_provable_survives_the_change_of_queues(empty_database_url, closing):
    """Rows of documents' and copies' own queues become rows of the one, and go back."""
    engine = closing(make_engine(empty_database_url))
    run.upgrade(engine, "0008")
    tables = sa.MetaData()
    tables.reflect(engine)
    kinds = {sa.Integer: 7, sa.BigInteger: 1_800_000_000_000_000, sa.LargeBinary: b"x"}

    def row(name, **values):
        table = tables.tables[name]
        filled = {
            column.name: kinds.get(type(column.type), kinds.get(type(column.type).__base__, "x"))
            for column in table.columns
            if not column.nullable
        }
        return table.insert().values(**filled | values)

    with engine.begin() as connection:
        connection.execute(row("documents", id="doc_1", tenant="cong/live"))
        connection.execute(row("preservation_tasks", document_id="doc_1", kind="raise", fence=3))
        connection.execute(row("certifications", id="cer_1", tenant="sở/live"))
        connection.execute(row("certification_renewals", certification_id="cer_1", until=5))
    run.upgrade(engine)
    with engine.begin() as connection:
        found = connection.execute(sa.text("SELECT * FROM preservation_queue ORDER BY id")).all()
    assert [(r.id, r.owner, r.tenant, r.kind, r.until) for r in found] == [
        ("cer_1", "copy", "sở/live", "renew", 5),
        ("doc_1", "document", "cong/live", "raise", None),
    ]
    assert found[1].fence == 3
    run.downgrade(engine, "0008")
    with engine.begin() as connection:
        (task,) = connection.execute(sa.text("SELECT * FROM preservation_tasks")).all()
        (copy,) = connection.execute(sa.text("SELECT * FROM certification_renewals")).all()
    assert (task.document_id, task.kind, task.fence) == ("doc_1", "raise", 3)
    assert (copy.certification_id, copy.until) == ("cer_1", 5)


def test_an_empty_database_is_refused_with_both_revisions(tmp_path, closing):
    """Starting on another schema says what is there and what is needed."""
    engine = closing(make_engine(f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(run.SchemaOutdated, match="chưa có"):
        run.check(engine)
