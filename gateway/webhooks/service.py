"""What a portal can do with its endpoints: register, change, rotate, test, disable, enable.

Owns the use cases; each method that takes a ``Connection`` is one unit of work. Leaves decisions
to ``rules``, SQL to the stores, the log and sending again to ``history``. Every question is asked
for one tenant, and another tenant's id is not found.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from gateway.foundation.addresses import AddressBlocked, AddressGuard, Resolve, resolve_host
from gateway.foundation.clock import Clock, iso
from gateway.foundation.ids import new_id
from gateway.foundation.problems import FieldError, Problem, not_found
from gateway.webhooks import recovery_store, rules, store, views
from gateway.webhooks.acknowledge import disable
from gateway.webhooks.keyring import KeyRing
from gateway.webhooks.outbox import NewEvent, emit
from gateway.webhooks.rules import DeliveryState, DisabledReason
from gateway.webhooks.signature import PublicKey


class Endpoints:
    """The endpoints of all tenants."""

    def __init__(
        self,
        clock: Clock,
        *,
        keys: KeyRing,
        guard: AddressGuard,
        resolve: Resolve = resolve_host,
    ) -> None:
        self.clock = clock
        self.keys = keys
        self._guard = guard
        self._resolve = resolve

    # -------------------------------------------------------------- endpoints

    async def check_target(self, url: str, *, test_mode: bool) -> list[FieldError]:
        """What is wrong with an endpoint's URL: its form, then where it leads."""
        try:
            target = rules.read_target(url, test_mode=test_mode)
        except rules.TargetRefused as error:
            return [FieldError("/url", error.code, _TARGET_VI[error.code])]
        try:
            await self._guard.check_host(target.host, target.port, self._resolve)
        except AddressBlocked as error:
            sentence = f"Địa chỉ {error.address} không được phép ({error.why})."
            return [FieldError("/url", "address_not_allowed", sentence)]
        return []

    def create(
        self, connection: Connection, tenant: str, values: Mapping[str, Any]
    ) -> views.EndpointWithSecret:
        """Register an endpoint whose URL was checked; its secret is shown this once."""
        if store.count_endpoints(connection, tenant) >= rules.MAX_ENDPOINTS:
            raise Problem(
                "conflict",
                f"Tối đa {rules.MAX_ENDPOINTS} điểm nhận cho mỗi hệ thống.",
                f"At most {rules.MAX_ENDPOINTS} endpoints.",
            )
        endpoint_id = new_id("whe", self.clock)
        row = {
            **values,
            "id": endpoint_id,
            "tenant": tenant,
            "status": store.ENABLED,
            "sequence": 0,
            "created_at": self.clock.now(),
        }
        store.insert_endpoint(connection, row)
        return self._show_secret(connection, tenant, endpoint_id, None)

    def endpoint(self, connection: Connection, tenant: str, endpoint_id: str) -> views.EndpointView:
        """One endpoint."""
        row = find_endpoint(connection, tenant, endpoint_id)
        secrets = store.active_secrets(connection, [row.id], self.clock.now())
        return views.view_endpoint(row, secrets.get(row.id, ()))

    def endpoints(
        self, connection: Connection, tenant: str, *, limit: int, after: str | None
    ) -> views.EndpointList:
        """A tenant's endpoints, newest first."""
        rows = store.list_endpoints(connection, tenant, limit=limit + 1, after=after)
        shown = rows[:limit]
        secrets = store.active_secrets(connection, [r.id for r in shown], self.clock.now())
        data = [views.view_endpoint(row, secrets.get(row.id, ())) for row in shown]
        more = len(rows) > limit
        return views.EndpointList(data, more, data[-1].id if more else None)

    def update(
        self, connection: Connection, tenant: str, endpoint_id: str, changes: Mapping[str, Any]
    ) -> views.EndpointView:
        """Change an endpoint; a new URL was checked before."""
        find_endpoint(connection, tenant, endpoint_id, lock=True)
        if changes:
            store.update_endpoint(connection, endpoint_id, **changes)
        return self.endpoint(connection, tenant, endpoint_id)

    def delete(self, connection: Connection, tenant: str, endpoint_id: str) -> None:
        """Forget an endpoint: its secrets go, what was waiting is given up."""
        find_endpoint(connection, tenant, endpoint_id, lock=True)
        now = self.clock.now()
        store.update_endpoint(connection, endpoint_id, deleted_at=now)
        store.delete_secrets(connection, endpoint_id)
        recovery_store.give_up_all(connection, endpoint_id, now)

    def rotate(
        self, connection: Connection, tenant: str, endpoint_id: str
    ) -> views.EndpointWithSecret:
        """A new secret; the old ones sign beside it for another 24 hours."""
        row = find_endpoint(connection, tenant, endpoint_id, lock=True)
        now = self.clock.now()
        active = store.active_secrets(connection, [row.id], now).get(row.id, ())
        if len(active) >= rules.MAX_SECRETS:
            raise Problem(
                "conflict",
                "Đang có nhiều khóa cùng hiệu lực; hãy đợi khóa cũ hết hạn.",
                "Several secrets are in force; wait until the old ones have expired.",
            )
        end = now + rules.ROTATION_OVERLAP
        store.expire_secrets(connection, row.id, end)
        return self._show_secret(connection, tenant, row.id, end)

    def enable(self, connection: Connection, tenant: str, endpoint_id: str) -> views.EndpointView:
        """Take up deliveries again, those held first of all."""
        row = find_endpoint(connection, tenant, endpoint_id, lock=True)
        if row.status != store.ENABLED:
            store.update_endpoint(
                connection,
                row.id,
                status=store.ENABLED,
                disabled_reason=None,
                failing_since=None,
                throttled_until=None,
            )
            held = [DeliveryState.HELD]
            recovery_store.revive(connection, row.id, self.clock.now(), states=held)
        return self.endpoint(connection, tenant, endpoint_id)

    def disable(self, connection: Connection, tenant: str, endpoint_id: str) -> views.EndpointView:
        """Hold all deliveries until it is enabled."""
        row = find_endpoint(connection, tenant, endpoint_id, lock=True)
        disable(connection, row, DisabledReason.MANUAL, self.clock)
        return self.endpoint(connection, tenant, endpoint_id)

    def test(self, connection: Connection, tenant: str, endpoint_id: str) -> str:
        """Log an event that goes to this endpoint alone; returns its id."""
        row = find_enabled(connection, tenant, endpoint_id)
        event = NewEvent(
            id=new_id("evt", self.clock),
            tenant=tenant,
            type=rules.TEST_EVENT,
            subject=row.id,
            sequence=store.next_sequence(connection, row.id),
            reference="",
            at=self.clock.now(),
        )
        emit(connection, [event])
        return event.id

    # -------------------------------------------------------------- keys

    def published_keys(self, connection: Connection) -> views.PublishedKeys:
        """Every public key in force, for receivers that check ``v1a``."""
        rows = store.published_keys(connection, self.clock.now())
        return views.PublishedKeys([_publish(row) for row in rows])

    # -------------------------------------------------------------- parts

    def _show_secret(
        self, connection: Connection, tenant: str, endpoint_id: str, end: datetime | None
    ) -> views.EndpointWithSecret:
        made = self.keys.make(tenant, endpoint_id)
        store.insert_secret(connection, made.row)
        row = find_endpoint(connection, tenant, endpoint_id)
        secrets = store.active_secrets(connection, [endpoint_id], self.clock.now())
        return views.EndpointWithSecret(
            **views.endpoint_fields(row, secrets[endpoint_id]),
            secret=made.shown,
            previous_secrets_expire_at=views.moment(end),
        )


