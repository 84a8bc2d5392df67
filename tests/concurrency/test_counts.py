"""Totals and the order of new rows stay exact under concurrent writers."""

import asyncio
from itertools import pairwise

from tests.concurrency.races import Race
from tests.locks import Database
from tests.owners import Owner

TOTAL = "select (public.list_page('public.patterns', row_limit => 1) ->> 'total')::int"


async def test_a_total_counts_committed_rows_and_those_of_the_own_transaction(race: Race, database: Database, owner: Owner) -> None:
    insert = "insert into public.patterns (user_id) values ($1)"
    before = await database.fetchval(TOTAL)

    await race.holder.execute("begin")
    await race.holder.execute(insert, owner.user)
    # Does not wait for the first, which is uncommitted.
    async with asyncio.timeout(10):
        await race.waiter.execute(insert, owner.user)
    seen_by_the_first, seen_by_others = await race.holder.fetchval(TOTAL), await database.fetchval(TOTAL)
    await race.holder.execute("rollback")

    assert (seen_by_the_first, seen_by_others) == (before + 2, before + 1)
    assert await database.fetchval(TOTAL) == before + 1


async def test_totals_stay_exact_under_many_writers(connections: list[Database], database: Database, owner: Owner) -> None:
    async def write(connection: Database) -> None:
        for nth in range(15):
            transaction = connection.transaction()
            await transaction.start()
            created = await connection.fetch(
                "insert into public.patterns (user_id) select $1 from generate_series(1, 3) returning id", owner.user
            )
            await connection.execute("delete from public.patterns where id = $1", created[0]["id"])
            await (transaction.rollback() if nth % 3 == 0 else transaction.commit())

    await asyncio.gather(*map(write, connections))

    assert await database.fetchval(TOTAL) == await database.fetchval("select count(*) from public.patterns")


async def test_recounting_a_table_is_exact_while_others_write(race: Race, database: Database, owner: Owner) -> None:
    outcome = await race.run(
        f"insert into public.patterns (user_id) values ('{owner.user}')",
        "select private.recount_rows('public.patterns')",
    )

    assert outcome == "SELECT 1"
    assert await database.fetchval(TOTAL) == await database.fetchval("select count(*) from public.patterns")


async def test_rows_of_one_statement_have_increasing_creation_times_in_their_order(database: Database, owner: Owner) -> None:
    created = await database.fetch(
        "insert into public.tasks (user_id, title)"
        " select $1, nth::text from generate_series(1, 50) as nth returning title, created_at",
        owner.user,
    )

    assert all(one["created_at"] <= next_one["created_at"] for one, next_one in pairwise(created))
    assert [row["title"] for row in created] == [str(nth) for nth in range(1, 51)]
