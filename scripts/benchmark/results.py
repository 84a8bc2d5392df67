"""Everything that was measured, as data. The report and the plot are made from it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .measurement import Measurement, median_of

TIMES = "×"  # noqa: RUF001 - the sign, not the letter


@dataclass(frozen=True)
class Facts:
    """When, how and on which machine it was measured."""

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
    """The number of the page that counts as deep."""
    loading_seconds: float


Cell = str | float | list[float] | None
Row = list[Cell]
Say = Callable[[str], None]
"""Prints a line."""


@dataclass
class Results:
    """`measurements` are of all rounds; the file keeps their medians. `experiments` has the rows of each, by its name."""

    facts: Facts
    sizes: list[Size] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    experiments: dict[str, list[Row]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path, machine: Mapping[str, str]) -> "Results | None":
        """The results of an earlier run on this machine; None without one."""
        try:
            kept = json.loads(file.read_text())
            found = cls(
                Facts(**kept["facts"]),
                [Size(**each) for each in kept["sizes"]],
                [Measurement(**each) for each in kept["measurements"]],
                dict(kept["experiments"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # none, or of another version
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
        return median_of(found) if found else None

    def ratio(self, tasks: int, work: str, contender: str, other: str) -> float | None:
        """A contender's throughput as a multiple of the other's."""
        ours, theirs = self.find(tasks, contender, work), self.find(tasks, other, work)
        return ours.per_second / theirs.per_second if ours and theirs else None
