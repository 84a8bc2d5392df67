"""The stair of callers: what each contender does for 1, 4, 16 and 64 connections."""

from dataclasses import replace

from local_stack import LocalStack

from .contenders import CONTENDERS
from .dataset import Dataset, restore
from .measurement import Bench, Measurement, median_of, running
from .results import Row, Say
from .work import WORK
from .wrk import Wrk

_STEPS = (1, 4, 16, 64)
_WORKS = ("get", "list-of-user", "time-range-50", "statistics", "patch", "create")
_ADAPTERS = ("adapter-postgrest", "adapter-postgres")
_ROUNDS, _SHARE = 2, 0.5  # at most; of the seconds of a measurement: there are nearly a hundred


def measure_callers(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    brief = replace(bench, seconds=bench.seconds * _SHARE, warm_up=bench.warm_up * _SHARE)
    steps = {callers: replace(brief, wrk=Wrk(callers)) for callers in _STEPS}
    found: dict[tuple[str, str, int], list[Measurement]] = {}
    for _ in range(min(rounds, _ROUNDS)):
        for name, make in CONTENDERS.items():
            with running(make(stack)) as contender:
                for work in _WORKS:
                    requests = bench.requests(contender, dataset, WORK[work])
                    for callers, step in steps.items():
                        each = step.measure(contender, dataset, WORK[work], requests)
                        found.setdefault((name, work, callers), []).append(each)
                        speed = f"{each.per_second:>8,.0f}/s  p99 {each.p99_ms:7.2f} ms"
                        say(f"{contender.title:23} {WORK[work].title:24} {callers:>3} connections {speed}")
            restore(stack.database_url)
    table: list[Row] = []
    for work in _WORKS:
        for callers in _STEPS:
            medians = {name: median_of(found[name, work, callers]) for name in CONTENDERS}
            cells = [[each.per_second, each.p50_ms, each.p99_ms] for each in medians.values()]
            ratios = [medians[name].per_second / medians["postgrest"].per_second for name in _ADAPTERS]
            table.append([f"{WORK[work].title}, {dataset.tasks:,} tasks", callers, *cells, *ratios])
    return table
