"""Column types that mean the same on every engine, and the one list of tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.types import BigInteger, LargeBinary, Text, TypeDecorator

from gateway.foundation.clock import from_micros, to_micros

metadata = sa.MetaData()

Blob = LargeBinary


class Instant(TypeDecorator[datetime]):
    """An aware moment, stored as microseconds since 1970 (sorts the same everywhere)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """To storage."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """From storage."""
        return None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """Plain data as JSON text (never queried inside)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """To storage."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        """From storage."""
        return None if value is None else msgspec.json.decode(value)
