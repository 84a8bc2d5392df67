"""A user with many rows: deleted in batches while others go on."""

import asyncio
import time
from uuid import UUID

import asyncpg

from local_stack import LocalStack
from local_stack.database import execute_script, with_connection
from local_stack.delete_user import delete_user

from .finding import Finding

_MOST_SECONDS_A_BATCH = 2.0


def delete_a_large_user(stack: LocalStack, *, rows: int, batch: int = 5000) -> Finding:
    """Half of the rows are tasks, half messages, 50 in each conversation."""
    user = f"{rows:08d}-0000-4000-8000-00000000dead"
    execute_script(
        stack.database_url,
        f"""
        insert into public.users (id, email) values ('{user}', '{user}@example.com');
        insert into public.tasks (user_id, title) select '{user}', 'Task ' || number from generate_series(1, {rows // 2}) as number;
        with conversation as (
          insert into public.conversations (user_id, langgraph_thread_id, context_type)
          select '{user}', '{user}:' || number, 'goal' from generate_series(1, {rows // 100}) as number returning id
        )
        insert into public.messages (conversation_id, role, content)
        select id, 'user', 'Hello' from conversation, generate_series(1, 50) as number;
        """,  # noqa: S608 (our own values)
    )
    longest = with_connection(stack.database_url, lambda connection: _delete_some(connection, user, batch, rows // batch // 4))
    begun = time.monotonic()
    deleted = asyncio.run(delete_user(stack.database_url, UUID(user), batch))
    seconds = time.monotonic() - begun
    return Finding(
        f"deleting a user with {rows:,} rows, interrupted and begun again",
        f"{deleted:,} rows in {seconds:.0f} s after that, the longest batch before it {longest:.2f} s",
        f"all gone, each batch below {_MOST_SECONDS_A_BATCH:.0f} s",
        deleted > rows // 2 and longest < _MOST_SECONDS_A_BATCH,
    )


async def _delete_some(connection: "asyncpg.Connection[asyncpg.Record]", user: str, batch: int, times: int) -> float:
    """The seconds of the longest batch."""
    longest = 0.0
    for _ in range(times):
        begun = time.monotonic()
        await connection.fetchval("select private.delete_rows_of_user($1, $2)", user, batch)
        longest = max(longest, time.monotonic() - begun)
    return longest
