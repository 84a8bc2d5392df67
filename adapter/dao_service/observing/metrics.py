"""What Prometheus is told: requests at the door, calls through the gateway.

Counting is on every request's way, so it is a look-up and an addition to a list: Prometheus's own counters, and above all those
that several processes share, were measured to cost the fastest request a tenth of its time. Prometheus's client writes it down.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from dao_service.observing.shared_metrics import Counts, shared_between_workers

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = (*map(str, _SECONDS), "+Inf")
_NUMBERS = len(_BOUNDS) + 1
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"))
_EVERY_SECONDS = 1.0

_REQUESTS, _CALLS = "flux_request_seconds", "flux_gateway_call_seconds"
_TIMES = {
    _REQUESTS: (
        "Requests under /api/v1, by the template of their path: how long they took.",
        ("contract", "method", "route", "status"),
    ),
    _CALLS: (
        "Calls through the gateway, by what came of them: how long they took. Several may have shared a call to the database.",
        ("operation", "outcome"),
    ),
}
_IN_PROGRESS, _CONNECTIONS = "flux_gateway_calls_in_progress", "flux_gateway_connections"
_GAUGES = {
    _IN_PROGRESS: f"Calls through the gateway under way; those above {_CONNECTIONS} wait for one or share it.",
    _CONNECTIONS: "Most connections that may be held for calls.",
}


class Metrics:
    """The metrics of one service. How many requests or calls there were is the count of the histogram of their times."""

    def __init__(self) -> None:
        self._counts: Counts = {name: {} for name in _TIMES}
        self._known_requests: dict[tuple[str, str, str, int], list[float]] = {}
        self._known_calls: dict[tuple[str, str], list[float]] = {}
        self._connections = 0
        self._calls_in_progress: Callable[[], int] = int
        self._shared = shared_between_workers()
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def watch(self, calls_in_progress: Callable[[], int], connections: int) -> None:
        """Say who knows how many calls are under way in this process, and how many connections it may hold."""
        self._calls_in_progress, self._connections = calls_in_progress, connections

    def count_request(self, contract: str, method: str, template: str, status: int, seconds: float) -> None:
        """`template` is the operation's path; a request that found none has neither it nor, maybe, a contract."""
        times = self._known_requests.get((contract, method, template, status))
        if times is None:
            # What callers make up is no label.
            shown = method if template or method in _METHODS else "other"
            times = self._times(_REQUESTS, contract or "none", shown, template or "none", str(status))
            if shown == method:
                self._known_requests[contract, method, template, status] = times
        times[bisect_left(_SECONDS, seconds)] += 1
        times[-1] += seconds

    def count_call(self, operation: str, outcome: str, seconds: float) -> None:
        """`outcome` is "ok", or the word for what the gateway raised."""
        times = self._known_calls.get((operation, outcome))
        if times is None:
            times = self._known_calls[operation, outcome] = self._times(_CALLS, operation, outcome)
        times[bisect_left(_SECONDS, seconds)] += 1
        times[-1] += seconds

    async def share(self) -> None:
        """Let the other workers know, until cancelled, what this one has counted."""
        while self._shared is not None:
            self._shared.write(self._counts, self._gauges())
            await asyncio.sleep(_EVERY_SECONDS)

    def close(self) -> None:
        """Leave what was counted to the other workers."""
        if self._shared is not None:
            self._shared.write(self._counts, self._gauges())

    def text(self) -> bytes:
        """All of it in Prometheus's format; of every worker, where there are several."""
        counts, gauges = self._counts, self._gauges()
        if self._shared is None:
            return _written(counts, gauges) + generate_latest(self._process)
        return _written(*self._shared.add_others(counts, gauges, _NUMBERS))

    def _gauges(self) -> dict[str, float]:
        return {_IN_PROGRESS: self._calls_in_progress(), _CONNECTIONS: self._connections}

    def _times(self, name: str, *labels: str) -> list[float]:
        """How many took as long as each bound, and the sum of all."""
        return self._counts[name].setdefault(labels, [0.0] * _NUMBERS)


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _written(counts: Counts, gauges: dict[str, float]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(_families(counts, gauges)))
    return generate_latest(registry)


def _families(counts: Counts, gauges: dict[str, float]) -> Iterator[Metric]:
    for name, (text, labels) in _TIMES.items():
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for values, times in counts[name].items():
            histogram.add_metric(values, list(zip(_BOUNDS, accumulate(times[:-1]), strict=True)), times[-1])
        yield histogram
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(name, text, gauges[name])
