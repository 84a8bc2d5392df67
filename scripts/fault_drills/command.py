"""scripts/drills: breaks things under load and prints what callers notice."""

import argparse
import traceback

from local_stack.installation import enter_environment
from local_stack.option_types import whole_number

from .finding import Finding

_HELP = """\
Runs each fault drill on stacks of its own, through PostgREST and straight to Postgres, and prints a table: the drill, its figure,
the right value. All load stays on 127.0.0.1 and ends by itself. The exit code is 1 if a figure is not right.
"""


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(prog="scripts/drills", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=whole_number, default=30, metavar="N", help="length of each soak (30)")
    parser.add_argument("--only", metavar="WORD", default="", help="only the drills whose name has this word, such as soak")
    arguments = parser.parse_args()
    enter_environment()
    from .all import drills  # noqa: PLC0415 - it needs the packages

    print("| over | drill | figure | right |\n|---|---|---|---|", flush=True)
    right = True
    for gateway, name, run in drills(arguments.minutes):
        if arguments.only in name:
            try:
                found = run()
            except Exception as error:  # noqa: BLE001 (the other drills still run)
                traceback.print_exc()
                found = Finding(name, f"ended by {type(error).__name__}", "a figure", holds=False)
            right = right and found.holds
            mark = "" if found.holds else "**not right** "
            print(f"| {gateway} | {found.drill} | {mark}{found.figure} | {found.right} |", flush=True)
    return 0 if right else 1
