"""Ids are ordered by time, so that a create writes few pages whole after a checkpoint, when each first change of a page is one."""

import time
from uuid import UUID, uuid4

import asyncpg

OTHERS = 10_000
CREATES = 100
MOST_BYTES = 5 * 1024
CREATE = "insert into public.tasks (id, user_id, title) select {}, $1, 'new' from generate_series(1, $2)"


async def _create(database: "asyncpg.Connection[asyncpg.Record]", made_by: str, user: UUID) -> tuple[float, float]:
    """Bytes of WAL and seconds that a create takes right after a checkpoint."""
    await database.execute("checkpoint")
    before = await database.fetchval("select pg_current_wal_insert_lsn()")
    began = time.perf_counter()
    await database.execute(CREATE.format(made_by), user, CREATES)
    seconds = time.perf_counter() - began
    written = await database.fetchval("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)::float", before)
    return written / CREATES, seconds / CREATES


async def test_a_create_after_a_checkpoint_writes_few_pages_whole(database: "asyncpg.Connection[asyncpg.Record]") -> None:
    transaction = database.transaction()
    await transaction.start()
    try:
        users = [await _new_user(database) for _ in range(2)]
        await database.execute(CREATE.format("gen_random_uuid()"), users[0], OTHERS)

        time_ordered, seconds = await _create(database, "private.new_id()", users[1])
        at_random, seconds_at_random = await _create(database, "gen_random_uuid()", users[1])
    finally:
        await transaction.rollback()

    assert time_ordered <= MOST_BYTES
    # With random ids it would not: the limit measures what it should.
    assert at_random > MOST_BYTES
    # A create takes some 100 µs, an id 4 µs.
    assert seconds < 3 * seconds_at_random


async def _new_user(database: "asyncpg.Connection[asyncpg.Record]") -> UUID:
    user: UUID = await database.fetchval("insert into public.users (email) values ($1) returning id", f"{uuid4()}@example.com")
    return user
