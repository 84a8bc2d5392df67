"""scripts/delete-user: deletes a user with any number of rows, a batch at a time."""

import argparse
import asyncio
import os
from uuid import UUID

from .errors import StackError
from .installation import enter_environment
from .option_types import user_id, whole_number

_HELP = """\
Deletes a user and everything that belongs to it, in batches that are transactions of their own, so that no statement runs long and
other callers go on. It may be interrupted: run it again, and it goes on with what is left.
"""
_LOCAL_URL = "postgresql://postgres:postgres@127.0.0.1:54322/postgres"
_ENVIRONMENT = f"""\
environment:
  DATABASE_URL  the database, as its owner ({_LOCAL_URL}, which is scripts/dev's)
"""


async def delete_user(url: str, user: UUID, batch: int) -> int:
    """How many rows there were, those not counted that the last batch deleted along with others."""
    import asyncpg  # noqa: PLC0415 - installed by now

    try:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        raise StackError(f"the database can't be reached: check DATABASE_URL ({type(error).__name__})") from None
    try:
        rows = 0
        while deleted := await connection.fetchval("select private.delete_rows_of_user($1, $2)", user, batch):
            rows += deleted
            print(f"deleted {rows} rows", end="\r", flush=True)
        return rows
    finally:
        await connection.close()


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/delete-user", description=_HELP, epilog=_ENVIRONMENT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("user_id", type=user_id, metavar="USER_ID", help="the user's id")
    parser.add_argument("--batch", type=whole_number, default=5000, metavar="N", help="rows deleted at a time (5000)")
    arguments = parser.parse_args()
    enter_environment()
    rows = asyncio.run(delete_user(os.environ.get("DATABASE_URL") or _LOCAL_URL, UUID(arguments.user_id), arguments.batch))
    print(f"deleted {rows} rows: nothing is left of this user" if rows else "there is no such user")
    return 0
