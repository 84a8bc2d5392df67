"""docs/benchmark.md: the results in tables."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean

from .contenders import OTHER, TITLES
from .experiments import EXPERIMENTS
from .results import TIMES, Facts, Results, Size
from .targets import BY_POSTGRES, BY_POSTGREST, TARGETS
from .work import WORK

_ADAPTERS = (BY_POSTGREST, BY_POSTGRES)


def report(results: Results) -> str:
    parts = [
        "# Benchmark\n",
        _introduction(results),
        *(["![Requests per second of each contender](benchmark.svg)\n"] if results.measurements else []),
        *_targets(results),
        *(part for size in results.sizes for part in _size(results, size)),
        *_growth(results),
        *_experiments(results),
        _method(results.facts),
    ]
    return "\n".join(parts)


def _introduction(results: Results) -> str:
    facts, machine = results.facts, results.facts.machine
    others = [each.disturbance for each in results.measurements]
    quiet = f" Other programs used {mean(others):.2f} cores meanwhile, at most {max(others):.2f}." if others else ""
    return (
        f"Measured on {facts.date} by `{facts.command}` on {machine['CPU']}, {machine['cores']} cores, {machine['memory']}, "
        f"{machine['system']}. Everything, wrk and Postgres included, ran on this machine.{quiet}\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table whose first `words` columns hold words and the others numbers."""
    lines = [head, [*("---" for _ in head[:words]), *("---:" for _ in head[words:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _factor(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}{TIMES}"


def _targets(results: Results) -> list[str]:
    rows = []
    for target in TARGETS:
        for contender in target.goals:
            found = target.worst(results, contender)
            measured = ("", "", "not measured")
            if found:
                measured = (_factor(found.value), found.place, "met" if target.met(contender, found) else "**missed**")
            rows.append([target.title, TITLES[contender], target.goal(contender), *measured])
    note = "The least favourable of several measurements counts.\n"
    return ["## Targets\n", _table(["", "", "target", "measured", "where", ""], rows, words=2), note]


def _size(results: Results, size: Size) -> list[str]:
    names = [name for name in TITLES if any(results.find(size.tasks, name, work) for work in WORK)]
    others = [(ours, other) for ours in _ADAPTERS for other in ("sqlalchemy", "postgrest", ours + OTHER)]
    pairs = [pair for pair in others if set(pair) <= set(names)]
    speed, ratios, latency, cpu = [], [], [], []
    for work in WORK.values():
        found = [results.find(size.tasks, name, work.name) for name in names]
        if any(found):
            speed.append([work.title, *(f"{each.per_second:,.0f}" if each else "" for each in found)])
            ratios.append([work.title, *(_factor(results.ratio(size.tasks, work.name, *pair)) for pair in pairs)])
            latency.append([work.title, *(f"{each.p50_ms:.1f} / {each.p99_ms:.1f}" if each else "" for each in found)])
            cpu.append([work.title, *(_cpu(each.cpu_ms) if each else "" for each in found)])
    titles = [TITLES[name] for name in names]
    against = [f"{TITLES[ours]} ÷ {TITLES[other]}" for ours, other in pairs]
    return [
        f"## {size.tasks:,} tasks\n",
        f"Loaded in {size.loading_seconds:.0f} s. The deep page is page {size.deep_page:,}.\n",
        "Requests per second:\n",
        _table(["", *titles], speed),
        *(["Ratios of these:\n", _table(["", *against], ratios)] if pairs else []),
        "Latency in ms, p50 / p99:\n",
        _table(["", *titles], latency),
        "CPU in ms per request: in all (service + PostgREST + Postgres):\n",
        _table(["", *titles], cpu),
    ]


def _cpu(parts: dict[str, float]) -> str:
    if not parts:
        return ""
    named = " + ".join(f"{parts[part]:.2f}" if part in parts else "0" for part in ("service", "PostgREST", "Postgres"))
    return f"{sum(parts.values()):.2f} ({named})"


def _growth(results: Results) -> list[str]:
    sizes = results.measured_sizes
    if len(sizes) < 2:
        return []
    names = [name for name in TITLES if any(each.contender == name for each in results.measurements)]
    rows = []
    for work in WORK.values():
        pairs = [(results.find(sizes[0], name, work.name), results.find(sizes[-1], name, work.name)) for name in names]
        factors = [small.per_second / large.per_second if small and large else None for small, large in pairs]
        if any(factors):
            rows.append([work.title, *map(_factor, factors)])
    return [
        f"## Cost of a request with {sizes[-1]:,} tasks against {sizes[0]:,}\n",
        "By throughput. The more tasks, the deeper the deep page.\n",
        _table(["", *(TITLES[name] for name in names)], rows),
    ]


def _experiments(results: Results) -> Iterator[str]:
    for name, experiment in EXPERIMENTS.items():
        if rows := results.experiments.get(name):
            yield f"## {experiment.title}\n"
            yield experiment.text.format(cores=results.facts.machine["cores"])
            yield _table(list(experiment.columns), map(experiment.written, rows))


_METHOD = """\
## How it is measured

wrk with one thread and {connections} connections drives each contender for {seconds:g} s after a warm-up. The numbers are medians
of {rounds}. One contender runs at a time, with one process (PostgREST has threads). All use the same database over TCP, through at
most 20 connections, with the indexes of our migrations. The adapter reaches PostgREST over its Unix socket, wrk over TCP.

Before it is measured, each contender has to give the first one's answers: same rows, same values, same totals. Totals are exact
everywhere: `count(*)` in the SQLAlchemy service, `Prefer: count=exact` in PostgREST, the kept count in the adapter. While it is
measured, every answer has to be a success.

uvicorn runs with uvloop and httptools, its access log off. The adapter's own access log is on, as it ships.

Each size has that many tasks, a hundred per user, and one heavy user with 5,000 more, which the time ranges and the weekly
statistics read. The heavy user has a conversation for each of the others. Their order by last message has an index, which
PostgREST's API has no words for. One of them has a tenth as many messages as there are tasks. Rows that a contender creates are
deleted before the next one's turn. Each patch and each bulk update changes its rows: where nothing changes, the SQLAlchemy service
writes nothing.

Postgres: {settings}.

Versions: {versions}.
"""


def _method(facts: Facts) -> str:
    return _METHOD.format(
        connections=facts.connections,
        seconds=facts.seconds,
        rounds="one round" if facts.rounds == 1 else f"{facts.rounds} rounds in which the contenders take turns",
        settings=", ".join(f"{name} = {value}" for name, value in facts.postgres_settings.items()),
        versions=", ".join(f"{name} {number}" for name, number in facts.versions.items()),
    )
