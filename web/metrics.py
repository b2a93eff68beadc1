"""Counters of one server, in the format of Prometheus. No label holds anything that an asker wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STATEMENTS = (0, 1, 2, 3, 5, 8, 13, 21)


class Metrics:
    """One registry per application, so that several can live in a process (tests do)."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "quanxi_operations",
            "Root fields asked, by field and how the operation ended: ok, partial, error.",
            ("root", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "quanxi_operation_seconds",
            "Time of an operation, by root field; `several` when it has more than one.",
            ("root",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.statements = Histogram(
            "quanxi_operation_statements",
            "Statements that an operation sent to Neo4j, by root field.",
            ("root",),
            buckets=_STATEMENTS,
            registry=self.registry,
        )
        self.errors = Counter(
            "quanxi_errors", "Errors told, by code (see docs/errors.md).", ("code",), registry=self.registry
        )
        self.neo4j_errors = Counter(
            "quanxi_neo4j_errors",
            "Operations and probes that Neo4j did not answer, by code.",
            ("code",),
            registry=self.registry,
        )
        self.running = Gauge("quanxi_operations_running", "Operations in progress.", registry=self.registry)
        self.parsed = Counter(
            "quanxi_query_texts",
            "Query texts found parsed and validated (hit) or not (miss).",
            ("found",),
            registry=self.registry,
        )
        self.ready = Gauge("quanxi_ready", "1 when the server is ready to be asked.", registry=self.registry)

        self.pushes = Counter(
            "quanxi_pushes", "Pushes, by feed and HTTP status.", ("feed", "status"), registry=self.registry
        )
        self.push_rows = Counter(
            "quanxi_push_rows", "Rows acknowledged, by feed.", ("feed",), registry=self.registry
        )
        self.push_seconds = Histogram(
            "quanxi_push_seconds", "Time to answer a push.", buckets=_SECONDS, registry=self.registry
        )
        self.waiting_rows = Gauge(
            "quanxi_waiting_rows", "Rows received that are not in the graph yet.", registry=self.registry
        )
        self.lag = Gauge(
            "quanxi_lag_seconds", "Seconds that the oldest of them has waited.", registry=self.registry
        )
        self.applier = Gauge(
            "quanxi_applier_running", "1 while this server's applier runs.", registry=self.registry
        )

        self.subscriptions = Gauge(
            "quanxi_subscriptions", "Subscriptions that are being answered.", registry=self.registry
        )
        self.events = Counter(
            "quanxi_events", "Events sent to subscribers, and answers over sockets.", registry=self.registry
        )

        self.webhooks = Counter(
            "quanxi_webhook_requests",
            "Requests to webhooks: taken, refused.",
            ("outcome",),
            registry=self.registry,
        )

    @contextmanager
    def subscribed(self) -> Iterator[None]:
        """Count a subscription as long as it lasts."""
        self.subscriptions.inc()
        try:
            yield
        finally:
            self.subscriptions.dec()

    def push(self, feed: str, status: int, rows: int, seconds: float) -> None:
        """Count one push. `feed` is a name of the catalogue, or `none`."""
        self.pushes.labels(feed, str(status)).inc()
        self.push_seconds.observe(seconds)
        if status == 202:
            self.push_rows.labels(feed).inc(rows)

    def operation(
        self, roots: tuple[str, ...], codes: tuple[str, ...], *, data: bool, seconds: float, statements: int
    ) -> None:
        """Count one operation that has ended."""
        status = "ok" if not codes else "partial" if data else "error"
        for root in roots or ("none",):
            self.requests.labels(root, status).inc()
        label = roots[0] if len(roots) == 1 else "several" if roots else "none"
        self.seconds.labels(label).observe(seconds)
        self.statements.labels(label).observe(statements)
        for code in codes:
            self.errors.labels(code).inc()
            if code in ("GRAPH_UNAVAILABLE", "TIMEOUT"):
                self.neo4j_errors.labels(code).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
