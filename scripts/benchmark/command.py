"""scripts/bench: measures the data service and writes the results."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from local_stack.installation import enter_environment
from local_stack.option_types import seconds, whole_number

_HELP = """\
Starts a stack of its own with settings as in production, loads the data of each size, drives every contender with wrk
in interleaved rounds, and writes benchmark.md, benchmark.svg and benchmark.json. Installs what is missing first.

A whole run writes them into docs. A quick or partial run writes them into .local/bench, unless --out names a folder.

--only, --memory, --workers and --watching measure that alone and add it to the results in docs if those are of this machine and
the run is not quick.
"""
_FULL = {"rounds": 2, "seconds": 1.5, "warm_up": 0.4, "sizes": [10_000, 100_000, 1_000_000], "connections": 16}
_QUICK = {"rounds": 1, "seconds": 1.0, "warm_up": 0.3, "sizes": [10_000]}


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in _names(text)]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1000:
        raise argparse.ArgumentTypeError("sizes are whole numbers from 1000, between commas")
    return sorted(sizes)


def _checkout(text: str) -> Path:
    checkout = Path(text).absolute()
    if not (checkout / ".venv" / "bin" / "python").exists():
        raise argparse.ArgumentTypeError(f"{checkout} has no .venv: run scripts/generate --check there first")
    return checkout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="10,000 tasks, one round of a second each, no experiments: two minutes"
    )
    parser.add_argument("--sizes", type=_sizes, metavar="N,…", help="how many tasks (10000,100000,1000000)")
    parser.add_argument("--contenders", type=_names, metavar="NAME,…", help="which contenders (all)")
    parser.add_argument("--work", type=_names, metavar="NAME,…", help="which requests (all)")
    parser.add_argument("--against", type=_checkout, metavar="CHECKOUT", help="measure the adapters of this checkout too")
    parser.add_argument("--rounds", type=whole_number, metavar="N", help="turns of each contender (2)")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="length of one measurement (1.5)")
    parser.add_argument("--warm-up", type=seconds, metavar="S", help="length of the warm-up before each (0.4)")
    parser.add_argument("--connections", type=whole_number, metavar="N", help="connections of wrk (16)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the three files go")
    parser.add_argument("--no-experiments", action="store_true", help="leave out writers, deliveries and one to 64 callers")
    parser.add_argument("--only", type=_names, metavar="NAME,…", help="these experiments alone: writers, deliveries, callers, …")
    parser.add_argument("--memory", action="store_true", help="measure the adapter's memory, at full speed and for a 5 MB answer")
    parser.add_argument("--workers", action="store_true", help="measure one and two uvicorn workers side by side")
    parser.add_argument("--watching", action="store_true", help="measure the cost of log lines, metrics and spans")
    parser.add_argument("--profile", metavar="WORK", help="show where the adapters and the database spend their time on this work")
    parser.add_argument("--native", action="store_true", help="with --profile: show extension modules too")
    parser.add_argument("--list", action="store_true", help="list the names of contenders and work, and exit")
    return parser


def parse(command_line: Sequence[str]) -> argparse.Namespace:
    """The options with their defaults filled in. `whole`: nothing is left out or shortened."""
    arguments = _parser().parse_args(command_line)
    changed = [name for name in (*_FULL, "contenders", "work", "against") if getattr(arguments, name) is not None]
    arguments.whole = not (changed or arguments.quick or arguments.no_experiments)
    for name, full in _FULL.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, _QUICK.get(name, full) if arguments.quick else full)
    return arguments


def main() -> int:
    """Run the command; its exit code."""
    arguments = parse(sys.argv[1:])
    arguments.command = shlex.join(["scripts/bench", *sys.argv[1:]])
    enter_environment()
    from .suite import run  # noqa: PLC0415 - what it imports was not installed before

    run(arguments)
    return 0
