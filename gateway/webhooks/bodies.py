"""What a webhook says: the envelope, thin or full, with the state of the moment of sending.

Owns the shape of the body. The state itself comes from the capabilities: each gives a function
from ids to the API views of its objects, registered under the prefix of those ids. Thin bodies
carry ids, statuses and links only, so that no personal data leaves unless a portal asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from gateway.foundation.clock import iso
from gateway.webhooks.rules import MAX_BODY

Render = Callable[[Connection, Sequence[str]], Mapping[str, Mapping[str, Any]]]
"""API views of objects by id, read on this connection; unknown ids are left out."""

_PATHS: Final = {
    "pay": "payments",
    "doc": "documents",
    "sig": "signature-requests",
    "cer": "certifications",
    "shp": "shipments",
    "whe": "webhook-endpoints",
}
_THIN: Final = ("object", "status", "movement", "money", "papers")


class Bodies:
    """Renders events for sending and for the pull endpoint."""

    def __init__(self, public_url: str, renderers: Mapping[str, Render] | None = None) -> None:
        self._base = public_url.rstrip("/")
        self._renderers = dict(renderers or {})

    def register(self, prefix: str, render: Render) -> None:
        """Name who knows the objects whose ids begin with ``prefix_``."""
        self._renderers[prefix] = render

    def views(
        self, connection: Connection, subjects: Iterable[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The present state of objects, one question a capability."""
        by_prefix: dict[str, list[str]] = {}
        for subject in sorted(set(subjects)):
            by_prefix.setdefault(subject.partition("_")[0], []).append(subject)
        found: dict[str, Mapping[str, Any]] = {}
        for prefix, ids in by_prefix.items():
            if prefix in self._renderers:
                found.update(self._renderers[prefix](connection, ids))
        return found

    def envelope(
        self, event: Row[Any], view: Mapping[str, Any] | None, *, full: bool
    ) -> dict[str, Any]:
        """One event as JSON-able data; ``data`` holds the state, thin or full."""
        state = dict(view) if full and view is not None else self._thin(event.subject, view or {})
        return {
            "id": event.id,
            "type": event.type,
            "timestamp": iso(event.at),
            "reference": event.reference,
            "subject": event.subject,
            "sequence": event.sequence,
            "data": {**(event.data or {}), **state},
        }

    def body(self, event: Row[Any], view: Mapping[str, Any] | None, *, full: bool) -> bytes:
        """The bytes to sign and send; a full body beyond 20 kB is sent thin."""
        body = msgspec.json.encode(self.envelope(event, view, full=full))
        if full and len(body) > MAX_BODY:
            return msgspec.json.encode(self.envelope(event, view, full=False))
        return body

    def _thin(self, subject: str, view: Mapping[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = {"id": subject}
        state |= {name: view[name] for name in _THIN if isinstance(view.get(name), str)}
        path = _PATHS.get(subject.partition("_")[0])
        if path is not None:
            state["links"] = {"self": f"{self._base}/v1/{path}/{subject}"}
        return state
