"""What was measured, in all: kept as data, from which the report and the plot are made."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from .measurement import Measurement


@dataclass(frozen=True)
class WritersResult:
    """Rows created a second by 8 writers, with the trigger that keeps the total and without."""

    tasks: int
    way: str
    with_count: float
    without_count: float
    lock_waits: int | None = None
    """How often a writer was seen waiting for another, where that was looked for."""
    looks: int | None = None

    @property
    def ratio(self) -> float:
        return self.with_count / self.without_count


@dataclass
class Results:
    """`measurements` are of all rounds; what is written has their medians."""

    date: str
    command: str
    rounds: int
    seconds: float
    connections: int
    machine: dict[str, str]
    versions: dict[str, str]
    postgres_settings: dict[str, str]
    deep_pages: dict[int, int] = field(default_factory=dict)
    """Which page of the list was the deep one, by tasks."""
    loading_seconds: dict[int, float] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    writers: list[WritersResult] = field(default_factory=list)
    memory: list[dict[str, Any]] = field(default_factory=list)
    workers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sizes(self) -> list[int]:
        return sorted({measurement.tasks for measurement in self.measurements})

    def find(self, tasks: int, contender: str, work: str) -> Measurement | None:
        """The median of its rounds."""
        found = [each for each in self.measurements if (each.tasks, each.contender, each.work) == (tasks, contender, work)]
        return _median(found) if found else None

    def ratio(self, tasks: int, work: str, contender: str, other: str) -> float | None:
        """How many times the other's throughput a contender has."""
        ours, theirs = self.find(tasks, contender, work), self.find(tasks, other, work)
        return ours.per_second / theirs.per_second if ours and theirs else None

    def as_json(self) -> str:
        keys = dict.fromkeys((each.tasks, each.contender, each.work) for each in self.measurements)
        medians = [asdict(found) for key in keys if (found := self.find(*key))]
        return json.dumps(asdict(self) | {"measurements": medians}, indent=2, default=str) + "\n"

    def write(self, file: Path) -> None:
        file.write_text(self.as_json())


def _median(measurements: Sequence[Measurement]) -> Measurement:
    first = measurements[0]

    def of(values: Iterable[float]) -> float:
        return round(median(values), 4)

    return Measurement(
        first.tasks,
        first.contender,
        first.work,
        of(each.per_second for each in measurements),
        of(each.p50_ms for each in measurements),
        of(each.p99_ms for each in measurements),
        of(each.bytes_per_answer for each in measurements),
        {part: of(each.cpu_ms[part] for each in measurements) for part in first.cpu_ms},
    )
