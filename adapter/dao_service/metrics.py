"""What Prometheus is told: requests at the door, calls through the gateway."""

import asyncio
from collections.abc import Callable, Iterable

from dao_service.shared_metrics import forget_dead_workers, share_between_workers

# Prometheus's client decides while it is imported whether it counts for this process alone.
SHARED = share_between_workers()

from prometheus_client import (  # noqa: E402
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SHARED_EVERY_SECONDS = 1.0
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"))


class Metrics:
    """The metrics of one service.

    They are on every request's way, so there are few of them, and labels are looked up once for each combination that occurs. How
    many requests or calls there were is the count of the histogram of their times.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._requests = self._histogram(
            "flux_request_seconds",
            "Requests under /api/v1, by the template of their path: how long they took.",
            ("contract", "method", "route", "status"),
        )
        self._calls = self._histogram(
            "flux_gateway_call_seconds",
            "Calls to the database, by what came of them: how long they took.",
            ("operation", "outcome"),
        )
        self._in_progress = self._gauge(
            "flux_gateway_calls_in_progress", "Calls to the database under way; those above flux_gateway_connections wait for one."
        )
        self._connections = self._gauge("flux_gateway_connections", "Most connections that may be held for calls.")
        self._known_requests: dict[tuple[str, str, str, int], Histogram] = {}
        self._known_calls: dict[tuple[str, str], Histogram] = {}

    def set_connections(self, connections: int) -> None:
        """Say how many connections this process may hold."""
        self._connections.set(connections)

    async def watch_calls_in_progress(self, number: Callable[[], int]) -> None:
        """Show, until cancelled, how many calls this process has under way."""
        if not SHARED:
            self._in_progress.set_function(number)
            return
        while True:
            self._in_progress.set(number())
            await asyncio.sleep(_SHARED_EVERY_SECONDS)

    def count_request(self, contract: str, method: str, template: str, status: int, seconds: float) -> None:
        """`template` is the operation's path; a request that found none has neither it nor, maybe, a contract."""
        known = self._known_requests.get((contract, method, template, status))
        if known is None:
            # What callers make up is no label.
            shown = method if template or method in _METHODS else "other"
            known = self._requests.labels(contract or "none", shown, template or "none", str(status))
            if shown == method:
                self._known_requests[contract, method, template, status] = known
        known.observe(seconds)

    def count_call(self, operation: str, outcome: str, seconds: float) -> None:
        """`outcome` is "ok", or the word for what the gateway raised."""
        known = self._known_calls.get((operation, outcome))
        if known is None:
            known = self._known_calls[operation, outcome] = self._calls.labels(operation, outcome)
        known.observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus's format; of every worker, where there are several."""
        if not SHARED:
            return generate_latest(self._registry)
        forget_dead_workers()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livesum")

    def _histogram(self, name: str, text: str, labels: Iterable[str]) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=_SECONDS)
