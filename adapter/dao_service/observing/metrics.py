"""Metrics for Prometheus: requests, callers' calls through the gateway, and calls to the database.

Every request is counted, so counting is a look-up and an addition to a list: Prometheus's own counters, above all those that
several processes share, cost the fastest request a tenth of its time. Prometheus's client only writes the text.

Several workers count together if `FLUX_METRICS_FOLDER` names a folder, which `python -m dao_service` makes. Each writes a file
there every second. A scrape adds up the counts of all files, and the gauges of those that are still being written.
"""

import asyncio
import contextlib
import json
import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Literal
from uuid import uuid4

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER = "FLUX_METRICS_FOLDER"
"""The environment variable with the path of the folder in which workers count together."""

Calls = Literal["gateway", "database"]
"""Callers' calls through the gateway, or the database's, which several of them may share."""
_Times = list[float]
"""How many took at most as long as each of the bounds but no less than the one before, and the sum of all."""
_Counts = dict[str, dict[tuple[str, ...], _Times]]
"""By name and labels. Of the dropped lines, there is one number."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = (*map(str, _SECONDS), "+Inf")
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"))
_EVERY_SECONDS = 1.0
_GONE_AFTER_SECONDS = 5.0
_HISTOGRAMS = {
    "flux_request_seconds": ("Requests: how long they took.", ("contract", "method", "route", "status")),
    "flux_gateway_call_seconds": ("Calls of requests through the gateway: how long they took.", ("operation", "outcome")),
    "flux_database_call_seconds": (
        "Calls to the database: how long they took. Several calls through the gateway may share one.",
        ("operation", "outcome"),
    ),
}
_DROPPED_LINES = "flux_log_lines_dropped"
_READS = "flux_reads"
_GAUGES = {
    "flux_gateway_calls_in_progress": "Calls of requests through the gateway that are under way.",
    "flux_database_calls_in_progress": "Calls to the database that are under way or wait for a connection.",
    "flux_gateway_connections": "Most connections to the database that may be held.",
}
_BACKLOG = {
    "flux_dispatches_open": "Deliveries of notifications that are open.",
    "flux_dispatches_oldest_due_seconds": "How long the oldest delivery that is due has waited; 0 if none is due.",
}
"""Of the database, not of a worker."""


class Metrics:
    """The metrics of one process. How many requests or calls there were is the count of the histogram of their times."""

    def __init__(self) -> None:
        self.connections = 0
        """Most connections that the process may hold."""
        self.in_progress: dict[Calls, int] = {"gateway": 0, "database": 0}
        self._counts: _Counts = {name: {} for name in _HISTOGRAMS}
        self._counts[_DROPPED_LINES] = {(): [0.0]}
        self._counts[_READS] = {("standby",): [0.0], ("primary",): [0.0]}
        self._known_requests: dict[tuple[str, str, str, int], _Times] = {}
        self._known_calls: dict[tuple[Calls, str, str], _Times] = {}
        folder = os.environ.get(FOLDER)
        self._file = Path(folder) / f"{uuid4().hex}.json" if folder else None
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def count_request(self, contract: str, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the path's template; a request to an unknown path has none, and one outside `/api/v1` has no contract."""
        times = self._known_requests.get((contract, method, route, status))
        if times is None:
            # Callers can't create labels: an unknown path has no route, an unknown method is "other".
            shown = method if route or method in _METHODS else "other"
            times = self._times("flux_request_seconds", contract or "none", shown, route or "none", str(status))
            if shown == method:
                self._known_requests[contract, method, route, status] = times
        times[bisect_left(_SECONDS, seconds)] += 1
        times[-1] += seconds

    def count_call(self, calls: Calls, operation: str, outcome: str, seconds: float) -> None:
        """`outcome` is "ok", or the word for what the gateway raised."""
        times = self._known_calls.get((calls, operation, outcome))
        if times is None:
            times = self._times(f"flux_{calls}_call_seconds", operation, outcome)
            self._known_calls[calls, operation, outcome] = times
        times[bisect_left(_SECONDS, seconds)] += 1
        times[-1] += seconds

    def count_read(self, place: str) -> None:
        """Count a read by where it went, if there are standbys: "standby" or "primary"."""
        self._counts[_READS][place,][0] += 1

    def count_dropped_lines(self, lines: int) -> None:
        """Count lines of the log that could not be written."""
        self._counts[_DROPPED_LINES][()][0] += lines

    async def share(self) -> None:
        """Let the other workers know, until cancelled, what this one has counted."""
        while self._file is not None:
            self._write(self._gauges())
            await asyncio.sleep(_EVERY_SECONDS)

    def close(self) -> None:
        """Leave the counts to the other workers. The gauges end with the process."""
        self._write({})

    def text(self, backlog: tuple[float, float] | None = None) -> bytes:
        """All of it in Prometheus's format; of every worker, if there are several.

        `backlog`: open deliveries, and seconds that the oldest due one has waited.
        """
        counts, gauges = self._counts, self._gauges()
        if self._file is not None:
            counts, gauges = _with_others(self._file, counts, gauges)
        shown = dict(zip(_BACKLOG, backlog, strict=True)) if backlog else {}
        text = _text(counts, gauges | shown)
        return text if self._file is not None else text + generate_latest(self._process)

    def _gauges(self) -> dict[str, float]:
        return {
            "flux_gateway_calls_in_progress": self.in_progress["gateway"],
            "flux_database_calls_in_progress": self.in_progress["database"],
            "flux_gateway_connections": self.connections,
        }

    def _times(self, name: str, *labels: str) -> _Times:
        return self._counts[name].setdefault(labels, [0.0] * (len(_BOUNDS) + 1))

    def _write(self, gauges: dict[str, float]) -> None:
        if self._file is None:
            return
        listed = {name: list(each.items()) for name, each in self._counts.items()}
        half = self._file.with_suffix(".half")
        with contextlib.suppress(OSError):  # a full disk is no reason to stop
            half.write_text(json.dumps({"counts": listed, "gauges": gauges}))
            half.replace(self._file)


