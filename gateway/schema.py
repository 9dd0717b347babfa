"""Every table of the gateway, imported once: migrations and tests compare against this."""

from gateway.foundation import access, idempotency
from gateway.foundation.database import metadata

__all__ = ["access", "idempotency", "metadata"]
