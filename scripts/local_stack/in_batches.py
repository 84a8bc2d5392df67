"""Work on a database in batches, each a transaction of its own: what the commands of operators share."""

import os
import sys

from .errors import StackError

_LOCAL_URL = "postgresql://postgres:postgres@127.0.0.1:54322/postgres"
ENVIRONMENT = f"""\
environment:
  DATABASE_URL  the database, as its owner ({_LOCAL_URL}, which is scripts/dev's)
"""


def database_url() -> str:
    """Of the environment, or that of scripts/dev."""
    return os.environ.get("DATABASE_URL") or _LOCAL_URL


async def run_in_batches(url: str, statement: str, *arguments: object, progress: str) -> int:
    """Repeat a statement, which answers how many rows it did, until it did none; how many in all.

    On a terminal, `progress` shows them.
    """
    import asyncpg  # noqa: PLC0415 - installed by now

    try:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        raise StackError(f"the database can't be reached: check DATABASE_URL ({type(error).__name__})") from None
    try:
        rows = 0
        while done := await connection.fetchval(statement, *arguments):
            rows += done
            if sys.stdout.isatty():
                print(progress.format(rows), end="\r", flush=True)
        return rows
    finally:
        await connection.close()
