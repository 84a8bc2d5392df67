"""Experiments beside the comparison, such as writers, workers and memory. Each gives the rows of one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.types import ASGIApp

from local_stack import LocalStack
from local_stack.errors import StackError
from local_stack.project import ROOT

from . import processes
from .callers import measure_callers
from .contenders import CONTENDERS, TITLES, Application, Contender
from .dataset import TASKS_OF_THE_HEAVY_USER, Dataset, restore
from .deliveries import CLAIMED, WORKERS, measure_deliveries
from .measurement import Bench, Measurement, ask, median_of, running
from .results import TIMES, Row, Say
from .traffic import write_requests
from .work import WORK
from .writers import WRITERS, measure_writers
from .wrk import Wrk

_ADAPTERS = ("adapter-postgrest", "adapter-postgres")


def smallest(sizes: Sequence[int]) -> Sequence[int]:
    return sizes[:1]


def middle(sizes: Sequence[int]) -> Sequence[int]:
    return sizes[len(sizes) // 2 :][:1]


def every(sizes: Sequence[int]) -> Sequence[int]:
    return sizes


@dataclass(frozen=True)
class Experiment:
    """One table: `columns` gives each heading and the format of its cells, `text` may name `{cores}`."""

    title: str
    text: str
    columns: Mapping[str, str]
    measure: Callable[[Bench, LocalStack, Dataset, int, Say], list[Row]]
    """Takes the number of rounds, and what prints a line."""
    sizes: Callable[[Sequence[int]], Sequence[int]] = smallest
    """At which of a run's sizes it is measured."""
    part_of_a_run: bool = False
    """Whether a whole run includes it."""

    def written(self, row: Row) -> list[str]:
        return ["" if cell is None else form.format(cell) for cell, form in zip(row, self.columns.values(), strict=True)]


_MANY_CONNECTIONS = 64  # keep two workers busy


def _interleaved(
    bench: Bench, variants: Mapping[str, tuple[Contender, int]], dataset: Dataset, works: Sequence[str], rounds: int, say: Say
) -> dict[tuple[str, str], Measurement]:
    """The medians of each variant, a contender with so many workers, at each work."""
    found: dict[tuple[str, str], list[Measurement]] = {}
    for _ in range(rounds):
        for variant, (contender, workers) in variants.items():
            with running(contender, workers):
                for work in works:
                    each = bench.measure(contender, dataset, WORK[work], bench.requests(contender, dataset, WORK[work]))
                    found.setdefault((variant, work), []).append(each)
                    say(f"{contender.title:23} {variant:20} {WORK[work].title:16} {each.per_second:>8,.0f}/s")
            restore(contender.stack.database_url)
    return {key: median_of(measurements) for key, measurements in found.items()}