def find_endpoint(
    connection: Connection, tenant: str, endpoint_id: str, *, lock: bool = False
) -> Row[Any]:
    """A tenant's endpoint.

    Raises:
        Problem: ``not_found``.
    """
    row = store.find_endpoint(connection, tenant, endpoint_id, lock=lock)
    if row is None:
        raise not_found("điểm nhận này")
    return row


def find_enabled(connection: Connection, tenant: str, endpoint_id: str) -> Row[Any]:
    """A tenant's endpoint, locked, that takes deliveries now.

    Raises:
        Problem: ``not_found``, ``conflict``.
    """
    row = find_endpoint(connection, tenant, endpoint_id, lock=True)
    if row.status != store.ENABLED:
        raise Problem(
            "conflict", "Điểm nhận đang tắt; hãy bật lại trước.", "The endpoint is disabled."
        )
    return row


def _publish(row: Row[Any, Any, Any]) -> views.PublishedKey:
    key = PublicKey.parse(row.public_key)
    return views.PublishedKey(
        kty="OKP",
        crv="Ed25519",
        alg="EdDSA",
        use="sig",
        kid=key.key_id,
        x=base64.urlsafe_b64encode(key.raw).rstrip(b"=").decode(),
        public_key=row.public_key,
        endpoint=row.endpoint_id,
        expires_at=None if row.expires_at is None else iso(row.expires_at),
    )


_TARGET_VI = {
    "url_invalid": "Không phải địa chỉ http(s) hợp lệ.",
    "https_required": "Chế độ chính thức cần địa chỉ https.",
    "port_not_allowed": "Cổng mạng này không được phép.",
}
