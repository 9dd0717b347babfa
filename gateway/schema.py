"""Every table of the gateway, imported once: migrations and tests compare against this."""

from gateway.documents import request_store as document_requests
from gateway.documents import store as documents
from gateway.foundation import access, idempotency
from gateway.foundation.database import metadata

__all__ = ["access", "document_requests", "documents", "idempotency", "metadata"]
