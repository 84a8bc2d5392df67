"""scripts/delete-user: deletes a user with any number of rows, a batch at a time."""

import argparse
import asyncio
from uuid import UUID

from .in_batches import ENVIRONMENT, database_url, run_in_batches
from .installation import enter_environment
from .option_types import user_id, whole_number

_HELP = """\
Deletes a user and everything that belongs to it, in batches that are transactions of their own, so that no statement runs long and
other callers go on. It may be interrupted: run it again, and it goes on with what is left.
"""


async def delete_user(url: str, user: UUID, batch: int) -> int:
    """How many rows there were, those not counted that the last batch deleted along with others."""
    return await run_in_batches(url, "select private.delete_rows_of_user($1, $2)", user, batch, progress="deleted {} rows")


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/delete-user", description=_HELP, epilog=ENVIRONMENT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("user_id", type=user_id, metavar="USER_ID", help="the user's id")
    parser.add_argument("--batch", type=whole_number, default=5000, metavar="N", help="rows deleted at a time (5000)")
    arguments = parser.parse_args()
    enter_environment()
    rows = asyncio.run(delete_user(database_url(), UUID(arguments.user_id), arguments.batch))
    print(f"deleted {rows} rows: nothing is left of this user" if rows else "there is no such user")
    return 0
