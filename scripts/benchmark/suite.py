"""The whole benchmark: every size, every round, every contender; then the files of results."""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from local_stack import LocalStack
from local_stack.errors import StackError
from local_stack.project import LOCAL, ROOT

from .contenders import CONTENDERS, TITLES, other_version
from .dataset import Dataset, load, restore
from .experiments import EXPERIMENTS
from .machine import machine, versions
from .measurement import Answers, Bench
from .plot import plot
from .profiling import POSTGRES_SETTINGS, profile
from .progress import Shown, progress
from .report import report
from .results import Facts, Results, Size
from .stage import postgres_settings, stage
from .work import WORK, Work, deep_page_of
from .wrk import Wrk

_DOCS = ROOT / "docs"
_ASIDE = LOCAL / "bench"
_DATA = "benchmark.json"
_ADAPTERS = ["adapter-postgrest", "adapter-postgres"]


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line says."""
    if arguments.list:
        for listed in ({name: TITLES[name] for name in CONTENDERS}, {work.name: work.title for work in WORK.values()}):
            print("\n".join(f"{name:18} {title}" for name, title in listed.items()), end="\n\n")
        return
    works = [WORK[name] for name in _chosen(arguments.work, list(WORK), "work")]
    wanted = _ADAPTERS if arguments.profile and not arguments.contenders else arguments.contenders
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
        elif _experiments_of(arguments):
            _experiment(bench, facts, arguments)
        else:
            results = Results(facts)
            _compare(bench, results, arguments, names, works)
            _write(folder_for(arguments, facts.machine), results)


def folder_for(arguments: argparse.Namespace, machine: Mapping[str, str]) -> Path:
    """Where the results go. A whole run replaces the committed ones; an experiment adds to those of the same machine."""
    if arguments.out is not None:
        return Path(arguments.out)
    if _experiments_of(arguments):
        for_docs = not arguments.quick and Results.read(_DOCS / _DATA, machine) is not None
    else:
        for_docs = arguments.whole
    return _DOCS if for_docs else _ASIDE


def experiments_of_a_run(arguments: argparse.Namespace, tasks: int) -> list[str]:
    """The experiments that a run of the comparison measures as well, at this size."""
    partial = arguments.quick or arguments.no_experiments or arguments.work is not None or arguments.contenders is not None
    found = {} if partial else EXPERIMENTS
    return [name for name, each in found.items() if each.part_of_a_run and tasks in each.sizes(arguments.sizes)]


def _experiments_of(arguments: argparse.Namespace) -> list[str]:
    chosen = _chosen(arguments.only or (), list(EXPERIMENTS), "experiment")
    return [name for name in EXPERIMENTS if name in chosen or getattr(arguments, name, False)]


def _chosen(asked: Sequence[str] | None, there: Sequence[str], what: str) -> list[str]:
    if unknown := sorted(set(asked or ()) - set(there)):
        raise StackError(f"there is no {what} {', '.join(unknown)}: choose among {', '.join(there)}")
    return [name for name in there if asked is None or name in asked]


def _compare(bench: Bench, results: Results, arguments: argparse.Namespace, names: Sequence[str], works: Sequence[Work]) -> None:
    others = [name for name in names if arguments.against and name in _ADAPTERS]
    steps = len(arguments.sizes) * arguments.rounds * (len(names) + len(others)) * len(works)
    with ExitStack() as opened:
        shown = opened.enter_context(progress(steps))
        stacks = [opened.enter_context(stage(shown.now))]
        contenders = [CONTENDERS[name](stacks[0]) for name in names]
        if others:
            stacks.append(opened.enter_context(stage(shown.now, supabase=arguments.against / "supabase")))
            contenders += [other_version(CONTENDERS[name](stacks[1]), arguments.against) for name in others]
            contenders.sort(key=lambda contender: list(TITLES).index(contender.name))
        for tasks in arguments.sizes:
            dataset = Dataset(tasks)
            seconds = [_load(stack, dataset, shown) for stack in stacks]
            results.sizes.append(Size(tasks, deep_page_of(dataset), seconds[0]))
            answers = {stack: Answers() for stack in stacks}
            for _ in range(arguments.rounds):
                for contender in contenders:
                    shown.now(contender.title)
                    for each in bench.turn(contender, dataset, works, answers[contender.stack]):
                        results.measurements.append(each)
                        shown.measured(each)
                    restore(contender.stack.database_url)
            for name in experiments_of_a_run(arguments, tasks):
                shown.now(EXPERIMENTS[name].title)
                rows = EXPERIMENTS[name].measure(bench, stacks[0], dataset, arguments.rounds, shown.say)
                results.experiments.setdefault(name, []).extend(rows)


def _load(stack: LocalStack, dataset: Dataset, shown: Shown) -> float:
    """Fill the database; how many seconds that took."""
    began = time.monotonic()
    shown.now(f"loading {dataset.tasks:,} tasks")
    load(stack.database_url, dataset)
    seconds = round(time.monotonic() - began, 1)
    shown.say(f"{dataset.tasks:>9,}  loaded in {seconds:.1f} s")
    return seconds


def _experiment(bench: Bench, facts: Facts, arguments: argparse.Namespace) -> None:
    """Add to what was measured earlier on the same machine."""
    folder = folder_for(arguments, facts.machine)
    results = Results.read(folder / _DATA, facts.machine) or Results(facts)
    names = _experiments_of(arguments)
    for name in names:
        results.experiments.pop(name, None)
    with progress(1) as shown, stage(shown.now) as stack:
        for tasks in sorted({tasks for name in names for tasks in EXPERIMENTS[name].sizes(arguments.sizes)}):
            _load(stack, Dataset(tasks), shown)
            for name in (name for name in names if tasks in EXPERIMENTS[name].sizes(arguments.sizes)):
                rows = EXPERIMENTS[name].measure(bench, stack, Dataset(tasks), facts.rounds, shown.say)
                results.experiments.setdefault(name, []).extend(rows)
    _write(folder, results)


def _profile(bench: Bench, names: Sequence[str], work: Work, tasks: int) -> None:
    dataset = Dataset(tasks)
    with progress(1) as shown, stage(shown.now, POSTGRES_SETTINGS) as stack:
        _load(stack, dataset, shown)
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
        print("Those in docs are unchanged: a whole run, without options, or --out docs writes them.")
