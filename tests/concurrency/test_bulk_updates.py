"""Concurrent bulk updates: no deadlock, no lost update, no lock on a later task."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.concurrency.races import WRITERS, Race, make_tasks
from tests.locks import Database
from tests.owners import Owner


async def test_bulk_updates_in_opposite_orders_end_without_a_deadlock(
    connections: list[Database], database: Database, owner: Owner
) -> None:
    ids = await make_tasks(database, owner, 100)
    words = ["pending", "done", "missed", "rescheduled", "cancelled", "pending", "done", "missed"]

    async def write(nth: int) -> None:
        for turn in range(15):
            ordered = ids[::-1] if (nth + turn) % 2 else ids
            updated = await connections[nth].fetchval(
                "select updated_count from public.bulk_update_task_status($1, $2)", ordered, words[nth]
            )
            assert updated == len(ids)

    await asyncio.gather(*(write(nth) for nth in range(WRITERS)))

    left = await database.fetch("select distinct status from public.tasks where id = any($1)", ids)
    assert len(left) == 1


@pytest.mark.parametrize("call", ["public.bulk_update_task_status", "v1_0.bulk_update_task_state"])
async def test_a_bulk_update_that_waits_for_a_task_locks_no_later_task(
    call: str, race: Race, connections: list[Database], database: Database, owner: Owner
) -> None:
    low, high = await make_tasks(database, owner, 2)
    await race.holder.execute("begin")
    await race.holder.execute("update public.tasks set title = 'held' where id = $1", low)

    def bulk() -> Awaitable[Any]:
        return race.waiter.fetchval(f"select updated_count from {call}($1, 'missed')", [high, low])

    async with race.meanwhile(bulk) as outcome:
        # Raises if another connection holds the lock.
        await connections[2].fetch("select from public.tasks where id = $1 for update nowait", high)

    assert outcome.result() == 2
    titles = await database.fetch("select title, status from public.tasks where id = $1", low)
    assert [tuple(row) for row in titles] == [("held", "missed")]


async def test_a_task_deleted_during_a_bulk_update_does_not_count(race: Race, database: Database, owner: Owner) -> None:
    gone, stays = await make_tasks(database, owner, 2)
    await race.holder.execute("begin")
    await race.holder.execute("delete from public.tasks where id = $1", gone)

    def bulk() -> Awaitable[Any]:
        return race.waiter.fetchval("select updated_count from public.bulk_update_task_status($1, 'done')", [gone, stays])

    async with race.meanwhile(bulk) as outcome:
        pass

    assert outcome.result() == 1
