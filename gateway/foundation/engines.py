"""Engines, set up the way the gateway relies on, and what their errors mean."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_CONTENTION_STATES = {"40001", "40P01", "55P03"}  # serialisation, deadlock, lock not available


def make_engine(url: str, pool_size: int = 8) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql://…``, set up the way we rely on."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, pool_size)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_pre_ping=False,
            connect_args={"connect_timeout": 3, "application_name": "motcua"},
        )
    raise ValueError("database url must be sqlite:///… or postgresql://…")


def _sqlite_engine(url: sa.URL, pool_size: int) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # a connection that was used just now has pages and statements at hand
        connect_args={"check_same_thread": False, "timeout": 30, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "cache_size=-32000",
            "wal_autocheckpoint=4000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = threading.current_thread().name.startswith("db-read")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def is_disconnect(error: DBAPIError) -> bool:
    """Whether the database went away (and may come back)."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    text = str(error.orig).lower()
    return any(
        sign in text
        for sign in (
            "connection refused",
            "connection failed",
            "could not connect",
            "connection timeout",
            "server closed",
            "connection is lost",
            "the connection is closed",
            "terminating connection",
            "shutting down",
            "starting up",
            "connection reset",
            "no such file or directory",
            "database is locked",
        )
    )


def is_contention(error: Any) -> bool:
    """Whether two transactions were in each other's way and one may simply try again."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state in _CONTENTION_STATES