def _measure_workers(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    busier = replace(bench, wrk=Wrk(_MANY_CONNECTIONS))
    works = ("get", "list", "create", "day")
    table: list[Row] = []
    for name in ("sqlalchemy", *_ADAPTERS):
        variants = {f"{workers} workers": (CONTENDERS[name](stack), workers) for workers in (1, 2)}
        found = _interleaved(busier, variants, dataset, works, rounds, say)
        for work in works:
            one, two = found["1 workers", work], found["2 workers", work]
            cores = sum(two.cpu_ms.values()) * two.per_second / 1000
            speeds: Row = [one.per_second, two.per_second, two.per_second / one.per_second, cores]
            table.append([f"{TITLES[name]}: {WORK[work].title}", *speeds])
    return table


_HTTP = "dao_service.rest.http_protocol:LimitedHttpProtocol"
_UNWATCHED = ["uvicorn", "benchmark.experiments:unwatched", "--factory", "--app-dir", str(ROOT / "scripts"), "--http", _HTTP]
_LEAST_ROUNDS = 5  # for a difference of a few percent


def unwatched() -> ASGIApp:
    """The adapter without the middleware that gives every request its id, log line, count and span."""
    from dao_service.main import app  # noqa: PLC0415 - makes an adapter

    return app.app


def _measure_watching(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    shipped = CONTENDERS["adapter-postgres"](stack)

    def variant(command: list[str], **environment: str) -> tuple[Contender, int]:
        inherited = shipped.application.environment if shipped.application else {}
        application = Application("a variant of the adapter", command, inherited | environment, stack.home)
        return replace(shipped, application=application), 1

    variants = {"watched": (shipped, 1), "silent": variant(["dao_service"], LOG_LEVEL="error"), "bare": variant(_UNWATCHED)}
    works = ("get", "list")
    found = _interleaved(bench, variants, dataset, works, max(rounds, _LEAST_ROUNDS), say)
    table: list[Row] = []
    for work in works:
        watched, silent, bare = (found[name, work].per_second for name in variants)
        speeds: Row = [watched, silent, bare, 1 - watched / silent, 1 - watched / bare]
        table.append([f"{shipped.title}: {WORK[work].title}", *speeds])
    return table


_PIECES = 20  # in each round; memory is read after each


def _measure_memory(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    if not processes.AVAILABLE:
        raise StackError("memory is read from Linux's /proc, which this system lacks")
    return [_memory_of(CONTENDERS[name](stack), bench, dataset, rounds, say) for name in _ADAPTERS]


def _memory_of(contender: Contender, bench: Bench, dataset: Dataset, rounds: int, say: Say) -> Row:
    file = bench.directory / "memory.tsv"
    with running(contender):
        service = contender.processes["service"]
        write_requests(file, bench.requests(contender, dataset, WORK["day"]))
        bench.wrk.warm_up(contender.url, file, bench.seconds)
        held, requests = [processes.resident_bytes(service)], 0
        for _ in range(_PIECES * rounds):
            requests += bench.wrk.drive(contender.url, file, bench.seconds).requests
            held.append(processes.resident_bytes(service))
            say(f"{contender.title:23} {requests:>9,} requests  {held[-1] / 1e6:8.1f} MB")
        first, half_way, last = held[0], held[len(held) // 2], held[-1]
        processes.forget_peak(service)
        answer = ask(contender, contender.dialect.time_range(dataset.heavy_user, *dataset.window(0, TASKS_OF_THE_HEAVY_USER))).body
        above = max(processes.peak_bytes(service) - last, 0)
        say(f"{contender.title:23} an answer of {len(answer) / 1e6:.1f} MB takes {above / 1e6:.1f} MB more")
    restore(contender.stack.database_url)
    megabytes = [size / 1e6 for size in (first, half_way, last, len(answer), above)]
    return [contender.title, requests, *megabytes[:3], last / half_way - 1, *megabytes[3:], above / len(answer)]


_COUNT = "{:,.0f}"
_FACTOR = f"{{:.2f}}{TIMES}"
_MILLISECONDS = "{:.2f}"
EXPERIMENTS: Mapping[str, Experiment] = {
    "writers": Experiment(
        "Writers and the exact total",
        f"{WRITERS} writers create tasks at once, with the trigger that keeps the total and with it disabled; rows per second.\n",
        {"": "{}", "with": _COUNT, "without": _COUNT, "ratio": _FACTOR, "writers seen waiting for a lock": "{}"},
        measure_writers,
        every,
        part_of_a_run=True,
    ),
    "workers": Experiment(
        "One worker process and two",
        f"""\
Requests per second at {_MANY_CONNECTIONS} connections on {{cores}} cores, which the workers share with PostgREST, Postgres and wrk.
The last column is how many cores all but wrk used with two workers. A second worker gains little if they used nearly all cores, and
costs something even if not: each worker has fewer requests to share a call among.
""",
        {"": "{}", "one": _COUNT, "two": _COUNT, "ratio": _FACTOR, "cores used": "{:.2f}"},
        _measure_workers,
    ),
    "memory": Experiment(
        "Memory",
        "Resident memory of the adapter over an agent's day at full speed, and its rise for one large time range; in MB.\n",
        {"": "{}", "requests": _COUNT}
        | dict.fromkeys(("at first", "half-way", "at last"), "{:.1f}")
        | {"second half": "{:+.1%}", "an answer of": "{:.1f}", "takes at most": "{:.1f}", "ratio": _FACTOR},
        _measure_memory,
    ),
    "watching": Experiment(
        "The cost of being watched",
        """\
Requests per second of the adapter as it ships, without its log lines, and without the middleware that gives every request its id,
log line, count and span. Traces are off.
""",
        {"": "{}"}
        | dict.fromkeys(("as it ships", "without log lines", "without the middleware"), _COUNT)
        | dict.fromkeys(("log lines cost", "the middleware costs"), "{:.1%}"),
        _measure_watching,
    ),
    "deliveries": Experiment(
        "Deliveries",
        f"""\
{WORKERS} workers in one Python process, which shares the machine, claim {CLAIMED} deliveries at a time, start each and finish
it with its line in the notification log. Each step is a transaction that is on disk. At first, as many deliveries are finished as
there are tasks.
""",
        {"": "{}", "per second": _COUNT}
        | {f"a {step}, {which} ms": _MILLISECONDS for step in ("claim", "start and finish") for which in ("p50", "p99")},
        measure_deliveries,
        every,
        part_of_a_run=True,
    ),
    "callers": Experiment(
        "One to 64 connections",
        "Requests per second, and the latency in ms, p50 / p99; shorter measurements than those above.\n",
        {"": "{}", "connections": _COUNT}
        | dict.fromkeys((TITLES[name] for name in CONTENDERS), "{0[0]:,.0f} ({0[1]:.1f} / {0[2]:.1f})")
        | dict.fromkeys((f"{TITLES[name]} ÷ {TITLES['postgrest']}" for name in _ADAPTERS), _FACTOR),
        measure_callers,
        middle,
        part_of_a_run=True,
    ),
}
