"""Concurrent writers of a unique value."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from tests.concurrency.races import WRITERS, Race
from tests.locks import Database
from tests.owners import Owner


@pytest.mark.parametrize("ending", ["commit", "rollback"])
@pytest.mark.parametrize(
    "held",
    [
        "insert into public.users (email) values ('{}')",
        "insert into auth.users (id, email, email_confirmed_at) values (gen_random_uuid(), '{}', now())",
        "insert into v1_0.users (name, email) values ('x', '{}')",
    ],
    ids=["1.2", "a sign-up", "1.0"],
)
async def test_one_of_two_concurrent_users_with_one_address_is_created(
    held: str, ending: str, race: Race, database: Database
) -> None:
    address = f"{uuid4()}@example.com"
    insert = "insert into public.users (email) values ($1)"
    await race.holder.execute("begin")
    await race.holder.execute(held.format(address))

    async with race.meanwhile(lambda: race.waiter.execute(insert, address.upper())) as outcome:
        await race.holder.execute(ending)

    assert isinstance(outcome.exception(), asyncpg.UniqueViolationError) == (ending == "commit")
    assert await database.fetchval("select count(*) from public.users where lower(email) = $1", address) == 1


async def test_one_of_many_concurrent_users_with_one_address_is_created(connections: list[Database], database: Database) -> None:
    address = f"{uuid4()}@example.com"

    outcomes = await asyncio.gather(
        *(each.execute("insert into public.users (email) values ($1)", address) for each in connections),
        return_exceptions=True,
    )

    assert outcomes.count("INSERT 0 1") == 1
    assert sum(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes) == WRITERS - 1


async def test_concurrent_puts_of_demo_flags_leave_one_row(connections: list[Database], database: Database, owner: Owner) -> None:
    await database.execute("delete from public.demo_flags where user_id = $1", owner.user)

    await asyncio.gather(
        *(
            each.execute("select public.put_demo_flags($1, escalation_speed => $2)", owner.user, nth)
            for nth, each in enumerate(connections)
        )
    )

    assert await database.fetchval("select count(*) from public.demo_flags where user_id = $1", owner.user) == 1
