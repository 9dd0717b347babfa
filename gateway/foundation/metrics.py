"""Numbers for Prometheus; one registry a process, so tests do not share state."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Every metric of the gateway, named once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "motcua_http_requests_total", "Answers sent", ["route", "method", "status"], registry=r
        )
        self.latency = Histogram(
            "motcua_http_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=r
        )
        self.outbound = Counter(
            "motcua_outbound_total", "Calls to others", ["host", "outcome"], registry=r
        )
        self.callbacks = Counter(
            "motcua_callbacks_total", "Provider callbacks", ["account", "receipt"], registry=r
        )
        self.alerts = Counter(
            "motcua_alerts_total", "Things a person should look at", ["kind"], registry=r
        )
        self.deliveries = Counter(
            "motcua_webhook_deliveries_total", "Webhook attempts", ["outcome"], registry=r
        )
        self.signatures = Counter(
            "motcua_signatures_total", "Signatures made", ["level", "outcome"], registry=r
        )
        self.extensions = Counter(
            "motcua_extensions_total",
            "Levels raised, stamps renewed",
            ["kind", "outcome"],
            registry=r,
        )
        self.timestamps = Histogram(
            "motcua_timestamp_seconds",
            "Askings of time-stamping authorities",
            ["authority", "outcome"],
            buckets=(*_SECONDS, 60, 120, 180),
            registry=r,
        )
        self.backlog = Gauge(
            "motcua_backlog", "Work waiting in the database", ["queue"], registry=r
        )

        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; its series are looked up once."""
        key = (route, method, status)
        series = self._answered.get(key)
        if series is None:
            count = self.requests.labels(route, method, str(status))
            series = self._answered[key] = (count, self.latency.labels(route))
        series[0].inc()
        series[1].observe(seconds)

    def page(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)
