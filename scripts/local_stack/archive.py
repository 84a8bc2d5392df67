"""scripts/archive: moves finished tasks that nobody has changed for long out of the way, a batch at a time."""

import argparse
import asyncio
import os
from datetime import UTC, date, datetime, time

from .errors import StackError
from .installation import enter_environment
from .option_types import whole_number

_HELP = """\
Moves tasks that are done, missed or cancelled, and unchanged since a day, into schema archive, together with their deliveries and
notification log. Each batch is a transaction of its own, so a row is in one place at any moment, and other callers go on. It may be
interrupted: run it again. Lists and statistics leave archived tasks out; export and deletion of a user include them.
"""
_LOCAL_URL = "postgresql://postgres:postgres@127.0.0.1:54322/postgres"
_ENVIRONMENT = f"""\
environment:
  DATABASE_URL  the database, as its owner ({_LOCAL_URL}, which is scripts/dev's)
"""


async def archive(url: str, before: datetime, batch: int) -> int:
    """How many tasks were moved."""
    import asyncpg  # noqa: PLC0415 - installed by now

    try:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        raise StackError(f"the database can't be reached: check DATABASE_URL ({type(error).__name__})") from None
    try:
        tasks = 0
        while moved := await connection.fetchval("select private.archive_tasks($1, $2)", before, batch):
            tasks += moved
            print(f"archived {tasks} tasks", end="\r", flush=True)
        return tasks
    finally:
        await connection.close()


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/archive", description=_HELP, epilog=_ENVIRONMENT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=date.fromisoformat, metavar="DAY", help="unchanged since the beginning of this day, in UTC")
    parser.add_argument("--batch", type=whole_number, default=1000, metavar="N", help="tasks moved at a time (1000)")
    arguments = parser.parse_args()
    enter_environment()
    before = datetime.combine(arguments.before, time(), UTC)
    tasks = asyncio.run(archive(os.environ.get("DATABASE_URL") or _LOCAL_URL, before, arguments.batch))
    print(f"archived {tasks} tasks")
    return 0
