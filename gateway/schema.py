"""Every table of the gateway, imported once: migrations and tests compare against this."""

from gateway.certification import store as certification
from gateway.documents import request_store as document_requests
from gateway.documents import store as documents
from gateway.documents.authority import store as document_authorities
from gateway.documents.batches import store as batch_store
from gateway.documents.confirmations import act_store, ticket_store
from gateway.documents.evidence import refusal_store
from gateway.documents.evidence import store as document_evidence
from gateway.documents.revocation import store as document_revocations
from gateway.foundation import access, breaker_exchange, idempotency, places
from gateway.foundation.columns import metadata
from gateway.payments import tables as payments
from gateway.preservation import store as preservation
from gateway.shipments import tables as shipments
from gateway.webhooks import delivery_store as webhook_deliveries
from gateway.webhooks import event_store, outbox
from gateway.webhooks import store as webhook_endpoints

__all__ = [
    "access",
    "act_store",
    "batch_store",
    "breaker_exchange",
    "certification",
    "document_authorities",
    "document_evidence",
    "document_requests",
    "document_revocations",
    "documents",
    "event_store",
    "idempotency",
    "metadata",
    "outbox",
    "payments",
    "places",
    "preservation",
    "refusal_store",
    "shipments",
    "ticket_store",
    "webhook_deliveries",
    "webhook_endpoints",
]
