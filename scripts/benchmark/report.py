"""The results in words and tables: docs/benchmark.md."""

from collections.abc import Iterable, Sequence
from statistics import mean

from .contenders import TITLES
from .results import Results, Size
from .targets import BY_POSTGRES, BY_POSTGREST, TARGETS, TIMES
from .work import WORK

_ADAPTERS = (BY_POSTGREST, BY_POSTGRES)


def report(results: Results) -> str:
    parts = [
        "# Benchmark\n",
        _introduction(results),
        *(["![Requests a second of each contender](benchmark.svg)\n"] if results.measurements else []),
        *_targets(results),
        *(part for size in results.sizes for part in _size(results, size)),
        *_growth(results),
        *_writers(results),
        *_workers(results),
        *_memory(results),
        *_watching(results),
        *_method(results),
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
    """A table whose first columns hold words, and the others numbers."""
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
    note = "Of several measurements the least favourable one counts.\n"
    return ["## Targets\n", _table(["", "", "target", "measured", "where", ""], rows, words=2), note]


def _size(results: Results, size: Size) -> list[str]:
    names = [name for name in TITLES if any(results.find(size.tasks, name, work) for work in WORK)]
    pairs = [(ours, other) for ours in _ADAPTERS for other in ("sqlalchemy", "postgrest") if {ours, other} <= set(names)]
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
        "Requests a second:\n",
        _table(["", *titles], speed),
        *(["Ratios of these:\n", _table(["", *against], ratios)] if pairs else []),
        "Latency in ms, p50 / p99:\n",
        _table(["", *titles], latency),
        "CPU in ms a request, in all and of that in the service + PostgREST + Postgres:\n",
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
    rows = []
    for work in WORK.values():
        pairs = [(results.find(sizes[0], name, work.name), results.find(sizes[-1], name, work.name)) for name in TITLES]
        factors = [small.per_second / large.per_second if small and large else None for small, large in pairs]
        if any(factors):
            rows.append([work.title, *map(_factor, factors)])
    return [
        f"## Cost of a request with {sizes[-1]:,} tasks against {sizes[0]:,}\n",
        "By throughput. The deep page is deeper with more tasks.\n",
        _table(["", *TITLES.values()], rows),
    ]


def _writers(results: Results) -> list[str]:
    if not results.writers:
        return []
    rows = []
    for each in results.writers:
        waits = "" if each.looks is None else f"{each.lock_waits} in {each.looks:,} looks"
        speeds = f"{each.with_count:,.0f}", f"{each.without_count:,.0f}"
        rows.append([f"{each.way}, {each.tasks:,} tasks", *speeds, _factor(each.ratio), waits])
    return [
        "## Writers and the exact total\n",
        "Eight writers create tasks at once, with the trigger that keeps the total and with it disabled; rows a second.\n",
        _table(["", "with", "without", "ratio", "writers seen waiting for a lock"], rows),
    ]


def _workers(results: Results) -> list[str]:
    if not results.workers:
        return []
    rows = [
        [
            f"{TITLES[each.contender]}: {WORK[each.work].title}",
            f"{each.one:,.0f}",
            f"{each.two:,.0f}",
            _factor(each.two / each.one),
            f"{each.cpu_two:.2f}",
        ]
        for each in results.workers
    ]
    cores = results.facts.machine["cores"]
    shared = (
        f"Requests a second at {results.workers[0].connections} connections on {cores} cores, which the workers share with "
        "PostgREST, Postgres and wrk. The last column is how many cores all but wrk used with two workers. Where that is close to "
        "all there are, they are the limit, and Postgres has most of them. Where it is not, each process has fewer requests to "
        "share a call among, so that a request costs more: more workers are for more cores.\n"
    )
    return [
        "## One worker process and two\n",
        shared,
        _table(["", "one", "two", "ratio", "cores used"], rows),
    ]


def _memory(results: Results) -> list[str]:
    if not results.memory:
        return []
    rows = [
        [
            TITLES[each.contender],
            f"{each.requests:,}",
            *(f"{held / 1e6:.1f}" for held in (each.at_first, each.half_way, each.at_last)),
            f"{each.second_half:+.1%}",
            f"{each.answer / 1e6:.1f}",
            f"{each.peak_above / 1e6:.1f} ({_factor(each.peak_above / each.answer)})",
        ]
        for each in results.memory
    ]
    head = ["", "requests", "at first", "half-way", "at last", "second half", "an answer of", "takes at most"]
    return [
        "## Memory\n",
        "Resident memory of the adapter over an agent's day at full speed, and how far it rises for one large time range; in MB.\n",
        _table(head, rows),
    ]


def _watching(results: Results) -> list[str]:
    if not results.watching:
        return []
    rows = [
        [
            f"{TITLES[each.contender]}: {WORK[each.work].title}",
            *(f"{speed:,.0f}" for speed in (each.shipped, each.without_metrics, each.without_log)),
            *(f"{1 - each.shipped / without:.1%}" for without in (each.without_metrics, each.without_log)),
        ]
        for each in results.watching
    ]
    return [
        "## What it costs to be watched\n",
        "Requests a second as it ships, without its metrics, and without its log line a request. Traces are off.\n",
        _table(["", "as it ships", "without metrics", "without log lines", "metrics cost", "log lines cost"], rows),
    ]


def _method(results: Results) -> list[str]:
    facts = results.facts
    settings = ", ".join(f"{name} = {value}" for name, value in facts.postgres_settings.items())
    versions = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    rounds = "one round" if facts.rounds == 1 else f"{facts.rounds} rounds in which the contenders take turns"
    driven = (
        f"wrk with one thread and {facts.connections} connections drives each contender for {facts.seconds:g} s after a warm-up; "
        f"the numbers are medians of {rounds}. One contender runs at a time, with one process (PostgREST has threads). All of them "
        "use the same database over TCP, through a pool of at most 20 connections, with the indexes of our migrations. The adapter "
        "reaches PostgREST over its Unix socket; wrk reaches it directly over TCP."
    )
    compared = (
        "Before it is measured, each contender's answers are compared with the first one's: same rows, same values, same totals. "
        "Totals are exact everywhere: `count(*)` in the SQLAlchemy service, `Prefer: count=exact` in PostgREST, the kept count in "
        "the adapter. While it is measured, every answer has to be a success."
    )
    logs = "uvicorn runs with uvloop and httptools, its access log off. The adapter's own access log is on, as it ships."
    data = (
        "Each size has so many tasks, a hundred to a user, and one heavy user with 5,000 more, whose tasks the time ranges ask "
        "for. Rows that a contender creates are deleted before the next one's turn."
    )
    paragraphs = (driven, compared, logs, data, f"Postgres: {settings}.", f"Versions: {versions}.")
    return ["## How it is measured\n", *(f"{paragraph}\n" for paragraph in paragraphs)]
