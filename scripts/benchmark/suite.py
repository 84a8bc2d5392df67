"""The whole benchmark: every size, every round, every contender, and the files that come of it."""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from local_stack import LocalStack
from local_stack.errors import StackError
from local_stack.project import LOCAL, ROOT

from .contenders import CONTENDERS, TITLES, Contender
from .dataset import Dataset, load, restore
from .experiments import measure_writers
from .machine import machine, versions
from .measurement import Answers, Bench
from .memory import measure_memory
from .plot import plot
from .profiling import POSTGRES_SETTINGS, profile
from .progress import Shown, progress
from .report import report
from .results import Facts, Results, Size
from .stage import postgres_settings, stage
from .watching import measure_watching
from .work import WORK, Work, deep_page_of
from .workers import CONNECTIONS, measure_workers
from .wrk import Wrk

_DOCS = ROOT / "docs"
_ASIDE = LOCAL / "bench"
_DATA = "benchmark.json"
_PROFILED = ["adapter-postgrest", "adapter-postgres"]


def run(arguments: argparse.Namespace) -> None:
    """What the command line asks for."""
    if arguments.list:
        for listed in (TITLES, {work.name: work.title for work in WORK.values()}):
            print("\n".join(f"{name:18} {title}" for name, title in listed.items()), end="\n\n")
        return
    works = [WORK[name] for name in _chosen(arguments.work, list(WORK), "work")]
    wanted = _PROFILED if arguments.profile and not arguments.contenders else arguments.contenders
    names = _chosen(wanted, list(CONTENDERS), "contender")
    wrk = Wrk(arguments.connections)
    facts = Facts(
        date=datetime.now(UTC).date().isoformat(),
        command=arguments.command,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        connections=arguments.connections,
        machine=machine(),
        versions=versions(wrk.version),
        postgres_settings=postgres_settings(),
    )
    with tempfile.TemporaryDirectory(prefix="flux-bench-") as directory:
        bench = Bench(wrk, arguments.seconds, arguments.warm_up, Path(directory), arguments.native)
        if arguments.profile:
            _profile(bench, names, WORK[_chosen([arguments.profile], list(WORK), "work")[0]], arguments.sizes[0])
        elif arguments.memory or arguments.workers or arguments.watching:
            _apart(bench, facts, arguments)
        else:
            with_writers = not arguments.no_writers and arguments.work is None and "adapter-postgres" in names
            results = Results(facts)
            _whole(bench, results, arguments.sizes, names, works, with_writers=with_writers)
            _write(folder_for(arguments, facts.machine), results)


def folder_for(arguments: argparse.Namespace, machine: Mapping[str, str]) -> Path:
    """Where the results go. Those that are committed are replaced by a whole run, and added to on their own machine."""
    if arguments.out is not None:
        return Path(arguments.out)
    if arguments.memory or arguments.workers or arguments.watching:
        for_docs = not arguments.quick and Results.read(_DOCS / _DATA, machine) is not None
    else:
        for_docs = arguments.whole
    return _DOCS if for_docs else _ASIDE


def _chosen(asked: Sequence[str] | None, there: Sequence[str], what: str) -> list[str]:
    if unknown := sorted(set(asked or ()) - set(there)):
        raise StackError(f"there is no {what} {', '.join(unknown)}: choose among {', '.join(there)}")
    return [name for name in there if asked is None or name in asked]


def _whole(
    bench: Bench, results: Results, sizes: Sequence[int], names: Sequence[str], works: Sequence[Work], *, with_writers: bool
) -> None:
    rounds = results.facts.rounds
    steps = len(sizes) * rounds * (len(names) * len(works) + with_writers)
    with progress(steps) as shown, stage(shown.now) as stack:
        contenders = {name: CONTENDERS[name](stack) for name in names}
        for tasks in sizes:
            dataset, seconds = _loaded(stack, tasks, shown)
            results.sizes.append(Size(tasks, deep_page_of(dataset), seconds))
            answers = Answers()
            for _ in range(rounds):
                for contender in contenders.values():
                    shown.now(contender.title)
                    for each in bench.turn(contender, dataset, works, answers):
                        results.measurements.append(each)
                        shown.measured(each)
                    restore(stack.database_url)
            if with_writers:
                shown.now("concurrent writers")
                results.writers += measure_writers(bench, contenders["adapter-postgres"], dataset, rounds, shown.step)


def _loaded(stack: LocalStack, tasks: int, shown: Shown) -> tuple[Dataset, float]:
    """The data set in the database, and how long loading it took."""
    dataset, began = Dataset(tasks), time.monotonic()
    shown.now(f"loading {tasks:,} tasks")
    load(stack.database_url, dataset)
    seconds = round(time.monotonic() - began, 1)
    shown.say(f"{tasks:>9,}  loaded in {seconds:.1f} s")
    return dataset, seconds


def _apart(bench: Bench, facts: Facts, arguments: argparse.Namespace) -> None:
    """Memory, workers or watching, beside what was measured before on the same machine."""
    folder = folder_for(arguments, facts.machine)
    results = Results.read(folder / _DATA, facts.machine) or Results(facts)
    with progress(1) as shown, stage(shown.now) as stack:
        dataset, _ = _loaded(stack, arguments.sizes[0], shown)
        if arguments.memory:
            results.memory = measure_memory(bench, _adapters(stack), dataset, shown.say, quick=arguments.quick)
        if arguments.workers:
            contenders = [CONTENDERS["sqlalchemy"](stack), *_adapters(stack)]
            busier = replace(bench, wrk=Wrk(max(arguments.connections, CONNECTIONS)))
            results.workers = measure_workers(busier, contenders, dataset, facts.rounds, shown.say)
        if arguments.watching:
            results.watching = measure_watching(bench, stack, dataset, facts.rounds, shown.say)
    _write(folder, results)


def _adapters(stack: LocalStack) -> list[Contender]:
    return [CONTENDERS[name](stack) for name in ("adapter-postgrest", "adapter-postgres")]


def _profile(bench: Bench, names: Sequence[str], work: Work, tasks: int) -> None:
    with progress(1) as shown, stage(shown.now, POSTGRES_SETTINGS) as stack:
        dataset, _ = _loaded(stack, tasks, shown)
        for name in names:
            profile(bench, CONTENDERS[name](stack), dataset, work, shown.say)


def _write(folder: Path, results: Results) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.md").write_text(report(results))
    if results.measurements:
        (folder / "benchmark.svg").write_text(plot(results))
    results.write(folder / _DATA)
    print(f"wrote benchmark.md, benchmark.svg and benchmark.json into {folder}")
    if folder == _ASIDE:
        print("Those in docs are as they were: a whole run writes them, without options, or --out docs.")
