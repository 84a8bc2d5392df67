"""What was measured, in all: kept as data, from which the report and the plot are made."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from .measurement import Measurement


@dataclass(frozen=True)
class Facts:
    """How, when and on what it was measured."""

    date: str
    command: str
    rounds: int
    seconds: float
    connections: int
    machine: dict[str, str]
    versions: dict[str, str]
    postgres_settings: dict[str, str]


@dataclass(frozen=True)
class Size:
    """A data set."""

    tasks: int
    deep_page: int
    """Number of the list's page that counts as deep."""
    loading_seconds: float


SQL_ALONE = "SQL alone"
"""The way of writers that no contender stands between."""


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


@dataclass(frozen=True)
class MemoryResult:
    """An adapter's resident memory over a run at full speed, and for one large answer. All in bytes."""

    contender: str
    requests: int
    at_first: int
    """After the warm-up."""
    half_way: int
    at_last: int
    answer: int
    """Size of the large answer."""
    peak_above: int
    """How far above where it stood the memory rose for it."""

    @property
    def second_half(self) -> float:
        """Growth in the second half of the run, as a share."""
        return self.at_last / self.half_way - 1


@dataclass(frozen=True)
class WorkersResult:
    """Requests a second with one worker process and with two."""

    contender: str
    work: str
    connections: int
    one: float
    two: float
    cpu_two: float
    """Cores that everything but wrk used with two."""


@dataclass(frozen=True)
class WatchingResult:
    """Requests a second of an adapter that is watched in full, and less."""

    contender: str
    work: str
    shipped: float
    without_metrics: float
    without_log: float


@dataclass
class Results:
    """`measurements` are of all rounds; what is written has their medians."""

    facts: Facts
    sizes: list[Size] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    writers: list[WritersResult] = field(default_factory=list)
    memory: list[MemoryResult] = field(default_factory=list)
    workers: list[WorkersResult] = field(default_factory=list)
    watching: list[WatchingResult] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path, machine: Mapping[str, str]) -> "Results | None":
        """What was written before on this machine, if anything was."""
        try:
            kept = json.loads(file.read_text())
            found = cls(
                Facts(**kept["facts"]),
                [Size(**each) for each in kept["sizes"]],
                [Measurement(**each) for each in kept["measurements"]],
                [WritersResult(**each) for each in kept["writers"]],
                [MemoryResult(**each) for each in kept["memory"]],
                [WorkersResult(**each) for each in kept["workers"]],
                [WatchingResult(**each) for each in kept.get("watching", [])],
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # nothing, or of another version
            return None
        return found if found.facts.machine == machine else None

    def write(self, file: Path) -> None:
        keys = dict.fromkeys((each.tasks, each.contender, each.work) for each in self.measurements)
        medians = [asdict(found) for key in keys if (found := self.find(*key))]
        file.write_text(json.dumps(asdict(self) | {"measurements": medians}, indent=2) + "\n")

    @property
    def measured_sizes(self) -> list[int]:
        return [size.tasks for size in self.sizes]

    def find(self, tasks: int, contender: str, work: str) -> Measurement | None:
        """The median of its rounds."""
        found = [each for each in self.measurements if (each.tasks, each.contender, each.work) == (tasks, contender, work)]
        return _median(found) if found else None

    def ratio(self, tasks: int, work: str, contender: str, other: str) -> float | None:
        """How many times the other's throughput a contender has."""
        ours, theirs = self.find(tasks, contender, work), self.find(tasks, other, work)
        return ours.per_second / theirs.per_second if ours and theirs else None


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
        of(each.disturbance for each in measurements),
    )
