"""scripts/archive: moves finished tasks that nobody has changed for long out of the way, a batch at a time."""

import argparse
import asyncio
from datetime import UTC, datetime, time

from .in_batches import ENVIRONMENT, database_url, run_in_batches
from .installation import enter_environment
from .option_types import day, whole_number

_HELP = """\
Moves tasks that are done, missed or cancelled, and unchanged since a day, into schema archive, together with their deliveries and
notification log. Each batch is a transaction of its own, so a row is in one place at any moment, and other callers go on. It may be
interrupted: run it again. Lists and statistics leave archived tasks out; export and deletion of a user include them.
"""


async def archive(url: str, before: datetime, batch: int) -> int:
    """How many tasks were moved."""
    return await run_in_batches(url, "select private.archive_tasks($1, $2)", before, batch, progress="archived {} tasks")


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/archive", description=_HELP, epilog=ENVIRONMENT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=day, metavar="DAY", help="unchanged since the beginning of this day, in UTC")
    parser.add_argument("--batch", type=whole_number, default=1000, metavar="N", help="tasks moved at a time (1000)")
    arguments = parser.parse_args()
    enter_environment()
    before = datetime.combine(arguments.before, time(), UTC)
    tasks = asyncio.run(archive(database_url(), before, arguments.batch))
    print(f"archived {tasks} tasks")
    return 0