def _with_others(own: Path, counts: _Counts, gauges: dict[str, float]) -> tuple[_Counts, dict[str, float]]:
    total = {name: {labels: list(times) for labels, times in each.items()} for name, each in counts.items()}
    shown = dict(gauges)
    for file in own.parent.glob("*.json"):
        if file == own:
            continue
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # of another version, or unreadable
            other = json.loads(file.read_text())
            for name, each in other["counts"].items():
                for labels, times in each:
                    sums = total[name].setdefault(tuple(labels), [0.0] * len(times))
                    sums[:] = map(sum, zip(sums, times, strict=True))
            if time.time() - file.stat().st_mtime < _GONE_AFTER_SECONDS:
                shown = {name: value + other["gauges"].get(name, 0) for name, value in shown.items()}
    return total, shown


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _text(counts: _Counts, gauges: dict[str, float]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(_families(counts, gauges)))
    return generate_latest(registry)


def _families(counts: _Counts, gauges: dict[str, float]) -> Iterator[Metric]:
    for name, (text, labels) in _HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for values, times in counts[name].items():
            histogram.add_metric(values, list(zip(_BOUNDS, accumulate(times[:-1]), strict=True)), times[-1])
        yield histogram
    ((dropped,),) = counts[_DROPPED_LINES].values()
    yield CounterMetricFamily(_DROPPED_LINES, "Lines of the log that could not be written.", dropped)
    reads = CounterMetricFamily(_READS, "Reads, if standbys are set, by where they went.", labels=("place",))
    for values, (number,) in counts[_READS].items():
        reads.add_metric(values, number)
    yield reads
    for name, text in (_GAUGES | _BACKLOG).items():
        if name in gauges:
            yield GaugeMetricFamily(name, text, gauges[name])
