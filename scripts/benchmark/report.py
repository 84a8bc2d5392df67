"""The results in words and tables: docs/benchmark.md."""

from collections.abc import Iterable, Sequence

from .contenders import TITLES
from .results import Results
from .targets import BY_POSTGRES, BY_POSTGREST, TARGETS, TIMES
from .work import WORK

_COLUMNS = ("sqlalchemy", "postgrest", BY_POSTGREST, BY_POSTGRES)


def report(results: Results) -> str:
    parts = [
        "# Benchmark\n",
        _introduction(results),
        "![Requests a second of each contender](benchmark.svg)\n",
        *_targets(results),
        *(part for tasks in results.sizes for part in _size(results, tasks)),
        *_growth(results),
        *_writers(results),
        *_method(results),
    ]
    return "\n".join(parts)


def _introduction(results: Results) -> str:
    machine = results.machine
    return (
        f"Measured on {results.date} by `{results.command}` on {machine['CPU']}, {machine['cores']} cores, {machine['memory']}, "
        f"{machine['system']}. Everything, wrk and Postgres included, ran on this machine.\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _targets(results: Results) -> list[str]:
    rows = []
    for target in TARGETS:
        cells = [target.title]
        for contender in (BY_POSTGREST, BY_POSTGRES):
            found = target.worst(results, contender) if contender in target.goals else None
            if contender not in target.goals:
                cells.append("")
            elif found is None:
                cells.append(f"{target.goal(contender)}: not measured")
            else:
                verdict = "met" if target.met(contender, found) else "**missed**"
                cells.append(f"{target.goal(contender)}: {verdict}, {found.value:.2f}{TIMES} ({found.place})")
        rows.append(cells)
    note = "Of several measurements the least favourable one counts.\n"
    return ["## Targets\n", _table(["", "over PostgREST", "over asyncpg"], rows), note]


def _size(results: Results, tasks: int) -> list[str]:
    contenders = [name for name in _COLUMNS if any(results.find(tasks, name, work) for work in WORK)]
    ratios = [(ours, other) for ours in (BY_POSTGREST, BY_POSTGRES) for other in ("sqlalchemy", "postgrest")]
    ratios = [(ours, other) for ours, other in ratios if ours in contenders and other in contenders]
    speed, latency, cpu = [], [], []
    for work in WORK.values():
        found = {name: results.find(tasks, name, work.name) for name in contenders}
        if not any(found.values()):
            continue
        factors = [results.ratio(tasks, work.name, ours, other) for ours, other in ratios]
        speed.append(
            [
                work.title,
                *(f"{each.per_second:,.0f}" if each else "" for each in found.values()),
                *(f"{factor:.2f}{TIMES}" if factor else "" for factor in factors),
            ]
        )
        latency.append([work.title, *(f"{each.p50_ms:.1f} / {each.p99_ms:.1f}" if each else "" for each in found.values())])
        cpu.append([work.title, *(_cpu(each.cpu_ms) if each else "" for each in found.values())])
    heads = [TITLES[name] for name in contenders]
    against = [f"{TITLES[ours]} ÷ {TITLES[other]}" for ours, other in ratios]
    loading = f"Loaded in {results.loading_seconds[tasks]:.0f} s. " if tasks in results.loading_seconds else ""
    return [
        f"## {tasks:,} tasks\n",
        f"{loading}The deep page is page {results.deep_pages[tasks]:,}.\n" if tasks in results.deep_pages else loading,
        "### Requests a second\n",
        _table(["", *heads, *against], speed),
        "### Latency in ms, p50 / p99\n",
        _table(["", *heads], latency),
        "### CPU in ms a request\n",
        "In all, and of that in the service + PostgREST + Postgres.\n",
        _table(["", *heads], cpu),
    ]


def _cpu(parts: dict[str, float]) -> str:
    if not parts:
        return ""
    named = " + ".join(f"{parts[part]:.2f}" if part in parts else "-" for part in ("service", "PostgREST", "Postgres"))
    return f"{sum(parts.values()):.2f} ({named})"


def _growth(results: Results) -> list[str]:
    if len(results.sizes) < 2:
        return []
    fewest, most = results.sizes[0], results.sizes[-1]
    rows = []
    for work in WORK.values():
        pairs = [(results.find(fewest, name, work.name), results.find(most, name, work.name)) for name in _COLUMNS]
        if any(small and large for small, large in pairs):
            factors = [small.per_second / large.per_second if small and large else None for small, large in pairs]
            rows.append([work.title, *(f"{factor:.2f}{TIMES}" if factor else "" for factor in factors)])
    return [
        f"## Cost of a request with {most:,} tasks against {fewest:,}\n",
        _table(["", *(TITLES[name] for name in _COLUMNS)], rows),
    ]


def _writers(results: Results) -> list[str]:
    if not results.writers:
        return []
    rows = []
    for each in results.writers:
        waits = "" if each.looks is None else f"{each.lock_waits} in {each.looks:,} looks"
        rows.append(
            [
                f"{each.way}, {each.tasks:,} tasks",
                f"{each.with_count:,.0f}",
                f"{each.without_count:,.0f}",
                f"{each.ratio:.2f}{TIMES}",
                waits,
            ]
        )
    return [
        "## Writers and the exact total\n",
        "Eight writers create tasks at once, with the trigger that keeps the total and with it disabled; rows a second.\n",
        _table(["", "with", "without", "ratio", "writers seen waiting for a lock"], rows),
    ]


def _method(results: Results) -> list[str]:
    settings = ", ".join(f"{name} = {value}" for name, value in results.postgres_settings.items())
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    driven = (
        f"wrk with one thread and {results.connections} connections drives each contender for {results.seconds:g} s after a "
        f"warm-up; the numbers are medians of {results.rounds} rounds in which the contenders take turns. One contender runs at a "
        "time, with one process (PostgREST has threads). All of them use the same database over TCP, through a pool of at most 20 "
        "connections, with the indexes of our migrations. The adapter reaches PostgREST over its Unix socket; wrk reaches it "
        "directly over TCP."
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
