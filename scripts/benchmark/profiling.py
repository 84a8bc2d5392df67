"""Where one work spends its time: in Python, by py-spy, and in the database, by pg_stat_statements."""

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from local_stack.database import execute_script, fetch_rows
from local_stack.errors import StackError
from local_stack.processes import end, start

from .contenders import Contender
from .dataset import Dataset, restore
from .measurement import Bench, running
from .traffic import write_requests
from .work import Work

POSTGRES_SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}
_SAMPLES_PER_SECOND = 500
_SHOWN = 30
_EVERYWHERE = 0.99
"""A function in more than this share of the samples tells nothing."""
_STATEMENTS = """
select calls, mean_exec_time, calls * mean_exec_time as total, rows, regexp_replace(query, '\\s+', ' ', 'g') as query
from extensions.pg_stat_statements
where query not like '%pg_stat_statements%'
order by 3 desc
limit 12
"""


def profile(bench: Bench, contender: Contender, dataset: Dataset, work: Work, say: Callable[[str], None]) -> None:
    """Drive a contender and print where its time went."""
    url = contender.stack.database_url
    execute_script(url, "create extension if not exists pg_stat_statements schema extensions")
    with running(contender):
        file = bench.directory / "profiled.tsv"
        write_requests(file, bench.requests(contender, dataset, work))
        bench.wrk.warm_up(contender.url, file, bench.warm_up)
        undisturbed = bench.wrk.drive(contender.url, file, bench.seconds)
        say(f"\n{contender.title}, {work.title}: {undisturbed.per_second:,.0f}/s, p50 {undisturbed.p50_ms:.2f} ms")
        fetch_rows(url, "select extensions.pg_stat_statements_reset()")
        drive = bench.wrk.drive(contender.url, file, bench.seconds)
        _say_statements(url, drive.requests, say)
        if pid := contender.processes.get("service"):
            stacks = _sample(bench, contender.url, file, pid)
            _say_functions(stacks, say)
    restore(url)


def _say_statements(url: str, requests: int, say: Callable[[str], None]) -> None:
    say("\n  in the database: calls per request, ms per call, ms per request (a function's statements have their own lines, too)")
    for row in fetch_rows(url, _STATEMENTS):
        calls, mean, total = row["calls"] / requests, row["mean_exec_time"], row["total"] / requests
        say(f"  {calls:8.2f} {mean:8.3f} {total:8.3f}  {row['query'][:150]}")


def _sample(bench: Bench, url: str, requests: Path, pid: int) -> Counter[tuple[str, ...]]:
    """The number of samples of each stack, outermost call first, while the process works."""
    output = bench.directory / "stacks.txt"
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--format", "raw", "--nolineno"]
    command += ["--rate", str(_SAMPLES_PER_SECOND), "--output", str(output), *(["--native"] if bench.native else [])]
    spy = start(command, signal.SIGKILL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        bench.wrk.drive(url, requests, bench.seconds)
        spy.send_signal(signal.SIGINT)
        said, _ = spy.communicate(timeout=60)
    finally:
        end(spy)
    if not output.exists():
        raise StackError(f"py-spy failed:\n{said}")
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in output.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        stacks[tuple(_short(frame) for frame in stack.split(";"))] += int(count)
    return stacks


def _short(frame: str) -> str:
    return re.sub(r"\((?:.*/)?([^/]+/[^/]+)\)$", r"(\1)", frame)


def _say_functions(stacks: Counter[tuple[str, ...]], say: Callable[[str], None]) -> None:
    total = stacks.total()
    by_itself: Counter[str] = Counter()
    in_all: Counter[str] = Counter()
    for stack, count in stacks.items():
        by_itself[stack[-1]] += count
        for frame in set(stack):
            in_all[frame] += count
    in_all = Counter({name: count for name, count in in_all.items() if count < _EVERYWHERE * total})
    say(f"\n  in the Python process, % of {total:,} samples: by itself, and with what it calls")
    for (name, own), (outer, all_of_it) in zip(by_itself.most_common(_SHOWN), in_all.most_common(_SHOWN), strict=False):
        say(f"  {own / total:6.1%}  {name[:70]:70}  {all_of_it / total:6.1%}  {outer[:70]}")
