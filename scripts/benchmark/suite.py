"""The whole benchmark: every size, every round, every contender, and the files that come of it."""

import argparse
import shlex
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from local_stack.errors import StackError

from .contenders import CONTENDERS
from .dataset import Dataset, load, restore
from .machine import machine, versions
from .measurement import Answers, Bench
from .plot import plot
from .progress import progress
from .report import report
from .results import Results
from .stage import postgres_settings, stage
from .work import WORK, deep_page_of
from .writers import measure_writers
from .wrk import Wrk


def _chosen(asked: list[str] | None, there: list[str], what: str) -> list[str]:
    if unknown := sorted(set(asked or ()) - set(there)):
        raise StackError(f"there is no {what} {', '.join(unknown)}: choose among {', '.join(there)}")
    return [name for name in there if asked is None or name in asked]


def run(arguments: argparse.Namespace) -> None:
    if arguments.list:
        for work in WORK.values():
            print(f"{work.name:16} {work.title}")
        return
    names = _chosen(arguments.contenders, list(CONTENDERS), "contender")
    works = [WORK[name] for name in _chosen(arguments.work, list(WORK), "work")]
    with_writers = not arguments.no_writers and "adapter-postgres" in names and arguments.work is None
    wrk = Wrk(arguments.connections)
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        command=shlex.join(["scripts/bench", *sys.argv[1:]]),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        connections=arguments.connections,
        machine=machine(),
        versions=versions(wrk.version),
        postgres_settings=postgres_settings(),
    )
    steps = len(arguments.sizes) * arguments.rounds * (len(names) * len(works) + with_writers)
    with tempfile.TemporaryDirectory(prefix="flux-bench-") as directory, progress(steps) as shown:
        bench = Bench(wrk, arguments.seconds, arguments.warm_up, Path(directory))
        with stage(shown.now) as stack:
            contenders = [CONTENDERS[name](stack) for name in names]
            for tasks in arguments.sizes:
                dataset = Dataset(tasks)
                shown.now(f"loading {tasks:,} tasks")
                began = time.monotonic()
                load(stack.database_url, dataset)
                results.loading_seconds[tasks] = round(time.monotonic() - began, 1)
                results.deep_pages[tasks] = deep_page_of(dataset)
                shown.say(f"{tasks:>9,}  loaded in {results.loading_seconds[tasks]:.1f} s")
                answers = Answers()
                for _ in range(arguments.rounds):
                    for contender in contenders:
                        shown.now(contender.title)
                        for each in bench.turn(contender, dataset, works, answers):
                            results.measurements.append(each)
                            shown.measured(each)
                        restore(stack.database_url)
                if with_writers:
                    shown.now("concurrent writers")
                    over_postgres = next(contender for contender in contenders if contender.name == "adapter-postgres")
                    results.writers += measure_writers(bench, over_postgres, dataset, arguments.rounds, shown.step)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "benchmark.md").write_text(report(results))
    (arguments.out / "benchmark.svg").write_text(plot(results))
    results.write(arguments.out / "benchmark.json")
    print(f"wrote benchmark.md, benchmark.svg and benchmark.json into {arguments.out}")
