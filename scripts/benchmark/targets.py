"""The targets of the benchmark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .contenders import TITLES
from .results import TIMES, Results
from .work import WORK
from .writers import SQL_ALONE

BY_POSTGREST, BY_POSTGRES = "adapter-postgrest", "adapter-postgres"
_ADAPTERS = (BY_POSTGREST, BY_POSTGRES)


@dataclass(frozen=True)
class Target:
    """`worst` gives the least favourable measurement; None without one."""

    title: str
    at_least: bool
    goals: Mapping[str, float]
    """By contender."""
    worst: Callable[[Results, str], "Found | None"]

    def met(self, contender: str, found: "Found") -> bool:
        goal = self.goals[contender]
        return found.value >= goal if self.at_least else found.value <= goal

    def goal(self, contender: str) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.goals[contender]:g}{TIMES}"


@dataclass(frozen=True, order=True)
class Found:
    """A measured factor, and where it was measured."""

    value: float
    place: str


def _against(other: str, work: str) -> Callable[[Results, str], Found | None]:
    """The lowest ratio to another contender, over all sizes."""

    def worst(results: Results, contender: str) -> Found | None:
        found = [
            Found(ratio, f"{tasks:,} tasks")
            for tasks in results.measured_sizes
            if (ratio := results.ratio(tasks, work, contender, other)) is not None
        ]
        return min(found, default=None)

    return worst


def _growth(work: str) -> Callable[[Results, str], Found | None]:
    """The cost of a request at the largest size as a multiple of that at the smallest."""

    def worst(results: Results, contender: str) -> Found | None:
        if len(results.measured_sizes) < 2:
            return None
        fewest, most = results.measured_sizes[0], results.measured_sizes[-1]
        small, large = results.find(fewest, contender, work), results.find(most, contender, work)
        if small is None or large is None:
            return None
        return Found(small.per_second / large.per_second, f"{most:,} tasks against {fewest:,}")

    return worst


def _deep_page(results: Results, contender: str) -> Found | None:
    if not results.measured_sizes:
        return None
    most = results.measured_sizes[-1]
    first, deep = results.find(most, contender, "list"), results.find(most, contender, "deep-page")
    if first is None or deep is None:
        return None
    return Found(first.per_second / deep.per_second, f"page {results.sizes[-1].deep_page:,}, {most:,} tasks")


def _writers(way: str) -> Callable[[Results, str], Found | None]:
    """The lowest ratio of the writers through this contender, or by SQL alone."""

    def worst(results: Results, _: str) -> Found | None:
        rows = ((str(label), ratio) for label, _, _, ratio, _ in results.experiments.get("writers", ()))
        found = [
            Found(ratio, label.partition(", ")[2]) for label, ratio in rows if isinstance(ratio, float) and label.startswith(way)
        ]
        return min(found, default=None)

    return worst


def _each_against(other: str, works: Sequence[str], over_postgrest: float, over_postgres: float) -> list[Target]:
    goals = {BY_POSTGREST: over_postgrest, BY_POSTGRES: over_postgres}
    return [Target(f"{WORK[work].title}, against {TITLES[other]}", True, goals, _against(other, work)) for work in works]


TARGETS = (
    *_each_against("sqlalchemy", ("get",), 3, 8),
    *_each_against("sqlalchemy", ("create", "patch"), 3.5, 8),
    *_each_against("sqlalchemy", ("list", "list-of-user", "time-range-1000"), 6, 10),
    *_each_against("sqlalchemy", ("time-range-50",), 4, 8),
    *_each_against("sqlalchemy", ("statistics",), 3, 6),
    *_each_against("sqlalchemy", ("bulk",), 3, 4),
    *_each_against("sqlalchemy", ("structure",), 4, 5),
    *_each_against("postgrest", ("get",), 0.65, 2),
    *_each_against("postgrest", ("list-of-user", "time-range-50", "time-range-1000", "statistics"), 0.9, 1.3),
    *(
        Target(f"{WORK[work].title}: cost at the largest size", False, dict.fromkeys(_ADAPTERS, 1.2), _growth(work))
        for work in ("list", "list-of-user", "time-range-50", "time-range-1000", "statistics")
    ),
    Target("a deep page by keyset against page 1", False, dict.fromkeys(_ADAPTERS, 2), _deep_page),
    Target("8 writers with the exact total, against without", True, {BY_POSTGRES: 0.95}, _writers(TITLES[BY_POSTGRES])),
    Target("8 writers of SQL alone, with the total against without", True, {BY_POSTGRES: 0.9}, _writers(SQL_ALONE)),
)
