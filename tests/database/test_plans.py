"""What a page costs does not grow with what is behind it: pages of Postgres that a call reads, at two sizes."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from local_stack import LocalStack
from tests.locks import Database
from tests.owners import Owner, make_owner

Add = Callable[[Database, Owner, int], Awaitable[None]]


@pytest.fixture(scope="module")
async def alone(migrated: LocalStack) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(migrated.database_url)
    yield connection
    await connection.close()


async def _pages_read(database: Database, call: str) -> int:
    """After a call that has filled the caches."""
    await database.execute(f"select {call}")
    (plan,) = json.loads(await database.fetchval(f"explain (analyze, buffers, format json) select {call}"))
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


async def _add_messages(database: Database, owner: Owner, count: int) -> None:
    await database.execute("set session_replication_role = replica")  # else each message changes its conversation
    await database.execute(
        "insert into public.messages (conversation_id, role, content, created_at)"
        " select $1, 'user', 'x', '2027-01-01Z'::timestamptz + nth * interval '1 second' from generate_series(1, $2::int) as nth",
        *(UUID(owner.conversation), count),
    )
    await database.execute("set session_replication_role = origin")
    await database.execute("analyze public.messages")


async def _add_conversations(database: Database, owner: Owner, count: int) -> None:
    await database.execute(
        "insert into public.conversations (user_id, langgraph_thread_id, last_message_at)"
        " select $1, gen_random_uuid()::text, '2027-01-01Z'::timestamptz + nth * interval '1 second'"
        " from generate_series(1, $2::int) as nth",
        *(UUID(owner.user), count),
    )
    await database.execute("analyze public.conversations")


@pytest.mark.parametrize(
    ("add", "call"),
    [
        (_add_messages, "public.list_messages('{conversation}', 50)"),
        (_add_conversations, "public.list_page('public.conversations', '{{}}', 50, 0, null, 'last_message_at')"),
    ],
    ids=["the newest 50 messages", "50 conversations by last message"],
)
async def test_a_page_reads_as_much_of_a_long_list_as_of_a_short_one(add: Add, call: str, alone: Database) -> None:
    owner = await make_owner(alone)
    named = call.format(conversation=owner.conversation)
    await add(alone, owner, 500)
    short = await _pages_read(alone, named)
    await add(alone, owner, 20_000)

    assert await _pages_read(alone, named) <= short + 60
