"""scripts/export: all that is kept of a user, of any size, from one snapshot, in bounded memory."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .database import with_connection
from .errors import StackError
from .installation import enter_environment
from .option_types import user_id

if TYPE_CHECKING:
    import asyncpg

_LOCAL = "postgresql://postgres:postgres@127.0.0.1:54322/postgres"
_ROWS_AT_ONCE = 50
"""A row has at most 512 KiB."""
_OF_GOALS = "inner join public.goals on kept.goal_id = goals.id where goals.user_id = $1"
_OF_CONVERSATIONS = "inner join public.conversations on kept.conversation_id = conversations.id where conversations.user_id = $1"
_OF_TASKS = "inner join {schema}.tasks on kept.task_id = tasks.id where tasks.user_id = $1"
_OWN = "where kept.user_id = $1"
_KINDS = {
    "goals": _OWN,
    "milestones": _OF_GOALS,
    "tasks": _OWN,
    "conversations": _OWN,
    "messages": _OF_CONVERSATIONS,
    "patterns": _OWN,
    "notification_log": _OF_TASKS,
    "dispatches": _OWN,
}
"""The fields of `public.user_export` that are lists, and which rows of the table of that name are the user's."""
_ARCHIVED = ("tasks", "notification_log", "dispatches")
"""Those that have rows in schema archive, which come first."""


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/export",
        description="Writes all that is kept of a user to standard output, as GET /users/{user_id}/export does, whatever its size.",
    )
    parser.add_argument("user_id", type=user_id, metavar="USER_ID", help="the user's id")
    url = os.environ.get("DATABASE_URL", _LOCAL).replace("postgresql+asyncpg:", "postgresql:")
    parser.add_argument("--database", default=url, help="the database's URL (DATABASE_URL, or that of scripts/dev)")
    options = parser.parse_args()
    enter_environment()
    try:
        with_connection(options.database, lambda connection: _export(connection, options.user_id))
    except OSError as error:
        raise StackError(f"the database can't be reached: check DATABASE_URL ({type(error).__name__})") from None
    return 0


async def _export(connection: "asyncpg.Connection[asyncpg.Record]", key: str) -> None:
    await connection.execute("set timezone = 'UTC'")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        user = await connection.fetchval("select row_to_json(users)::text from public.users where id = $1", key)
        if user is None:
            raise StackError("there is no user with this id")
        flags = await connection.fetchval("select row_to_json(demo_flags)::text from public.demo_flags where user_id = $1", key)
        account = await connection.fetchval("select to_json(private.find_account($1))::text", key)
        sys.stdout.write(f'{{"user":{user},"auth_user_id":{account or "null"},"demo_flags":{flags or "null"}')
        for kind, condition in _KINDS.items():
            sys.stdout.write(f',"{kind}":[')
            between = "\n"
            for schema in ("archive", "public") if kind in _ARCHIVED else ("public",):
                rows = (
                    f"select row_to_json(kept)::text from {schema}.{kind} as kept "  # noqa: S608 (own names)
                    f"{condition.format(schema=schema)} order by kept.created_at, kept.id"
                )
                async for (row,) in connection.cursor(rows, key, prefetch=_ROWS_AT_ONCE):
                    sys.stdout.write(between + row)
                    between = ",\n"
            sys.stdout.write("]")
        sys.stdout.write("}\n")
