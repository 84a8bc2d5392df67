"""The total of a list is exact in every snapshot under concurrent writers, and does not make them wait for each other."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from local_stack import LocalStack

WRITERS = 8
ROUNDS = 40
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]


@pytest.fixture
async def owner(database: "Connection") -> AsyncIterator[UUID]:
    """A user of this test, deleted afterwards with all rows."""
    user: UUID = await database.fetchval("insert into public.users (email) values ($1) returning id", f"{uuid4()}@example.com")
    yield user
    await database.execute("delete from public.users where id = $1", user)


async def _counted_and_there(connection: "Connection") -> tuple[int, int]:
    """The total of a list and the number of rows, in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        page = json.loads(await connection.fetchval("select public.list_page('public.tasks', '{}', 1)"))
        return page["total"], await connection.fetchval("select count(*) from public.tasks")


async def _write_at_random(url: str, owner: UUID, seed: int) -> None:
    """Insert and delete rows, partly in transactions of several statements, partly rolled back."""
    chance = random.Random(seed)
    connection = await asyncpg.connect(url)
    try:
        for _ in range(ROUNDS):
            transaction = connection.transaction()
            await transaction.start()
            for _ in range(chance.randint(1, 3)):
                if chance.random() < 0.6:
                    await connection.execute(
                        "insert into public.tasks (user_id, title) select $1, 'counted' from generate_series(1, $2::int)",
                        owner,
                        chance.randint(1, 4),
                    )
                else:
                    await connection.execute(
                        "delete from public.tasks where id in"
                        " (select id from public.tasks where user_id = $1 limit 2 for update skip locked)",
                        owner,
                    )
            await (transaction.rollback() if chance.random() < 0.3 else transaction.commit())
    finally:
        await connection.close()


async def test_the_total_is_exact_in_every_snapshot_while_eight_writers_insert_delete_and_roll_back(
    stack: LocalStack, database: "Connection", owner: UUID
) -> None:
    writers = asyncio.gather(*(_write_at_random(stack.database_url, owner, seed) for seed in range(WRITERS)))
    looks = 0
    while not writers.done() or looks == 0:
        counted, there = await _counted_and_there(database)
        assert counted == there
        looks += 1
    await writers
    counted, there = await _counted_and_there(database)
    assert counted == there
    assert looks > 5


async def test_an_uncommitted_writer_does_not_block_another(stack: LocalStack, database: "Connection", owner: UUID) -> None:
    open_writers = [await asyncpg.connect(stack.database_url) for _ in range(3)]
    try:
        for writer in open_writers:
            await writer.execute("begin")
            await writer.execute("insert into public.tasks (user_id, title) values ($1, 'uncommitted')", owner)
        await database.execute("set lock_timeout = '1ms'")
        await database.execute("insert into public.tasks (user_id, title) values ($1, 'committed')", owner)
        counted, there = await _counted_and_there(database)
        assert counted == there
    finally:
        for writer in open_writers:
            await writer.close()


async def test_a_total_has_no_more_partial_counts_than_concurrent_writers(database: "Connection", owner: UUID) -> None:
    before = await database.fetchval("select count(*) from private.row_counts where counted = 'public.tasks'::regclass")
    for _ in range(50):
        await database.execute("insert into public.tasks (user_id, title) values ($1, 'one after another')", owner)
    after = await database.fetchval("select count(*) from private.row_counts where counted = 'public.tasks'::regclass")
    assert after <= max(before, 1)


@pytest.mark.integration
async def test_cascades_and_truncate_keep_the_total_exact() -> None:
    with LocalStack() as stack:
        connection = await asyncpg.connect(stack.database_url)
        user = await connection.fetchval("insert into public.users (email) values ('a@example.com') returning id")
        await connection.execute("insert into public.tasks (user_id, title) select $1, 't' from generate_series(1, 20)", user)
        assert await _counted_and_there(connection) == (20, 20)
        await connection.execute("delete from public.users where id = $1", user)
        assert await _counted_and_there(connection) == (0, 0)
        user = await connection.fetchval("insert into public.users (email) values ('a@example.com') returning id")
        await connection.execute("insert into public.tasks (user_id, title) values ($1, 't')", user)
        await connection.execute("truncate public.users cascade")
        assert await _counted_and_there(connection) == (0, 0)
        await connection.execute("alter table public.tasks disable trigger user")
        user = await connection.fetchval("insert into public.users (email) values ('a@example.com') returning id")
        await connection.execute("insert into public.tasks (user_id, title) values ($1, 'uncounted')", user)
        await connection.execute("select private.recount_rows('public.tasks')")
        assert await _counted_and_there(connection) == (1, 1)
        await connection.close()
