"""What the benchmark must show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .results import Results

TIMES = "×"  # noqa: RUF001 (the sign, not the letter)
BY_POSTGREST, BY_POSTGRES = "adapter-postgrest", "adapter-postgres"


@dataclass(frozen=True)
class Target:
    """`worst` gives the least favourable of what was measured, and where; None where nothing was."""

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


def _against(other: str, works: Sequence[str]) -> Callable[[Results, str], Found | None]:
    """The lowest ratio to another contender, over these items of work and all sizes."""

    def worst(results: Results, contender: str) -> Found | None:
        found = [
            Found(ratio, f"{work}, {tasks:,} tasks")
            for tasks in results.measured_sizes
            for work in works
            if (ratio := results.ratio(tasks, work, contender, other)) is not None
        ]
        return min(found, default=None)

    return worst


def _growth(works: Sequence[str]) -> Callable[[Results, str], Found | None]:
    """How much more a request costs with the most tasks than with the fewest."""

    def worst(results: Results, contender: str) -> Found | None:
        if len(results.measured_sizes) < 2:
            return None
        fewest, most = results.measured_sizes[0], results.measured_sizes[-1]
        found = [
            Found(small.per_second / large.per_second, f"{work}, {most:,} tasks against {fewest:,}")
            for work in works
            if (small := results.find(fewest, contender, work)) and (large := results.find(most, contender, work))
        ]
        return max(found, default=None)

    return worst


def _deep_page(results: Results, contender: str) -> Found | None:
    if not results.measured_sizes:
        return None
    most = results.measured_sizes[-1]
    first, deep = results.find(most, contender, "list"), results.find(most, contender, "deep-page")
    if first is None or deep is None:
        return None
    return Found(first.per_second / deep.per_second, f"page {results.sizes[-1].deep_page:,}, {most:,} tasks")


def _writers(results: Results, contender: str) -> Found | None:
    return min((Found(each.ratio, each.way) for each in results.writers), default=None) if contender == BY_POSTGRES else None


TARGETS = (
    Target(
        "single-row reads and writes, against FastAPI + SQLAlchemy",
        True,
        {BY_POSTGREST: 3, BY_POSTGRES: 8},
        _against("sqlalchemy", ("get", "create", "patch")),
    ),
    Target(
        "lists and time ranges, against FastAPI + SQLAlchemy",
        True,
        {BY_POSTGREST: 6, BY_POSTGRES: 10},
        _against("sqlalchemy", ("list", "list-of-user", "time-range-50", "time-range-1000")),
    ),
    Target("get a task, against PostgREST directly", True, {BY_POSTGREST: 0.65, BY_POSTGRES: 2}, _against("postgrest", ("get",))),
    Target(
        "cost of lists, time ranges and statistics at the largest size against the smallest",
        False,
        {BY_POSTGREST: 1.2, BY_POSTGRES: 1.2},
        _growth(("list", "list-of-user", "time-range-50", "time-range-1000", "statistics")),
    ),
    Target("a deep page by keyset against page 1", False, {BY_POSTGREST: 2, BY_POSTGRES: 2}, _deep_page),
    Target("8 concurrent writers with the exact total, against without", True, {BY_POSTGRES: 0.9}, _writers),
)
